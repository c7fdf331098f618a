"""Attendance: one tap a person, undo, walk-ins, closing the sheet. Every tap is a plain form too."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import MeetingDesk, OwnMeeting
from services.admin.pages.meetings import SHEET_OPENS, began, seats_of
from shared.contracts.base import GuestId, Mode, SeatId
from shared.contracts.errors import Invalid, Refused
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    GuestRow,
    MarkAttendance,
    MeetingSeats,
    Outcome,
    SeatRow,
    SeatState,
)
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.pages import wants_fragment

router = APIRouter()


class Mark(Fields):
    """One tap."""

    seat_id: str | None = None
    guest_id: str | None = None
    outcome: Literal["attended", "missed", "excused", "undo"]
    mode: Mode | None = None


class WalkIn(Fields):
    """Someone came who has no seat."""

    wrong: ClassVar[dict[str, str]] = {"alias": "Use 40 characters or fewer"}

    alias: str | None = Field(default=None, max_length=40)
    mode: Mode = Mode.IN_PERSON


def tally(seats: MeetingSeats, rows: list[SeatRow]) -> dict[str, int]:
    """How far the sheet is: attended (guests included), not marked, all."""
    people: list[SeatRow | GuestRow] = [*rows, *seats.guests]
    return {
        "attended": sum(1 for row in people if row.outcome is Outcome.ATTENDED),
        "unmarked": sum(1 for row in rows if row.outcome is None),
        "all": len(people),
    }


async def _page(desk: MeetingDesk, form: Form[Any], *, status: int | None = None, done: str = "") -> Response:
    seats = await seats_of(desk)
    modes = [offer.mode for offer in desk.meeting.offers]
    form.values.setdefault("mode", modes[0] if modes else None)
    rows = sorted(
        (row for row in seats.seats if row.state is SeatState.CONFIRMED), key=lambda row: row.alias.casefold()
    )
    if not began(desk):
        opens_at = desk.meeting.starts_at - SHEET_OPENS
        return desk.page(
            "attendance_later.html", status=status or form.status, meeting=desk.meeting, opens_at=opens_at, rows=rows
        )
    return desk.page(
        "_attendance.html" if wants_fragment(desk.request) else "attendance.html",
        status=status or form.status,
        meeting=desk.meeting,
        seats=seats,
        rows=rows,
        tally=tally(seats, rows),
        form=form,
        modes=modes,
        done=done,
    )


@router.get("/meetings/{meeting_id}/attendance")
async def attendance(desk: OwnMeeting, done: str = "") -> Response:
    """The sheet."""
    if not wants_fragment(desk.request):
        await desk.note_here("opened_attendance")
    return await _page(desk, blank(), done=done)


@router.post("/meetings/{meeting_id}/attendance")
async def mark(desk: OwnMeeting) -> Response:
    """Record one person's attendance, or take the mark back."""
    form, here = await read_form(desk.request, Mark), desk.meeting.meeting_id
    if not form.ok or (form.given.seat_id is None) == (form.given.guest_id is None):
        raise Invalid("Say for whom, and what.")
    given = form.given
    await desk.send(
        MarkAttendance(
            meeting_id=here,
            seat_id=SeatId(given.seat_id) if given.seat_id else None,
            guest_id=GuestId(given.guest_id) if given.guest_id else None,
            outcome=None if given.outcome == "undo" else Outcome(given.outcome),
            mode=given.mode,
        ),
        form.request_id,
    )
    if wants_fragment(desk.request):
        return await _page(desk, blank())
    return desk.go(f"/meetings/{here}/attendance#row-{given.seat_id or given.guest_id}")


@router.post("/meetings/{meeting_id}/attendance/walk-ins")
async def walk_in(desk: OwnMeeting) -> Response:
    """Add a guest for one evening."""
    form, here = await read_form(desk.request, WalkIn), desk.meeting.meeting_id
    if form.ok:
        given = form.given
        alias = desk.asking.seal_for("registration", given.alias) if given.alias else None
        try:
            await desk.send(AddWalkIn(meeting_id=here, alias=alias, mode=given.mode), form.request_id)
            await desk.note_here("added_walk_in")
            return desk.go(f"/meetings/{here}/attendance?done=guest")
        except Refused as refused:
            form.refuse(refused)
    return await _page(desk, form)


@router.post("/meetings/{meeting_id}/attendance/close")
async def close(desk: OwnMeeting) -> Response:
    """The sheet is done: whoever is not marked was not there."""
    form, here = await read_form(desk.request, Fields), desk.meeting.meeting_id
    try:
        await desk.send(CloseAttendance(meeting_id=here), form.request_id)
    except Refused as refused:
        return await _page(desk, form.refuse(refused))
    await desk.note_here("closed_attendance")
    return desk.go(f"/meetings/{here}/attendance?done=closed")
