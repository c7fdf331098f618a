"""What comes after a page of the way in was done: the next step, and in the end the seat."""

from __future__ import annotations

from uuid import UUID, uuid5

from fastapi import Request, Response

from services.portal import joining
from services.portal.joining import Next
from services.portal.parts import (
    begin_session,
    end_way,
    keep_way,
    to,
)
from services.portal.store import Purpose, Way
from shared.contracts.base import MemberId
from shared.contracts.errors import Refused
from shared.contracts.registration import AgreementNeeded, NotAMember
from shared.gateway.web import asking_of


def needs_agreement(refused: Refused) -> bool:
    """Whether the next step is the page with the agreement."""
    return isinstance(refused, (AgreementNeeded, NotAMember))


async def go_on(request: Request, way: Way, request_id: str) -> Response:
    """They are who they say: sign them in, and go to what is still to do."""
    member_id = way.member_id or MemberId("")
    todo = joining.what_next(await joining.membership_of(asking_of(request), member_id))
    if todo is Next.NOTHING:
        response = await finish(request, way, request_id)
    else:
        response = to("/join/agreement")
        await keep_way(request, response, way)
    await begin_session(request, response, member_id)
    return response


async def finish(request: Request, way: Way, request_id: str) -> Response:
    """The last step: the seat that they came for, or what they can do now."""
    response = to(way.wanted or ("/join/done" if way.purpose is Purpose.JOIN else "/my/meetings"))
    if way.meeting_id is not None and way.mode is not None:
        done = await joining.take_seat(
            asking_of(request), way.member_id or "", way.meeting_id, way.mode, request_id=derived(request_id, "seat")
        )
        if done.refused is None:
            response = to(f"/my/meetings/{way.meeting_id}")
        elif needs_agreement(done.refused):
            response = to("/join/agreement")
            await keep_way(request, response, way)
            return response
        else:
            response = to(f"/meetings/{way.meeting_id}?told={done.refused.code}")
    await end_way(request, response)
    return response


def derived(request_id: str, what: str) -> str:
    """The request id of a second command of one form: the same whenever the form comes again."""
    return str(uuid5(UUID(request_id), what))
