"""Taking, switching and giving up a seat, and where there is a place."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.base import (
    Command,
    Contract,
    Done,
    MeetingId,
    Mode,
    Query,
    SeatId,
    View,
)
from shared.contracts.errors import Refused
from shared.contracts.registration.events import SeatState


class ModeNotOffered(Refused):
    """The meeting is not held in that mode."""

    code = "mode_not_offered"


class MeetingNotOpen(Refused):
    """The meeting cannot be joined: it has ended, was cancelled, or is not known here yet."""

    code = "meeting_not_open"


class ModeFull(Refused):
    """No place in that mode; the old seat stands."""

    code = "mode_full"


class SeatView(View):
    """One's seat; ``place_in_line`` counts from 1 and is None unless waitlisted."""

    seat_id: SeatId
    meeting_id: MeetingId
    mode: Mode
    state: SeatState
    place_in_line: int | None = None


class TakeSeat(Command[SeatView]):
    """Take a seat in one mode, or a place in its line when it is full. Role MEMBER. Having one already answers it."""

    type: ClassVar[str] = "registration.take_seat.v1"

    meeting_id: MeetingId
    mode: Mode


class SwitchMode(Command[SeatView]):
    """Attend otherwise. Where the new mode is full, the old seat is kept and the answer is a refusal (``mode_full``)."""

    type: ClassVar[str] = "registration.switch_mode.v1"

    meeting_id: MeetingId
    mode: Mode
    or_wait: bool = False  # give up the old seat and wait for the new mode


class GiveUpSeat(Command[Done]):
    """Give up one's seat or place in line; the next in line moves up. Role MEMBER."""

    type: ClassVar[str] = "registration.give_up_seat.v1"

    meeting_id: MeetingId


class MySeats(View):
    """One's coming seats and places in line, by start of the meeting."""

    seats: tuple[SeatView, ...]


class ListMySeats(Query[MySeats]):
    """One's own coming seats. Role MEMBER."""

    type: ClassVar[str] = "registration.list_my_seats.v1"


class ModeOpening(Contract):
    """Whether a mode of a meeting has a place. Never how many people come."""

    mode: Mode
    free: bool


class MeetingOpening(Contract):
    """The modes of one meeting."""

    meeting_id: MeetingId
    modes: tuple[ModeOpening, ...]


class OpeningsView(View):
    """Openings of the meetings asked for (an unknown one is left out)."""

    meetings: tuple[MeetingOpening, ...]


class Openings(Query[OpeningsView]):
    """Where there is a place. Anyone."""

    type: ClassVar[str] = "registration.openings.v1"

    meeting_ids: tuple[MeetingId, ...]
