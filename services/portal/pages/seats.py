"""My places: what I have, how I get in, come another way, give it up, put it in a calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response

from services.portal import finder
from services.portal.parts import VISITOR, know, portal_of, signed_in, to
from shared.contracts.base import MeetingId, Mode
from shared.contracts.errors import Fault, NotFound, Refused, Unreachable
from shared.contracts.meetings import FindMeetings
from shared.contracts.notifications import AskCalendarFile, AskJoinDetails, JoinDetails
from shared.contracts.registration import GiveUpSeat, HasLeft, ListMySeats, ModeFull, SeatState, SeatView, SwitchMode
from shared.gateway.forms import Fields, Form, blank, fill, sent_request_id
from shared.gateway.web import asking_of, pages_of

router = APIRouter(prefix="/my", dependencies=[Depends(know)])

BACK, AHEAD = timedelta(days=2), timedelta(days=400)


@dataclass(frozen=True)
class MyPlace:
    """A seat and its meeting. ``told`` is None where the meeting is not known at this moment."""

    seat: SeatView
    told: finder.Told | None

    @property
    def waiting(self) -> bool:
        """Whether it is a place in line."""
        return self.seat.state is SeatState.WAITLISTED


async def _seats(request: Request) -> tuple[SeatView, ...]:
    return (await asking_of(request).ask(ListMySeats(), signed_in(request))).seats


async def _places(request: Request) -> list[MyPlace]:
    seats = await _seats(request)
    if not seats:
        return []
    now, locale = portal_of(request).clock.now(), portal_of(request).settings.locale
    asked = FindMeetings(
        after=now - BACK,
        before=now + AHEAD,
        meeting_ids=tuple(each.meeting_id for each in seats),
        include_over=True,
        limit=500,
    )
    known = {each.meeting_id: each for each in (await asking_of(request).ask(asked, VISITOR)).meetings}
    return [
        MyPlace(seat, finder.tell(known[seat.meeting_id], {}, locale) if seat.meeting_id in known else None)
        for seat in seats
    ]


TOLD = {"given_up": "You gave up your place. Someone who waits may get it now."}


@router.get("/meetings")
async def my_seats(request: Request) -> Response:
    """All my coming places."""
    return pages_of(request).render(
        request,
        "seats.html",
        places=await _places(request),
        told=TOLD.get(request.query_params.get("told", ""), ""),
    )


@dataclass(frozen=True)
class WayIn:
    """How I get in, opened for the page. ``ready`` is False until notifications has heard of the seat."""

    ready: bool = False
    place: str | None = None
    link: str | None = None
    dial_in: str | None = None
    passcode: str | None = None
    link_from: datetime | None = None


async def _way_in(request: Request, seat: SeatView) -> WayIn:
    """What I need in my mode, and nothing else. Someone who waits needs nothing yet."""
    if seat.state is not SeatState.CONFIRMED:
        return WayIn()
    asking = asking_of(request)
    try:
        told: JoinDetails = await asking.ask(AskJoinDetails(meeting_id=seat.meeting_id), signed_in(request))
    except (Refused, Fault, Unreachable):
        return WayIn()

    def opened(sealed: object) -> str | None:
        return asking.unseal(sealed) if sealed else None  # type: ignore[arg-type]

    return WayIn(
        ready=True,
        place=told.place,
        link=_https(opened(told.link)),
        dial_in=opened(told.dial_in),
        passcode=opened(told.passcode),
        link_from=told.link_from,
    )


def _https(link: str | None) -> str | None:
    """A link that is safe to press; anything else is not shown as one."""
    return link if link and link.startswith("https://") else None


async def _my(request: Request, meeting_id: str) -> MyPlace:
    seat = next((each for each in await _seats(request) if each.meeting_id == meeting_id), None)
    if seat is None:
        raise NotFound("You have no place there.")
    told = await finder.one(asking_of(request), seat.meeting_id, portal_of(request).settings.locale)
    return MyPlace(seat, told)


@router.get("/meetings/{meeting_id}")
async def my_seat(request: Request, meeting_id: str) -> Response:
    """One of my places; where I have none (I gave it up), the meeting, where I can ask for one again."""
    try:
        place = await _my(request, meeting_id)
    except NotFound:
        return to(f"/meetings/{quote(meeting_id, safe='')}")
    return await _seat_page(request, place, blank())


async def _seat_page(
    request: Request, place: MyPlace, form: Form[SwitchFields], *, full: Mode | None = None
) -> Response:
    return pages_of(request).render(
        request,
        "seat.html",
        status=form.status,
        place=place,
        way_in=await _way_in(request, place.seat),
        form=form,
        full=full,
    )


class SwitchFields(Fields):
    """How someone would rather come."""

    missing: ClassVar[dict[str, str]] = {"mode": "Choose how you would like to come"}
    wrong: ClassVar[dict[str, str]] = {"mode": "Choose how you would like to come"}

    mode: Mode
    or_wait: str = ""


@router.post("/meetings/{meeting_id}/switch")
async def switch(request: Request, meeting_id: str) -> Response:
    """Come another way. Where that is full, the place is kept and waiting is offered."""
    actor = signed_in(request)
    form = fill(await request.form(), SwitchFields)
    if not form.ok:
        return await _seat_page(request, await _my(request, meeting_id), form)
    command = SwitchMode(meeting_id=MeetingId(meeting_id), mode=form.given.mode, or_wait=form.given.or_wait == "yes")
    try:
        await asking_of(request).send(command, actor, request_id=form.request_id)
    except ModeFull:
        return await _seat_page(request, await _my(request, meeting_id), blank(), full=form.given.mode)
    except (NotFound, HasLeft):
        raise
    except Refused as refused:
        return await _seat_page(request, await _my(request, meeting_id), form.refuse(refused))
    return to(f"/my/meetings/{meeting_id}")


@router.get("/meetings/{meeting_id}/give-up")
async def may_give_up(request: Request, meeting_id: str) -> Response:
    """Ask before a place is given up: the next in line gets it at once."""
    return pages_of(request).render(request, "give_up.html", place=await _my(request, meeting_id))


@router.post("/meetings/{meeting_id}/give-up")
async def give_up(request: Request, meeting_id: str) -> Response:
    """Give up a place, or a place in line."""
    command = GiveUpSeat(meeting_id=MeetingId(meeting_id))
    await asking_of(request).send(command, signed_in(request), request_id=await sent_request_id(request))
    return to("/my/meetings?told=given_up")


@router.get("/meetings/{meeting_id}/calendar.ics")
async def calendar(request: Request, meeting_id: str) -> Response:
    """My place as a calendar file, worded as my notices are."""
    file = await asking_of(request).ask(AskCalendarFile(meeting_id=MeetingId(meeting_id)), signed_in(request))
    return Response(
        file.body,
        headers={
            "Content-Type": "text/calendar; charset=utf-8",
            "Content-Disposition": 'attachment; filename="calendar.ics"',
        },
    )
