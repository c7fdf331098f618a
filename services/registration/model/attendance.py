"""What happened at a meeting. An RSVP is never an attendance; what is told is told once, and again when corrected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.registration.model.seats import Seat
from shared.contracts.base import GuestId, MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import Outcome, SeatState


@dataclass(frozen=True)
class Mark:
    """What the sheet says of one seat. ``told`` is the outcome and mode that others heard last, ``change`` its number."""

    seat_id: SeatId
    meeting_id: MeetingId
    member_id: MemberId
    outcome: Outcome | None
    mode: Mode
    told_outcome: Outcome | None = None
    told_mode: Mode | None = None
    change: int = 0

    @property
    def news(self) -> bool:
        """Whether others have heard something else, or nothing."""
        return self.outcome is not None and (self.outcome, self.mode) != (self.told_outcome, self.told_mode)


@dataclass(frozen=True)
class Guest:
    """A person for one evening. ``number`` counts the guests of the meeting; the alias is sealed, or there is none."""

    guest_id: GuestId
    meeting_id: MeetingId
    number: int
    mode: Mode
    outcome: Outcome | None


def marked(seat: Seat, old: Mark | None, outcome: Outcome | None, mode: Mode | None, *, closed: bool) -> Mark:
    """The seat's mark after one tap. On a closed sheet a mark that is taken back leaves what closing would have left."""
    if outcome is None and closed:
        # Others heard of this mark already and must hear what stands instead: a held place was missed; who only
        # waited in line was expected by nobody.
        outcome = Outcome.MISSED if seat.state is SeatState.CONFIRMED else Outcome.EXCUSED
    fresh = old or Mark(seat.seat_id, seat.meeting_id, seat.member_id, None, seat.mode)
    return replace(fresh, outcome=outcome, mode=mode or seat.mode)


def told(mark: Mark) -> Mark:
    """The mark once others have heard it."""
    return replace(mark, told_outcome=mark.outcome, told_mode=mark.mode, change=mark.change + 1)
