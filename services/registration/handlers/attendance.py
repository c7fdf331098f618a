"""The attendance sheet: one tap a person, walk-ins, and closing it."""

from __future__ import annotations

from dataclasses import replace

from services.registration.handlers import allow
from services.registration.handlers.membership import opened_alias
from services.registration.handlers.telling import tell_counts, tell_mark
from services.registration.model.alias import checked_alias
from services.registration.model.attendance import Guest, marked, told
from services.registration.model.meetings import GUESTS_GO_AFTER, Meeting, offered, sheet_open
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, Done, GuestId, Mode, SeatId
from shared.contracts.errors import Invalid, NotFound
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    GuestAnswer,
    MarkAttendance,
    MeetingNotOpen,
    Outcome,
    SeatState,
)


def mark_attendance(command: MarkAttendance, actor: Actor, work: RegistrationWork) -> Done:
    """Record what happened for one seat or guest. After closing, a correction goes out at once."""
    if (command.seat_id is None) == (command.guest_id is None):
        raise Invalid("Say either which seat or which guest is meant.", field="seat_id")
    meeting = allow.overseen(command.meeting_id, actor, work)
    sheet_open(meeting, work.now)
    if command.mode is not None:
        offered(meeting, command.mode)
    if command.seat_id is not None:
        _mark_seat(command.seat_id, command.outcome, command.mode, meeting, work)
    elif command.guest_id is not None:
        _mark_guest(command.guest_id, command.outcome, command.mode, meeting, work)
    if meeting.closed_at is not None:
        _tell_news(meeting, work)
    return Done()


def add_walk_in(command: AddWalkIn, actor: Actor, work: RegistrationWork) -> GuestAnswer:
    """Someone came without a seat: a guest, here for one evening."""
    meeting = allow.overseen(command.meeting_id, actor, work)
    sheet_open(meeting, work.now)
    offered(meeting, command.mode)
    alias = None if command.alias is None else checked_alias(opened_alias(command.alias, work))
    guest = Guest(
        guest_id=GuestId(work.new_id()),
        meeting_id=meeting.meeting_id,
        number=work.sheet.next_guest_number(meeting.meeting_id),
        mode=command.mode,
        outcome=Outcome.ATTENDED,
    )
    work.sheet.add_guest(guest, alias)
    if meeting.closed_at is not None:
        tell_counts(meeting, work)
    return GuestAnswer(guest_id=guest.guest_id)


def close_attendance(command: CloseAttendance, actor: Actor, work: RegistrationWork) -> Done:
    """The sheet is done: who held a place and was not marked missed it. Members' outcomes and the counts go out."""
    meeting = allow.overseen(command.meeting_id, actor, work)
    sheet_open(meeting, work.now)
    if work.now < meeting.starts_at:
        raise MeetingNotOpen("The meeting has not begun yet. Close the sheet once everybody who is coming has come.")
    marks = work.sheet.marks(meeting.meeting_id)
    work.sheet.put(
        marked(seat, marks.get(seat.seat_id), Outcome.MISSED, None, closed=True)
        for seat in work.seats.at(meeting.meeting_id).held()
        if seat.state is SeatState.CONFIRMED and (seat.seat_id not in marks or marks[seat.seat_id].outcome is None)
    )
    work.meetings.close_sheet(meeting.meeting_id, work.now)
    _tell_news(meeting, work)
    return Done()


def forget_guests(work: RegistrationWork) -> int:
    """A guest is gone 24 hours after the meeting's end, key and all. Their number stays in the counts."""
    return work.sheet.forget_guests(work.now - GUESTS_GO_AFTER)


def _mark_seat(
    seat_id: SeatId, outcome: Outcome | None, mode: Mode | None, meeting: Meeting, work: RegistrationWork
) -> None:
    seat = work.seats.find(meeting.meeting_id, seat_id)
    if seat is None:
        raise NotFound("This seat is not on the sheet of this meeting. Reload the sheet.", field="seat_id")
    if not seat.held and outcome is not None:
        raise NotFound("They gave up this seat. If they came after all, add them as a walk-in.", field="seat_id")
    closed = meeting.closed_at is not None
    work.sheet.put([marked(seat, work.sheet.mark_of(seat_id), outcome, mode, closed=closed)])


def _mark_guest(
    guest_id: GuestId, outcome: Outcome | None, mode: Mode | None, meeting: Meeting, work: RegistrationWork
) -> None:
    guest = work.sheet.guest(meeting.meeting_id, guest_id)
    if guest is None:
        raise NotFound(
            "This guest is not on the sheet. Guests are forgotten 24 hours after the meeting.", field="guest_id"
        )
    work.sheet.put_guest(replace(guest, outcome=outcome, mode=mode or guest.mode))


def _tell_news(meeting: Meeting, work: RegistrationWork) -> None:
    """What others have not heard yet, and the counts as they are now."""
    news = [told(mark) for mark in work.sheet.marks(meeting.meeting_id).values() if mark.news]
    work.sheet.put(news)
    for mark in news:
        tell_mark(mark, meeting, work)
    tell_counts(meeting, work)
