"""Whatever the order in which news comes, and however often: the same people are told the same things, once."""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.notifications.store.tables import notices
from shared.contracts import feedback as f
from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import Mode
from shared.contracts.errors import Refused
from tests.support.region import Place, Region, region
from tests.support.world import REGIONAL, member

PEOPLE = ("ana", "ben", "cem", "dot")
ACTS = ("online", "back", "move", "give up", "switch", "take", "some", "quiet")


class Evening:
    """Four people, two places in the room; things happen while news is still under way."""

    def __init__(self, network: Region) -> None:
        self.network = network
        self.place: Place = network.found()
        (self.meeting,) = self.place.schedule(date(2026, 11, 5), in_person=2, online=3)
        for name in PEOPLE:
            network.join(name)
        network.settle()
        network.feedback.send(
            f.OpenWindow(
                region_id=self.place.region,
                name="November",
                opens_at=network.clock.now(),
                closes_at=network.clock.now() + timedelta(days=10),
            ),
            REGIONAL,
        )

    def act(self, what: str, who: str) -> None:
        """One thing that happens; what is refused does not happen."""
        with contextlib.suppress(Refused):
            self._act(what, who)

    def _act(self, what: str, who: str) -> None:
        network, send = self.network, self.network.registration.send
        if what == "online":
            self.place.change(m.MoveOnline, self.meeting)
        elif what == "back":
            self.place.change(m.MoveBack, self.meeting)
        elif what == "move":
            revision = self.place.page(self.meeting).revision
            self.place.change(m.MoveMeeting, self.meeting, starts_local=datetime(2026, 11, 5, 19, revision))
        elif what == "cancel":
            self.place.change(m.CancelMeeting, self.meeting)
        elif what == "take":
            send(r.TakeSeat(meeting_id=self.meeting, mode=Mode.IN_PERSON), member(who))
        elif what == "switch":
            send(r.SwitchMode(meeting_id=self.meeting, mode=Mode.ONLINE), member(who))
        elif what == "give up":
            send(r.GiveUpSeat(meeting_id=self.meeting), member(who))
        elif what == "some":
            network.deliver(2)
            network.post()
        else:
            network.settle()

    def seats(self) -> r.MeetingSeats:
        return self.network.registration.ask(r.ListMeetingSeats(meeting_id=self.meeting), self.place.host)

    def check_seats(self) -> None:
        """Never oversold, nobody waits beside a free place, both services know the same modes, nobody is lost."""
        view = self.seats()
        offers = {offer.mode: offer.capacity for offer in self.place.page(self.meeting).offers}
        for count in view.counts:
            rows = [row for row in view.seats if row.mode is count.mode]
            assert count.capacity == offers[count.mode]
            assert count.confirmed == sum(row.state is r.SeatState.CONFIRMED for row in rows) <= count.capacity
            assert count.confirmed == count.capacity or count.waiting == 0

    def told(self) -> Counter[tuple[Any, ...]]:
        """What each was told, and how often: person, kind, and what tells one piece of news from the next."""
        with self.network.notifications.store.reading() as work:
            rows = work.connection.execute(select(notices)).all()
            assert not [row for row in rows if row.state in ("waiting", "sending", "held")], "something is unsettled"
            return Counter(
                (row.member_id, row.kind, row.version) for row in rows if row.state == "sent" and row.member_id
            )


steps = st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(PEOPLE)), min_size=3, max_size=9)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(happens=steps, seed=st.integers(0, 2**16), doubled=st.booleans(), ends=st.sampled_from(["cancel", "held"]))
def test_nobody_is_told_twice_and_nobody_is_missed(
    happens: list[tuple[str, str]], seed: int, *, doubled: bool, ends: str
) -> None:
    """At the end the seats are right, each held seat knows the last change, and one who attended is asked once."""
    with region(seed=seed, doubled=doubled) as network:
        evening = Evening(network)
        for who in PEOPLE:
            evening.act("take", who)
        for what, who in happens:
            evening.act(what, who)
        network.settle()
        evening.check_seats()
        page, held = evening.place.page(evening.meeting), evening.seats().seats
        network.step(minutes=15)
        _changes_reached(evening, page, held)
        if ends == "cancel":
            holders = {row.member_id for row in held}
            evening.act("cancel", "")
            network.settle()
            network.step(minutes=15)
            told = evening.told()
            assert {who for who, kind, _ in told if kind == "meeting_cancelled"} == holders
            network.step(days=4)
            assert not [each for each in evening.told() if each[1] in ("reminder", "feedback_ask")]
        else:
            _held(evening)
        assert not network.parked()
        twice = {key: times for key, times in evening.told().items() if times > 1}
        assert not twice, twice
        ids = Counter(message.message_id for message in network.mail.taken)
        assert max(ids.values()) == 1, "the same mail went out twice"


def _changes_reached(evening: Evening, page: m.MeetingView, held: tuple[r.SeatRow, ...]) -> None:
    """The last mail that each holder of a seat got about this evening agrees with where they are now."""
    network = evening.network
    for row in held:
        invitations = [
            message.calendar
            for message in network.mail.taken
            if message.calendar and message.to == f"{row.member_id}@example.org"
        ]
        if row.state is r.SeatState.CONFIRMED:
            assert invitations, row.member_id
            assert invitations[-1].method == "REQUEST", (row.member_id, row.state)
            local = f"{page.starts_at:%Y%m%dT%H%M%S}"
            assert f"DTSTART;TZID=Europe/London:{local}" in invitations[-1].body, (row.member_id, page.starts_at)
    gone = {member_id for member_id in PEOPLE if member_id not in {row.member_id for row in held}}
    for who in gone:
        mine = [
            message.calendar
            for message in network.mail.taken
            if message.calendar and message.to == f"{who}@example.org"
        ]
        assert not mine or mine[-1].method == "CANCEL", f"{who} gave up and still has an entry"


def _held(evening: Evening) -> None:
    network = evening.network
    network.step(days=2, hours=10)
    reminded = Counter(who for who, kind, _ in evening.told() if kind == "reminder")
    confirmed = {row.member_id for row in evening.seats().seats if row.state is r.SeatState.CONFIRMED}
    assert set(reminded) == confirmed
    assert all(times == 1 for times in reminded.values())
    network.step(days=1)
    world, host = network.registration, evening.place.host
    for row in evening.seats().seats:
        if row.member_id in confirmed and row.member_id != "dot":
            mark = r.MarkAttendance(meeting_id=evening.meeting, seat_id=row.seat_id, outcome=r.Outcome.ATTENDED)
            world.send(mark, host)
    world.send(r.CloseAttendance(meeting_id=evening.meeting), host)
    network.step(hours=6)
    world.send(r.CloseAttendance(meeting_id=evening.meeting), host)
    network.step(hours=1)
    asked = Counter(who for who, kind, _ in evening.told() if kind == "feedback_ask")
    assert set(asked) == confirmed - {"dot"}
    assert all(times == 1 for times in asked.values())


@pytest.mark.parametrize("seed", [None, 1])
def test_a_move_there_and_back_before_anyone_heard(seed: int | None) -> None:
    """Online and back within a minute, the news still under way: who is told anything at all is told the truth last."""
    with region(seed=seed) as network:
        evening = Evening(network)
        for who in PEOPLE:
            evening.act("take", who)
        network.settle()
        evening.act("online", "")
        evening.act("back", "")
        network.settle()
        network.step(minutes=15)
        evening.check_seats()
        _changes_reached(evening, evening.place.page(evening.meeting), evening.seats().seats)
