"""The arithmetic of seats: take, switch, give up, and what a change of the meeting does to everybody's seat.

Kept by every function here, for each mode that the meeting offers (docs/seats.md names the test of each):

1. never more confirmed than there are places;
2. no free place while someone waits;
3. the line's order is the order in which people claimed that mode.

A *claim* is a number that rises within a meeting each time someone asks for a mode. It does not change when the
meeting changes, so that "in the order in which people asked" outlives a shut venue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.registration.model.meetings import NAMES
from shared.contracts.base import MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import ModeFull, SeatReason, SeatState


@dataclass(frozen=True)
class Seat:
    """One member's claim at one meeting. A released seat that is taken again keeps its id."""

    seat_id: SeatId
    meeting_id: MeetingId
    member_id: MemberId
    mode: Mode
    state: SeatState
    reason: SeatReason
    claim: int
    change: int = 1  # rises by one on every change that others are told of
    had_mode: Mode | None = None  # what the member chose, while the meeting is not held in that mode
    had_confirmed: bool = False  # whether that was a place, not a place in line

    @property
    def held(self) -> bool:
        """Whether it is a place or a place in line."""
        return self.state is not SeatState.RELEASED


@dataclass(frozen=True)
class Count:
    """One mode's figures. ``capacity`` is None where the meeting does not offer the mode."""

    capacity: int | None
    confirmed: int
    waiting: int

    @property
    def free(self) -> bool:
        """Whether the next who asks gets a place."""
        return self.capacity is not None and self.confirmed < self.capacity and self.waiting == 0


class Taking(Protocol):
    """What it needs to take a seat at one meeting, locked against everybody else until the transaction ends."""

    def of(self, member_id: MemberId) -> Seat | None:
        """This member's seat, released or not."""
        ...

    def count(self, mode: Mode) -> Count:
        """The mode's counters. Costs the same however many seats there are."""
        ...

    def next_claim(self) -> int:
        """A number above every claim given out at this meeting."""
        ...

    def put(self, seat: Seat, was: Seat | None) -> None:
        """Keep this seat, which was that before (None: new); the counters follow."""
        ...


class Seating(Taking, Protocol):
    """All the seats of one meeting, so locked."""

    def first_in_line(self, mode: Mode) -> Seat | None:
        """Who has waited longest for this mode."""
        ...

    def held(self) -> Sequence[Seat]:
        """Every seat that is a place or a place in line."""
        ...

    def rearrange(self, offers: Mapping[Mode, int], changed: Iterable[Seat]) -> None:
        """Offer these modes from now on, and keep these seats; the counters are counted anew."""
        ...


def take(
    seating: Taking, old: Seat | None, *, member_id: MemberId, meeting_id: MeetingId, mode: Mode, new_id: SeatId
) -> Seat:
    """A place in this mode, or the last place in its line, for who holds nothing here (``old`` was released)."""
    seat = Seat(
        seat_id=old.seat_id if old else new_id,
        meeting_id=meeting_id,
        member_id=member_id,
        mode=mode,
        state=_next_state(seating, mode),
        reason=SeatReason.TAKEN,
        claim=seating.next_claim(),
        change=old.change + 1 if old else 1,
    )
    seating.put(seat, old)
    return seat


def switch(seating: Seating, seat: Seat, mode: Mode, *, or_wait: bool) -> list[Seat]:
    """The seats that changed: the member's own first, then who got the place that came free.

    Raises ModeFull where the new mode is full and the member would not wait; the old seat then stands.
    """
    if mode == seat.mode:
        if seat.had_mode is not None:  # chosen now, so it is kept when the venue opens again
            seating.put(replace(seat, had_mode=None, had_confirmed=False), seat)
        return []
    state = _next_state(seating, mode)
    if state is SeatState.WAITLISTED and not or_wait:
        raise ModeFull(
            f"There is no place left {NAMES[mode]}. Nothing has changed: you keep what you have {NAMES[seat.mode]}.",
            field="mode",
        )
    mine = replace(
        seat,
        mode=mode,
        state=state,
        reason=SeatReason.SWITCHED,
        claim=seating.next_claim(),
        change=seat.change + 1,
        had_mode=None,
        had_confirmed=False,
    )
    seating.put(mine, seat)
    return [mine, *_promote(seating, seat.mode)]


def give_up(seating: Seating, seat: Seat) -> list[Seat]:
    """The seats that changed: the one given up first, then who got the place that came free."""
    mine = _released(seat, SeatReason.GIVEN_UP)
    seating.put(mine, seat)
    return [mine, *_promote(seating, seat.mode)]


def released(held: Iterable[Seat]) -> list[Seat]:
    """Nobody stays registered for a meeting that will not happen. Each held seat is released once."""
    return [_released(seat, SeatReason.MEETING_CANCELLED) for seat in held]


def rearranged(offers: Mapping[Mode, int], held: Iterable[Seat]) -> list[Seat]:
    """The seats that are otherwise once the meeting offers this; who keeps what they have is not among them.

    Who chose a mode that is not held now attends in one that is (online first), in the order of their claims as
    far as places go; they get their own mode back when it is held again, those who had a place there first.
    """
    before = {seat.seat_id: seat for seat in held}
    placed = [_placed(seat, offers) for seat in before.values()]
    for mode, capacity in offers.items():
        rightful = sorted((seat for seat in placed if seat.mode is mode), key=lambda seat: _right(seat, before))
        confirmed = {seat.seat_id for seat in rightful[:capacity]}
        placed = [_settled(seat, confirmed) if seat.mode is mode else seat for seat in placed]
    return [_told(seat, before[seat.seat_id]) for seat in placed if _differs(seat, before[seat.seat_id])]


def _next_state(seating: Taking, mode: Mode) -> SeatState:
    return SeatState.CONFIRMED if seating.count(mode).free else SeatState.WAITLISTED


def _promote(seating: Seating, mode: Mode) -> list[Seat]:
    """A freed place goes to the next in line by itself."""
    count = seating.count(mode)
    if count.capacity is None or count.confirmed >= count.capacity:
        return []
    following = seating.first_in_line(mode)
    if following is None:
        return []
    promoted = replace(following, state=SeatState.CONFIRMED, reason=SeatReason.PROMOTED, change=following.change + 1)
    seating.put(promoted, following)
    return [promoted]


def _released(seat: Seat, reason: SeatReason) -> Seat:
    return replace(
        seat,
        state=SeatState.RELEASED,
        reason=reason,
        change=seat.change + 1,
        had_mode=None,
        had_confirmed=False,
    )


def _placed(seat: Seat, offers: Mapping[Mode, int]) -> Seat:
    """In the mode where the seat belongs now; whether there is a place is not decided yet."""
    if seat.had_mode is not None and seat.had_mode in offers:
        return replace(seat, mode=seat.had_mode, had_mode=None)
    if seat.mode in offers:
        return seat
    instead = next((mode for mode in (Mode.ONLINE, Mode.PHONE, Mode.IN_PERSON) if mode in offers), None)
    if instead is None:  # nothing is held for now: everybody waits where they are
        return replace(seat, state=SeatState.WAITLISTED)
    if seat.had_mode is not None:
        return replace(seat, mode=instead)
    return replace(seat, mode=instead, had_mode=seat.mode, had_confirmed=seat.state is SeatState.CONFIRMED)


def _right(seat: Seat, before: Mapping[SeatId, Seat]) -> tuple[int, int]:
    """Who comes before whom: who holds a place here, who comes back to theirs, then by claim."""
    was = before[seat.seat_id]
    if seat.mode is was.mode and was.state is SeatState.CONFIRMED:
        return 0, seat.claim
    if was.had_mode is seat.mode and was.had_confirmed:
        return 1, seat.claim
    return 2, seat.claim


def _settled(seat: Seat, confirmed: set[SeatId]) -> Seat:
    state = SeatState.CONFIRMED if seat.seat_id in confirmed else SeatState.WAITLISTED
    return replace(seat, state=state, had_confirmed=seat.had_confirmed and seat.had_mode is not None)


def _differs(seat: Seat, was: Seat) -> bool:
    return seat.mode is not was.mode or seat.state is not was.state


def _told(seat: Seat, was: Seat) -> Seat:
    promoted = seat.mode is was.mode and seat.state is SeatState.CONFIRMED
    reason = SeatReason.PROMOTED if promoted else SeatReason.MOVED
    return replace(seat, reason=reason, change=was.change + 1)
