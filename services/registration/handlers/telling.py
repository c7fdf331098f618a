"""The events of a seat and of a sheet, from what the rules decided."""

from __future__ import annotations

from collections.abc import Iterable

from services.registration.model.attendance import Mark
from services.registration.model.meetings import Meeting
from services.registration.model.seats import Seat
from services.registration.work import RegistrationWork
from shared.contracts.base import Mode
from shared.contracts.registration import (
    AttendanceCounted,
    AttendanceRecorded,
    SeatConfirmed,
    SeatFacts,
    SeatReleased,
    SeatState,
    SeatView,
    SeatWaitlisted,
)

EVENTS: dict[SeatState, type[SeatFacts]] = {
    SeatState.CONFIRMED: SeatConfirmed,
    SeatState.WAITLISTED: SeatWaitlisted,
    SeatState.RELEASED: SeatReleased,
}


def tell_seats(seats: Iterable[Seat], meeting: Meeting, work: RegistrationWork) -> None:
    """Say how these seats stand now."""
    for seat in seats:
        work.publish(
            EVENTS[seat.state](
                seat_id=seat.seat_id,
                meeting_id=seat.meeting_id,
                chapter_id=meeting.chapter_id,
                member_id=seat.member_id,
                mode=seat.mode,
                state=seat.state,
                reason=seat.reason,
                meeting_revision=meeting.revision,
                change=seat.change,
            )
        )


def tell_mark(mark: Mark, meeting: Meeting, work: RegistrationWork) -> None:
    """Say what happened for one member. The mark has an outcome."""
    assert mark.outcome is not None, "a mark without an outcome says nothing"  # noqa: S101
    work.publish(
        AttendanceRecorded(
            seat_id=mark.seat_id,
            meeting_id=mark.meeting_id,
            chapter_id=meeting.chapter_id,
            member_id=mark.member_id,
            outcome=mark.outcome,
            mode=mark.mode,
            change=mark.change,
        )
    )


def tell_counts(meeting: Meeting, work: RegistrationWork) -> None:
    """Say how many came, members and guests, by mode."""
    members, guests = work.sheet.attended(meeting.meeting_id)
    by_mode = {mode: members.get(mode, 0) + guests.get(mode, 0) for mode in Mode}
    work.publish(
        AttendanceCounted(
            meeting_id=meeting.meeting_id,
            chapter_id=meeting.chapter_id,
            group_id=meeting.group_id,
            meeting_day=meeting.day,
            members=sum(members.values()),
            guests=sum(guests.values()),
            in_person=by_mode[Mode.IN_PERSON],
            online=by_mode[Mode.ONLINE],
            phone=by_mode[Mode.PHONE],
            change=work.sheet.next_count(meeting.meeting_id),
        )
    )


def view_of(seat: Seat, work: RegistrationWork) -> SeatView:
    """The seat as its member sees it."""
    return SeatView(
        seat_id=seat.seat_id,
        meeting_id=seat.meeting_id,
        mode=seat.mode,
        state=seat.state,
        place_in_line=work.desk.place_in_line(seat) or work.seats.place_in_line(seat),
    )
