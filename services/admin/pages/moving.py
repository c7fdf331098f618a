"""One meeting at another time or place: a form, what people will read, the number of people in the button."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import MeetingDesk, OwnMeeting
from services.admin.pages.meetings import seats_of, told_people
from services.admin.pages.series import hidden
from shared.contracts.base import Mode, RoomId, VenueId
from shared.contracts.errors import Invalid, Refused, Stale
from shared.contracts.meetings import (
    ChapterHoldings,
    ChapterPage,
    MeetingPage,
    MeetingStatus,
    MeetingView,
    MoveMeeting,
    Place,
)
from shared.contracts.notifications import PreviewChange
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.wording import local, people

router = APIRouter()

CHANGED = "The meeting was changed since you opened this page."
FORM_FIELDS = {"starts_local": "starts"}


class Move(Fields):
    """Where and when a meeting shall be, and what the person saw when they decided."""

    missing: ClassVar[dict[str, str]] = {
        "day": "Enter the day",
        "starts": "Enter the time it begins",
        "minutes": "Enter how long it lasts",
    }
    wrong: ClassVar[dict[str, str]] = {
        "day": "Enter a day, for example 2026-12-01",
        "starts": "Enter a time, for example 19:00",
        "minutes": "Enter a number of minutes from 10 to 600",
    }

    day: date
    starts: time
    minutes: int = Field(ge=10, le=600)
    venue_id: str | None = None
    room_id: str | None = None
    step: Literal["preview", "move", "edit"] = "preview"
    people: int | None = Field(default=None, ge=0)
    revision: int | None = Field(default=None, ge=1)

    @property
    def wall(self) -> datetime:
        """The start as the clock in the chapter shows it."""
        return datetime.combine(self.day, self.starts.replace(tzinfo=None))

    def command(self, meeting: MeetingView) -> MoveMeeting | None:
        """The move, or None where nothing is different."""
        now_at = local(meeting.starts_at, meeting.time_zone).replace(tzinfo=None)
        place = meeting.place.venue_id if meeting.place else None
        different = {
            "starts_local": self.wall if self.wall != now_at else None,
            "minutes": self.minutes if self.minutes != length(meeting) else None,
            "venue_id": VenueId(self.venue_id) if self.venue_id and self.venue_id != place else None,
            "room_id": RoomId(self.room_id) if self.room_id else None,
        }
        if not any(different.values()):
            return None
        return MoveMeeting(meeting_id=meeting.meeting_id, revision=meeting.revision, **different)


def length(meeting: MeetingView) -> int:
    """In minutes."""
    return (meeting.ends_at - meeting.starts_at) // timedelta(minutes=1)


def in_a_room(meeting: MeetingView) -> bool:
    """Whether people meet in a room at it, or would, were the venue not shut."""
    return meeting.online_instead or any(offer.mode is Mode.IN_PERSON for offer in meeting.offers)


def hindrance(meeting: MeetingView) -> str | None:
    """Why it cannot be moved at all."""
    if meeting.status is not MeetingStatus.SCHEDULED:
        return "This meeting is over or was cancelled, so it cannot be moved."
    return None


def _impossible(desk: MeetingDesk, why: str) -> Response:
    return desk.page(
        "change_impossible.html", status=409, meeting=desk.meeting, title="Move the meeting", hindrance=why
    )


async def _form(desk: MeetingDesk, form: Form[Any], holdings: ChapterHoldings) -> Response:
    return desk.page(
        "move.html",
        status=form.status,
        form=form,
        meeting=desk.meeting,
        holdings=holdings,
        in_a_room=in_a_room(desk.meeting),
    )


async def _preview(
    desk: MeetingDesk, form: Form[Move], move: MoveMeeting, holdings: ChapterHoldings, *, moved: str = ""
) -> Response:
    meeting, given = desk.meeting, form.given
    starts = given.wall.replace(tzinfo=ZoneInfo(meeting.time_zone)).astimezone(UTC)
    ends = starts + timedelta(minutes=given.minutes)
    place = next((venue for venue in holdings.venues if venue.venue_id == move.venue_id), None) or meeting.place
    words = await desk.ask(
        PreviewChange(meeting_id=meeting.meeting_id, change="moved", starts_at=starts, ends_at=ends, place=place)
    )
    count = told_people(await seats_of(desk))
    return desk.page(
        "move_preview.html",
        status=409 if moved else 200,
        form=form,
        meeting=meeting,
        preview=words,
        count=count,
        moved=moved,
        starts=starts,
        ends=ends,
        place=_said(place),
        old_place=_said(meeting.place),
        room=next((room.name for room in holdings.rooms if room.room_id == move.room_id), None),
        fields=[pair for pair in hidden(form.values) if pair[0] != "revision"],
        button=f"Tell {people(count)} and move the meeting" if count else "Move the meeting",
    )


def _said(place: Place | None) -> str:
    return f"{place.name}, {place.address}, {place.city}" if place else "No venue"


@router.get("/meetings/{meeting_id}/move")
async def move_form(desk: OwnMeeting) -> Response:
    """The form, filled in with how it is."""
    meeting = desk.meeting
    why = hindrance(meeting)
    if why:
        return _impossible(desk, why)
    at = local(meeting.starts_at, meeting.time_zone)
    form = blank(
        day=at.date().isoformat(),
        starts=f"{at:%H:%M}",
        minutes=length(meeting),
        venue_id=meeting.place.venue_id if meeting.place else "",
    )
    return await _form(desk, form, await desk.ask(ChapterPage(chapter_id=meeting.chapter_id)))


@router.post("/meetings/{meeting_id}/move")
async def move(desk: OwnMeeting) -> Response:
    """Show what people will read; on confirmation count again, and move it if that is still so."""
    form, meeting = await read_form(desk.request, Move), desk.meeting
    holdings = await desk.ask(ChapterPage(chapter_id=meeting.chapter_id))
    if form.ok and form.given.step == "move" and form.given.revision != meeting.revision:
        return await _seen_something_else(desk, form, holdings)
    why = hindrance(meeting)
    if why:
        return _impossible(desk, why)
    if form.ok:
        _check(form, desk, holdings)
    if not form.ok or form.given.step == "edit":
        return await _form(desk, form, holdings)
    command = form.given.command(meeting)
    if command is None:
        form.overall.append("Nothing is different yet. Choose another time or place.")
        return await _form(desk, form, holdings)
    if form.given.step == "preview":
        return await _preview(desk, form, command, holdings)
    return await _confirmed(desk, form, command, holdings)


def _check(form: Form[Move], desk: MeetingDesk, holdings: ChapterHoldings) -> None:
    given = form.given
    if given.venue_id and given.venue_id not in {venue.venue_id for venue in holdings.venues}:
        form.errors["venue_id"] = "Choose a venue of this chapter"
    if given.room_id and given.room_id not in {room.room_id for room in holdings.rooms}:
        form.errors["room_id"] = "Choose an online room of this chapter"
    starts = given.wall.replace(tzinfo=ZoneInfo(desk.meeting.time_zone))
    if starts <= desk.now and starts != desk.meeting.starts_at:
        form.errors["starts"] = "This time has passed. Choose a coming one"


async def _seen_something_else(desk: MeetingDesk, form: Form[Move], holdings: ChapterHoldings) -> Response:
    """It was changed since; perhaps by this very form, sent twice."""
    command = None if hindrance(desk.meeting) else form.given.command(desk.meeting)
    if command is None:
        return desk.go(f"/meetings/{desk.meeting.meeting_id}/told/{desk.meeting.revision}")
    return await _preview(desk, form, command, holdings, moved=CHANGED)


async def _confirmed(desk: MeetingDesk, form: Form[Move], command: MoveMeeting, holdings: ChapterHoldings) -> Response:
    now_there = told_people(await seats_of(desk))
    if form.given.people != now_there:
        was = people(form.given.people or 0)
        moved = f"It was {was} when you opened this page; it is {people(now_there)} now."
        return await _preview(desk, form, command, holdings, moved=moved)
    try:
        await desk.send(command, form.request_id)
    except Stale:
        return await _preview(desk, form, command, holdings, moved=CHANGED)
    except Refused as refused:
        named = Invalid(refused.message, field=FORM_FIELDS.get(refused.field or "", refused.field))
        return await _form(desk, form.refuse(named), holdings)
    await desk.note_here("moved")
    after = await desk.ask(MeetingPage(meeting_id=desk.meeting.meeting_id))
    return desk.go(f"/meetings/{desk.meeting.meeting_id}/told/{after.revision}?done=move")
