"""What coordinators see of a meeting's seats, and the attendance sheet."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.base import (
    Command,
    Contract,
    Done,
    GuestId,
    MeetingId,
    MemberId,
    Mode,
    Query,
    Sealed,
    SeatId,
    View,
)
from shared.contracts.registration.events import Outcome, SeatState


class MarkAttendance(Command[Done]):
    """Record what happened for one seat or guest. Coordinator of the chapter. ``outcome`` None takes the mark back."""

    type: ClassVar[str] = "registration.mark_attendance.v1"

    meeting_id: MeetingId
    seat_id: SeatId | None = None
    guest_id: GuestId | None = None
    outcome: Outcome | None
    mode: Mode | None = None  # in which mode they attended; None means the mode of their seat


class GuestAnswer(View):
    """The guest's id."""

    guest_id: GuestId


class AddWalkIn(Command[GuestAnswer]):
    """Someone came who has no seat, no phone and no address: a guest for one evening, gone 24 h after the meeting."""

    type: ClassVar[str] = "registration.add_walk_in.v1"

    meeting_id: MeetingId
    alias: Sealed | None = None  # None: "Guest 3"
    mode: Mode = Mode.IN_PERSON


class CloseAttendance(Command[Done]):
    """The sheet is done: unmarked seats are missed, the counts go out. May be done again after a correction."""

    type: ClassVar[str] = "registration.close_attendance.v1"

    meeting_id: MeetingId


class SeatRow(Contract):
    """One seat as its coordinator sees it."""

    seat_id: SeatId
    member_id: MemberId
    alias: str  # empty for someone who has left
    mode: Mode
    state: SeatState
    place_in_line: int | None
    first_time: bool  # has never attended a meeting of this group
    outcome: Outcome | None
    attended_mode: Mode | None


class GuestRow(Contract):
    """One guest of one evening."""

    guest_id: GuestId
    alias: str
    mode: Mode
    outcome: Outcome | None


class ModeCount(Contract):
    """One mode's figures."""

    mode: Mode
    capacity: int
    confirmed: int
    waiting: int


class MeetingSeats(View):
    """A meeting's seats, waitlists and attendance."""

    meeting_id: MeetingId
    counts: tuple[ModeCount, ...]
    seats: tuple[SeatRow, ...]  # confirmed by alias, then the lines in their order; released ones are left out
    guests: tuple[GuestRow, ...]
    attendance_closed: bool


class ListMeetingSeats(Query[MeetingSeats]):
    """The seats of a meeting. Coordinator of the chapter."""

    type: ClassVar[str] = "registration.list_meeting_seats.v1"

    meeting_id: MeetingId


class SeatFigures(Contract):
    """One meeting's counts, for a coordinator's list."""

    meeting_id: MeetingId
    counts: tuple[ModeCount, ...]
    attendance_closed: bool


class MeetingFigures(View):
    """Counts of many meetings."""

    meetings: tuple[SeatFigures, ...]


class CountSeats(Query[MeetingFigures]):
    """Counts for a coordinator's list of meetings; those of other chapters are left out."""

    type: ClassVar[str] = "registration.count_seats.v1"

    meeting_ids: tuple[MeetingId, ...]
