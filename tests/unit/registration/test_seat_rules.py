"""The arithmetic of seats, whatever people and the meeting do."""

# ruff: noqa: FBT001 - each rule is named by what it does, and Hypothesis hands in its values

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.registration.model import seats as rules
from shared.contracts.base import MemberId, Mode
from shared.contracts.registration import SeatReason, SeatState
from tests.unit.registration.hall import Hall

ROOM, ONLINE, PHONE = Mode.IN_PERSON, Mode.ONLINE, Mode.PHONE
NAMES = [f"m{number}" for number in range(12)]

names = st.sampled_from(NAMES)
modes = st.sampled_from(list(Mode))
places = st.integers(0, 5)
any_offers = st.dictionaries(modes, places)
some_offers = st.dictionaries(modes, places, min_size=1)


class SeatsOfOneMeeting(RuleBasedStateMachine):
    """Anybody may do anything in any order, and the meeting may change under them."""

    @initialize(offers=some_offers)
    def begin(self, offers: dict[Mode, int]) -> None:
        self.hall = Hall(offers)

    @rule(name=names, mode=modes)
    def take(self, name: str, mode: Mode) -> None:
        if mode in self.hall.offers:
            before = self.hall.of(MemberId(name))
            seat = self.hall.take(name, mode)
            if before is not None and before.held:
                assert seat == before

    @rule(name=names, mode=modes, or_wait=st.booleans())
    def switch(self, name: str, mode: Mode, or_wait: bool) -> None:
        before = self.hall.of(MemberId(name))
        if before is None or not before.held or mode not in self.hall.offers:
            return
        possible = self.hall.switch(name, mode, or_wait=or_wait)
        after = self.hall.seats[MemberId(name)]
        if not possible:
            assert after == before
            assert not or_wait
        else:
            assert after.mode is mode

    @rule(name=names)
    def give_up(self, name: str) -> None:
        seat = self.hall.of(MemberId(name))
        if seat is None or not seat.held:
            return
        line = self.hall.line(seat.mode)
        self.hall.give_up(name)
        if seat.state is SeatState.CONFIRMED and line:
            assert self.hall.seats[line[0].member_id].state is SeatState.CONFIRMED, "the next in line"

    @rule(offers=any_offers)
    def change_the_meeting(self, offers: dict[Mode, int]) -> None:
        before = {seat.member_id: seat for seat in self.hall.held()}
        changed = {seat.member_id for seat in self.hall.offer(offers)}
        after = {seat.member_id: seat for seat in self.hall.held()}
        assert before.keys() == after.keys(), "a change of the meeting takes nobody's claim away"
        for name, seat in after.items():
            assert seat.claim == before[name].claim
            assert seat.change == before[name].change + (name in changed)

    @precondition(lambda self: len(self.hall.told) > 5)
    @rule()
    def cancel(self) -> None:
        held = {seat.member_id for seat in self.hall.held()}
        assert {seat.member_id for seat in self.hall.cancel()} == held
        assert self.hall.cancel() == []

    @invariant()
    def never_more_confirmed_than_places(self) -> None:
        for mode in Mode:
            assert self.hall.count(mode).confirmed <= self.hall.offers.get(mode, 0)

    @invariant()
    def no_free_place_while_someone_waits(self) -> None:
        for mode in self.hall.offers:
            count = self.hall.count(mode)
            assert count.waiting == 0 or count.confirmed == count.capacity

    @invariant()
    def nobody_is_in_a_mode_that_is_not_held(self) -> None:
        if self.hall.offers:
            assert all(seat.mode in self.hall.offers for seat in self.hall.held())

    @invariant()
    def claims_are_given_out_once(self) -> None:
        claims = [seat.claim for seat in self.hall.held()]
        assert len(claims) == len(set(claims))

    @invariant()
    def the_newest_news_of_each_seat_is_its_state(self) -> None:
        newest = {seat.seat_id: seat for seat in self.hall.told}
        for seat in self.hall.seats.values():
            told = newest[seat.seat_id]
            assert (told.mode, told.state, told.change) == (seat.mode, seat.state, seat.change)


SeatsOfOneMeeting.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestSeatsOfOneMeeting = SeatsOfOneMeeting.TestCase

askers = st.lists(st.tuples(names, st.sampled_from([ROOM, ONLINE])), unique_by=lambda each: each[0])


@given(askers=askers, room=places, online=places, online_tonight=st.integers(0, 12))
def test_a_venue_that_shuts_and_opens_again_leaves_everybody_as_they_were(
    askers: list[tuple[str, Mode]], room: int, online: int, online_tonight: int
) -> None:
    """Where nobody acted in between, people get back exactly what they had, places in line included."""
    hall = Hall({ROOM: room, ONLINE: online})
    for name, mode in askers:
        hall.take(name, mode)
    before = hall.standing()
    hall.offer({ONLINE: max(online, online_tonight)})
    hall.offer({ROOM: room, ONLINE: online})
    waiting_online = {name for name, (mode, place) in before.items() if mode is ONLINE and place}
    if online_tonight <= online or not waiting_online:
        assert hall.standing() == before
    for name, standing in before.items():
        if standing[0] is ROOM:
            assert hall.standing()[name] == standing


@given(askers=askers, room=places, online=places, online_tonight=st.integers(0, 12))
def test_a_shut_venue_gives_the_places_online_in_the_order_of_asking(
    askers: list[tuple[str, Mode]], room: int, online: int, online_tonight: int
) -> None:
    """Who has a place online keeps it; the other places go by claim, whether one had a place in the room or waited."""
    hall = Hall({ROOM: room, ONLINE: online})
    for name, mode in askers:
        hall.take(name, mode)
    had = [seat for seat in hall.held() if seat.mode is ONLINE and seat.state is SeatState.CONFIRMED]
    others = [seat for seat in hall.held() if seat not in had]
    hall.offer({ONLINE: online_tonight})
    expected = [*had, *others][:online_tonight]
    confirmed = {seat.member_id for seat in hall.held() if seat.state is SeatState.CONFIRMED}
    assert confirmed == {seat.member_id for seat in expected}


@given(count=st.integers(0, 10), before=places, after=places)
def test_another_number_of_places_keeps_the_order_of_asking(count: int, before: int, after: int) -> None:
    """With more places the line moves up, with fewer the last who asked go to its head."""
    hall = Hall({ROOM: before})
    for name in NAMES[:count]:
        hall.take(name, ROOM)
    changed = hall.offer({ROOM: after})
    confirmed = [seat.member_id for seat in hall.held() if seat.state is SeatState.CONFIRMED]
    assert confirmed == NAMES[: min(count, after)]
    reason = SeatReason.PROMOTED if after > before else SeatReason.MOVED
    assert {seat.reason for seat in changed} <= {reason}


def test_meeting_in_no_mode_for_a_while_everybody_keeps_their_turn() -> None:
    """The order of asking outlives an hour in which nothing is offered."""
    hall = Hall({ROOM: 1})
    hall.take("m1", ROOM)
    hall.take("m2", ROOM)
    hall.offer({})
    assert hall.standing() == {"m1": (ROOM, 1), "m2": (ROOM, 2)}
    hall.offer({ROOM: 1})
    assert hall.standing() == {"m1": (ROOM, None), "m2": (ROOM, 1)}


def test_who_had_the_place_comes_back_before_who_asked_earlier_and_waited() -> None:
    """What they had, then the order of asking: a smaller room cannot turn a place into a place in line by claim alone."""
    hall = Hall({ROOM: 1, ONLINE: 5})
    hall.take("m1", ROOM)
    hall.take("m2", ROOM)
    hall.offer({ONLINE: 5})
    one, two = hall.seats[MemberId("m1")], hall.seats[MemberId("m2")]
    later = {seat.seat_id: seat for seat in rules.rearranged({ROOM: 1, ONLINE: 5}, [replace(one, claim=9), two])}
    assert later[one.seat_id].state is SeatState.CONFIRMED
    assert later[two.seat_id].state is SeatState.WAITLISTED
