"""The seats of one meeting in memory: keeps the contract of ``Seating``, counting where the store has counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.registration.model import seats as rules
from services.registration.model.seats import Count, Seat
from shared.contracts.base import MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import ModeFull, SeatState

MEETING = MeetingId("meeting-1")


class Hall:
    """A meeting's seats, and every change that was told of."""

    def __init__(self, offers: Mapping[Mode, int]) -> None:
        self.offers = dict(offers)
        self.seats: dict[MemberId, Seat] = {}
        self.told: list[Seat] = []
        self._claims = 0

    # -- Seating ------------------------------------------------------------------------------

    def of(self, member_id: MemberId) -> Seat | None:
        return self.seats.get(member_id)

    def count(self, mode: Mode) -> Count:
        here = [seat.state for seat in self.held() if seat.mode is mode]
        return Count(self.offers.get(mode), here.count(SeatState.CONFIRMED), here.count(SeatState.WAITLISTED))

    def first_in_line(self, mode: Mode) -> Seat | None:
        return next(iter(self.line(mode)), None)

    def next_claim(self) -> int:
        self._claims += 1
        return self._claims

    def held(self) -> Sequence[Seat]:
        return sorted((seat for seat in self.seats.values() if seat.held), key=lambda seat: seat.claim)

    def put(self, seat: Seat, was: Seat | None) -> None:
        assert self.seats.get(seat.member_id) == was, "the rules know what was"
        self.seats[seat.member_id] = seat

    def rearrange(self, offers: Mapping[Mode, int], changed: Iterable[Seat]) -> None:
        self.offers = dict(offers)
        self.seats |= {seat.member_id: seat for seat in changed}

    # -- what people do -----------------------------------------------------------------------

    def line(self, mode: Mode) -> list[Seat]:
        """Who waits for this mode, the first first."""
        return [seat for seat in self.held() if seat.mode is mode and seat.state is SeatState.WAITLISTED]

    def take(self, name: str, mode: Mode) -> Seat:
        held = self.of(MemberId(name))
        if held is not None and held.held:
            return held
        seat = rules.take(
            self, held, member_id=MemberId(name), meeting_id=MEETING, mode=mode, new_id=SeatId(f"seat-of-{name}")
        )
        self.told.append(seat)
        return seat

    def switch(self, name: str, mode: Mode, *, or_wait: bool = False) -> bool:
        """Whether it was possible."""
        try:
            self.told += rules.switch(self, self.seats[MemberId(name)], mode, or_wait=or_wait)
        except ModeFull:
            return False
        return True

    def give_up(self, name: str) -> None:
        self.told += rules.give_up(self, self.seats[MemberId(name)])

    def offer(self, offers: Mapping[Mode, int]) -> list[Seat]:
        """The meeting's modes change; who is told."""
        changed = rules.rearranged(offers, self.held())
        self.rearrange(offers, changed)
        self.told += changed
        return changed

    def cancel(self) -> list[Seat]:
        """The meeting is cancelled; who is told."""
        changed = rules.released(self.held())
        self.rearrange(self.offers, changed)
        self.told += changed
        return changed

    def standing(self) -> dict[str, tuple[Mode, int | None]]:
        """Mode and place in line of everybody who holds something."""
        lines = {mode: [seat.member_id for seat in self.line(mode)] for mode in Mode}
        return {
            seat.member_id: (
                seat.mode,
                lines[seat.mode].index(seat.member_id) + 1 if seat.state is SeatState.WAITLISTED else None,
            )
            for seat in self.held()
        }
