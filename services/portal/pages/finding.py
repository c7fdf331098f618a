"""Find a meeting, look at one, ask for a place in it."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from services.portal import finder, words
from services.portal.joining import take_seat
from services.portal.pages.arriving import needs_agreement
from services.portal.parts import keep_way, know, portal_of, session_of, to
from services.portal.store import Purpose, Way
from shared.contracts.base import Actor, MeetingId, MemberId, Mode, Role
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.registration import ListMySeats, SeatView
from shared.gateway.forms import Fields, blank, fill
from shared.gateway.web import asking_of, pages_of
from shared.runtime.ids import new_id

router = APIRouter(dependencies=[Depends(know)])

PUBLIC = {"X-Robots-Tag": "all"}


@router.get("/")
async def find(request: Request) -> Response:
    """The finder: a GET form, so that a search can be kept as a bookmark."""
    portal = portal_of(request)
    filters = finder.read_filters(request.query_params.multi_items())
    found = await finder.find(asking_of(request), filters, portal.clock.now(), portal.settings.locale)
    form = blank(**filters.address())
    return pages_of(request).render(
        request,
        "find.html",
        headers=PUBLIC,
        found=found,
        form=form,
        sought=_sought(found),
        days=list(enumerate(words.DAYS)),
        modes=list(words.MODES.items()),
        chapters=[(each.slug, each.name) for each in found.chapters],
    )


def _sought(found: finder.Found) -> str:
    """What is looked for, as the folded search says it."""
    filters = found.filters
    where = {each.slug: each.name for each in found.chapters}
    parts = (
        words.DAYS[filters.day] if filters.day is not None else "any day",
        words.MODES[filters.mode].lower() if filters.mode else "any way to come",
        where.get(filters.chapter, filters.chapter),
        f"“{filters.text}”" if filters.text else "",
    )
    return ", ".join(part for part in parts if part)


async def _my_seat(request: Request, meeting_id: str) -> SeatView | None:
    """The seat of who is signed in; None too where it is not known at this moment."""
    session = session_of(request)
    if session is None:
        return None
    try:
        mine = await asking_of(request).ask(ListMySeats(), Actor(role=Role.MEMBER, id=session.subject))
    except (Refused, Fault, Unreachable):
        return None
    return next((seat for seat in mine.seats if seat.meeting_id == meeting_id), None)


class SeatFields(Fields):
    """How someone would like to attend."""

    missing: ClassVar[dict[str, str]] = {"mode": "Choose how you would like to come"}
    wrong: ClassVar[dict[str, str]] = {"mode": "Choose how you would like to come"}

    mode: Mode


@router.get("/meetings/{meeting_id}")
async def meeting(request: Request, meeting_id: str) -> Response:
    """One meeting, for anyone."""
    return await _meeting_page(request, meeting_id, blank())


async def _meeting_page(request: Request, meeting_id: str, form: object, status: int = 200) -> Response:
    told = await finder.one(asking_of(request), MeetingId(meeting_id), portal_of(request).settings.locale)
    return pages_of(request).render(
        request,
        "meeting.html",
        status=status,
        headers=PUBLIC,
        told=told,
        form=form,
        seat=await _my_seat(request, meeting_id),
        over=told.meeting.starts_at <= portal_of(request).clock.now(),
    )


@router.post("/meetings/{meeting_id}/seat")
async def ask_for_seat(request: Request, meeting_id: str) -> Response:
    """Take the seat at once where someone is signed in; else begin the way in, which ends in it."""
    form = fill(await request.form(), SeatFields)
    if not form.ok:
        return await _meeting_page(request, meeting_id, form, form.status)
    session = session_of(request)
    if session is None:
        response = to("/join")
        await keep_way(request, response, _way_to(request, meeting_id, form.given.mode))
        return response
    done = await take_seat(asking_of(request), session.subject, meeting_id, form.given.mode, request_id=form.request_id)
    if done.refused is None:
        return to(f"/my/meetings/{meeting_id}")
    if needs_agreement(done.refused):
        response = to("/join/agreement")
        way = _way_to(request, meeting_id, form.given.mode)
        await keep_way(request, response, way.model_copy(update={"member_id": session.subject}))
        return response
    return await _meeting_page(request, meeting_id, form.refuse(done.refused), form.status)


def _way_to(request: Request, meeting_id: str, mode: Mode) -> Way:
    return Way(
        purpose=Purpose.JOIN,
        meeting_id=MeetingId(meeting_id),
        mode=mode,
        proposed=MemberId(new_id()),
        country=portal_of(request).settings.country,
    )
