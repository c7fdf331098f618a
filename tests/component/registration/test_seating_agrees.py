"""The seats in the database and the seats in memory, driven side by side."""

# ruff: noqa: FBT001 - each rule is named by what it does, and Hypothesis hands in its values

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from services.registration.model.seats import Seat
from services.registration.store.seats import seat_in
from services.registration.store.tables import seats
from shared.contracts.base import Done, MeetingId, Mode
from shared.contracts.errors import NotFound
from shared.contracts.meetings import MeetingMoved, MeetingStatus, ModeOffer
from shared.contracts.registration import GiveUpSeat, ModeFull, ModeNotOffered, SeatView, SwitchMode, TakeSeat
from shared.runtime.ids import new_id
from tests.component.registration.acts import facts, join
from tests.support.world import World, member
from tests.unit.registration.hall import Hall

names = st.sampled_from([f"m{number}" for number in range(7)])
modes = st.sampled_from(list(Mode))
offers = st.dictionaries(modes, st.integers(0, 3), min_size=1)


def test_the_database_and_the_model_agree_whatever_people_do(world: World) -> None:  # noqa: C901 - the machine
    """Seats, claims, places in line and counters, after every step."""
    join(world, *(f"m{number}" for number in range(7)))

    class BothAtOnce(RuleBasedStateMachine):
        @initialize(offered=offers)
        def begin(self, offered: dict[Mode, int]) -> None:
            self.meeting_id = new_id()
            self.revision = 0
            self.hall = Hall({})
            self.change_the_meeting(offered)

        @rule(offered=offers)
        def change_the_meeting(self, offered: dict[Mode, int]) -> None:
            self.revision += 1
            event = facts(MeetingMoved, meeting_id=self.meeting_id, revision=self.revision)
            offered_now = tuple(ModeOffer(mode=mode, capacity=places) for mode, places in offered.items())
            world.deliver(event.model_copy(update={"offers": offered_now}))
            self.hall.offer(offered)

        @rule(name=names, mode=modes)
        def take(self, name: str, mode: Mode) -> None:
            held = self.hall.standing().get(name)
            try:
                view = world.send(TakeSeat(meeting_id=self.meeting_id, mode=mode), member(name))
            except ModeNotOffered:
                assert held is None
                assert mode not in self.hall.offers
                return
            self.hall.take(name, mode)
            self.answered(name, view)

        @rule(name=names, mode=modes, or_wait=st.booleans())
        def switch(self, name: str, mode: Mode, or_wait: bool) -> None:
            if name not in self.hall.standing():
                return
            try:
                view = world.send(SwitchMode(meeting_id=self.meeting_id, mode=mode, or_wait=or_wait), member(name))
            except ModeNotOffered:
                assert mode not in self.hall.offers
            except ModeFull:
                assert not self.hall.switch(name, mode, or_wait=or_wait)
            else:
                assert self.hall.switch(name, mode, or_wait=or_wait)
                self.answered(name, view)

        @rule(name=names)
        def give_up(self, name: str) -> None:
            if name in self.hall.standing():
                world.send(GiveUpSeat(meeting_id=self.meeting_id), member(name))
                self.hall.give_up(name)

        @rule(acts=st.lists(st.tuples(names, st.one_of(modes, st.none())), max_size=8))
        def take_and_give_up_together(self, acts: list[tuple[str, Mode | None]]) -> None:
            """In one batch; the model does one after another."""
            meeting = MeetingId(self.meeting_id)
            answers = world.send_together(
                *(
                    (TakeSeat(meeting_id=meeting, mode=mode) if mode else GiveUpSeat(meeting_id=meeting), member(name))
                    for name, mode in acts
                )
            )
            for (name, mode), answer in zip(acts, answers, strict=True):
                held = self.hall.standing().get(name)
                if mode is None:
                    if held:
                        self.hall.give_up(name)
                    assert isinstance(answer, Done | NotFound)
                elif held or mode in self.hall.offers:
                    self.hall.take(name, mode)
                    self.answered(name, answer)
                else:
                    assert isinstance(answer, ModeNotOffered)

        @invariant()
        def they_agree(self) -> None:
            with world.store.reading() as work:
                rows = work.connection.execute(select(seats).where(seats.c.meeting_id == self.meeting_id)).all()
                counts = work.meetings.counts([self.meeting_id])[self.meeting_id]
                known = work.meetings.find(self.meeting_id)
            assert {row.member_id: alike(seat_in(row)) for row in rows} == {
                name: alike(seat) for name, seat in self.hall.seats.items()
            }
            assert counts == {mode: self.hall.count(mode) for mode in Mode}
            assert (known.offers, known.revision, known.status) == (
                self.hall.offers,
                self.revision,
                MeetingStatus.SCHEDULED,
            )

        def answered(self, name: str, view: SeatView) -> None:
            """The member is told what the model says."""
            assert (view.mode, view.place_in_line) == self.hall.standing()[name]

    run_state_machine_as_test(
        BothAtOnce,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


def alike(seat: Seat) -> tuple[object, ...]:
    """All of a seat but its ids."""
    return (seat.mode, seat.state, seat.reason, seat.claim, seat.change, seat.had_mode, seat.had_confirmed)
