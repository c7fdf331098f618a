"""Today's and coming meetings; one meeting, filling live; its printable sign-in sheet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fastapi import APIRouter, Response

from services.admin.access import AnyDesk, CoordinatorDesk, Desk, MeetingDesk, OwnMeeting
from shared.contracts.base import Mode
from shared.contracts.meetings import FindMeetings, ListChapters, MeetingStatus, MeetingView
from shared.contracts.registration import (
    CountSeats,
    ListMeetingSeats,
    MeetingSeats,
    ModeCount,
    SeatFigures,
    SeatRow,
    SeatState,
)
from shared.gateway.pages import wants_fragment
from shared.gateway.web import live_of
from shared.gateway.wording import local

router = APIRouter()

BACK, AHEAD = timedelta(days=8), timedelta(days=15)


@dataclass(frozen=True)
class Listed:
    """One meeting in a list, with its figures where registration knows it already."""

    meeting: MeetingView
    figures: SeatFigures | None

    @property
    def on(self) -> date:
        """Its local day."""
        return local(self.meeting.starts_at, self.meeting.time_zone).date()


@dataclass(frozen=True)
class Agenda:
    """A coordinator's meetings: open sheets first, then today, then by day."""

    sheets: list[Listed]
    today: list[Listed]
    coming: list[tuple[date, list[Listed]]]
    more: bool


def agenda(listed: list[Listed], now: datetime, *, more: bool) -> Agenda:
    """What needs a hand, what is today, what comes."""
    sheets, today, coming = [], [], defaultdict(list)
    for each in listed:
        here = local(now, each.meeting.time_zone).date()
        open_sheet = each.figures is not None and not each.figures.attendance_closed
        if each.on == here:
            today.append(each)
        elif each.on > here:
            coming[each.on].append(each)
        elif each.meeting.status is MeetingStatus.ENDED and open_sheet and _anybody(each.figures):
            sheets.append(each)
    return Agenda(sheets, today, sorted(coming.items()), more)


def _anybody(figures: SeatFigures | None) -> bool:
    return figures is not None and any(count.confirmed for count in figures.counts)


async def listed_meetings(desk: Desk, now: datetime) -> Agenda:
    """The agenda of this coordinator."""
    found = await desk.ask(
        FindMeetings(
            after=now - BACK,
            before=now + AHEAD,
            chapter_ids=desk.who.account.chapters,
            include_over=True,
            limit=300,
        )
    )
    own = [meeting for meeting in found.meetings if meeting.chapter_id in desk.who.account.chapters]
    figures = {}
    if own:
        counted = await desk.ask(CountSeats(meeting_ids=tuple(meeting.meeting_id for meeting in own)))
        figures = {each.meeting_id: each for each in counted.meetings}
    return agenda([Listed(each, figures.get(each.meeting_id)) for each in own], now, more=found.more)


@router.get("/")
async def start(desk: AnyDesk) -> Response:
    """The first page: a coordinator's meetings, or the region."""
    return desk.go("/region") if desk.who.is_regional else desk.go("/meetings")


@router.get("/meetings")
async def meetings(desk: CoordinatorDesk) -> Response:
    """Today's and coming meetings of one's chapters, with their counts."""
    chapters = await desk.ask(ListChapters())
    own = [chapter for chapter in chapters.chapters if chapter.chapter_id in desk.who.account.chapters]
    return desk.page("meetings.html", agenda=await listed_meetings(desk, desk.now), chapters=own)


# -- one meeting ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Section:
    """One mode of a meeting: its count, who is confirmed, who waits."""

    count: ModeCount
    confirmed: list[SeatRow]
    waiting: list[SeatRow]


def sections(seats: MeetingSeats) -> list[Section]:
    """The seats by mode."""

    def of(mode: Mode, state: SeatState) -> list[SeatRow]:
        return [row for row in seats.seats if row.mode is mode and row.state is state]

    return [
        Section(count, of(count.mode, SeatState.CONFIRMED), of(count.mode, SeatState.WAITLISTED))
        for count in seats.counts
    ]


def told_people(seats: MeetingSeats) -> int:
    """How many people a change concerns: everyone who holds or waits for a seat."""
    return len({row.member_id for row in seats.seats if row.state is not SeatState.RELEASED})


SOMEONE_WHO_LEFT = "Someone who left"
SHEET_OPENS = timedelta(minutes=30)
"""How long before a meeting registration takes attendance."""


def began(desk: MeetingDesk) -> bool:
    """Whether the meeting has begun, or nearly, so that attendance can be taken."""
    return desk.now >= desk.meeting.starts_at - SHEET_OPENS


async def seats_of(desk: MeetingDesk) -> MeetingSeats:
    """The meeting's seats. Who has left has no name any more; a mark of theirs, and the count, stay."""
    seats = await desk.ask(ListMeetingSeats(meeting_id=desk.meeting.meeting_id))
    rows = (row if row.alias else row.model_copy(update={"alias": SOMEONE_WHO_LEFT}) for row in seats.seats)
    return seats.model_copy(update={"seats": tuple(rows)})


@router.get("/meetings/{meeting_id}")
async def meeting(desk: OwnMeeting) -> Response:
    """A meeting: facts, seats of each mode, waitlist, what can be done."""
    seats = await seats_of(desk)
    await desk.note_here("looked_at_seats")
    return desk.page("meeting.html", meeting=desk.meeting, seats=seats, sections=sections(seats), began=began(desk))


@router.get("/meetings/{meeting_id}/seats")
async def seats(desk: OwnMeeting) -> Response:
    """The part of the page that fills live; without script, the page itself."""
    if not wants_fragment(desk.request):
        return desk.go(f"/meetings/{desk.meeting.meeting_id}")
    seats = await seats_of(desk)
    return desk.page("_seats.html", meeting=desk.meeting, seats=seats, sections=sections(seats))


@router.get("/meetings/{meeting_id}/live")
async def live(desk: OwnMeeting) -> Response:
    """Says when something about this meeting changed."""
    return live_of(desk.request).stream(desk.request, f"meeting:{desk.meeting.meeting_id}")


@router.get("/meetings/{meeting_id}/sign-in-sheet")
async def sheet(desk: OwnMeeting) -> Response:
    """A sheet to print: aliases and big rows. It says neither the group's name nor what the meeting is about."""
    seats = await seats_of(desk)
    rows = sorted(
        (row.alias for row in seats.seats if row.state is SeatState.CONFIRMED and row.mode is Mode.IN_PERSON),
        key=str.casefold,
    )
    await desk.note_here("printed_sign_in_sheet")
    return desk.page("sign_in_sheet.html", meeting=desk.meeting, rows=rows, blank_rows=max(6, len(rows) // 3))
