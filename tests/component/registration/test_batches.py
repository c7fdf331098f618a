"""Commands that come together are carried out in one transaction, and end as if each had come alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select

from services.registration.handlers import seats as handlers
from services.registration.store.tables import seats
from shared.contracts.base import Actor, Command, MeetingId, MemberId, Mode
from shared.contracts.errors import Fault
from shared.contracts.registration import (
    AcceptAgreement,
    AgreementNeeded,
    GiveUpSeat,
    ModeNotOffered,
    NotAMember,
    SeatConfirmed,
    SeatFacts,
    SeatState,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from shared.messaging.envelope import decode
from shared.storage import core
from tests.component.registration.acts import ONLINE, PHONE, ROOM, facts, figures, is_sound, join, standing, told
from tests.support.world import World, member

Asked = tuple[Command[Any], Actor]


def taking(name: str, mode: Mode = ROOM, meeting_id: str = "meeting-1") -> Asked:
    """This member takes a seat."""
    return TakeSeat(meeting_id=MeetingId(meeting_id), mode=mode), member(name)


def people(world: World, count: int) -> list[str]:
    """So many who joined."""
    names = [f"m{number:02}" for number in range(count)]
    join(world, *names)
    return names


def statements_of(world: World, act: Callable[[], object]) -> list[str]:
    """The first word of every statement that this takes, but for the transaction's own."""
    words: list[str] = []

    def note(*each: Any) -> None:
        words.append(each[2].split()[0])

    event.listen(world.store.engine, "before_cursor_execute", note)
    act()
    event.remove(world.store.engine, "before_cursor_execute", note)
    return [word for word in words if word != "BEGIN"]


def test_who_comes_together_gets_the_places_in_the_order_of_asking(world: World) -> None:
    """Claims, places in line, counters and what is said are those of one after another."""
    world.deliver(facts(room=3))
    names = people(world, 8)
    views = world.send_together(*map(taking, names))
    assert [view.place_in_line for view in views] == [None] * 3 + [1, 2, 3, 4, 5]
    assert figures(world)[ROOM] == (3, 3, 5)
    is_sound(world)
    with world.store.reading() as work:
        rows = work.connection.execute(select(seats.c.member_id, seats.c.claim).order_by(seats.c.claim)).all()
    assert [tuple(row) for row in rows] == [(name, number) for number, name in enumerate(names, 1)]
    assert told(world, since=len(names))[:4] == [f"m0{n} confirmed in_person: taken" for n in range(3)] + [
        "m03 waitlisted in_person: taken"
    ]


def test_a_batch_costs_as_many_statements_as_one_and_writes_last(world: World) -> None:
    """However many come together, at however many meetings; nothing is written before the last of them is decided."""
    for number in range(4):
        world.deliver(facts(meeting_id=f"meeting-{number}"))
    names = people(world, 20)
    one = statements_of(world, lambda: world.send_together(taking(names[0])))
    many = statements_of(
        world, lambda: world.send_together(*(taking(name, meeting_id=f"meeting-{int(name[1:]) % 4}") for name in names))
    )
    assert many == one
    assert many == sorted(many, key=lambda word: word != "SELECT"), "all that is read is read first"
    assert "SAVEPOINT" not in many


def test_a_refusal_leaves_no_trace_among_its_batch_mates(world: World) -> None:
    """Neither claim, nor seat, nor event."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben", "cem")
    strangers = taking("dora"), taking("ben", PHONE), taking("ana", meeting_id="nowhere")
    answers = world.send_together(taking("ana"), *strangers, taking("cem"), taking("ben"))
    assert [type(answer) for answer in answers[1:3]] == [NotAMember, ModeNotOffered]
    assert standing(world) == {"ana": "in_person", "cem": "in_person#1", "ben": "in_person#2"}
    with world.store.reading() as work:
        assert sorted(work.connection.scalars(select(seats.c.claim))) == [1, 2, 3]
    assert len(told(world)) == 3
    is_sound(world)


def test_one_who_fails_costs_only_themselves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when they had their seat already: it is undone, and the others get theirs."""
    world.deliver(facts(room=2))
    names = people(world, 5)
    real = handlers.tell_seats

    def tell(changed: Any, *rest: Any) -> None:
        real(changed, *rest)
        assert changed[0].member_id != "m01"

    monkeypatch.setattr(handlers, "tell_seats", tell)
    answers = world.send_together(*map(taking, names))
    assert [type(answer) for answer in answers] == [SeatView, Fault, SeatView, SeatView, SeatView]
    assert standing(world) == {"m00": "in_person", "m02": "in_person", "m03": "in_person#1", "m04": "in_person#2"}
    is_sound(world)


def test_what_a_refused_command_had_decided_is_gone_from_the_desk(world: World) -> None:
    """A refusal after the seat was put: claim, counter, seat and place in line are as the database has them."""
    world.deliver(facts(room=1, online=0))
    join(world, "ana", "ben")

    meeting_id = MeetingId("meeting-1")

    def decide(work: Any, name: str, mode: Mode) -> tuple[SeatState, int, int | None]:
        view = handlers.take_seat(TakeSeat(meeting_id=meeting_id, mode=mode), member(name), work)
        return view.state, work.desk.at(meeting_id).of(MemberId(name)).claim, view.place_in_line

    def refuse(work: Any, name: str, mode: Mode, expected: tuple[SeatState, int, int | None]) -> None:
        with pytest.raises(ModeNotOffered), work.savepoint(deferred=True):  # noqa: PT012 - what came before is the point
            assert decide(work, name, mode) == expected
            raise ModeNotOffered("after all not")
        assert work.desk.at(meeting_id).of(MemberId(name)) is None

    with world.store.writing() as work:
        refuse(work, "ana", ROOM, (SeatState.CONFIRMED, 1, None))
        refuse(work, "ben", ONLINE, (SeatState.WAITLISTED, 1, 1))
        assert decide(work, "ben", ROOM) == (SeatState.CONFIRMED, 1, None)
        assert decide(work, "ana", ROOM) == (SeatState.WAITLISTED, 2, 1)
    assert standing(world) == {"ben": "in_person", "ana": "in_person#1"}
    assert [event.member_id for event in world.published(SeatConfirmed)] == ["ben"]
    is_sound(world)


def test_other_commands_find_what_was_decided_before_them_and_the_next_what_they_did(world: World) -> None:
    """Somebody gives up a place taken in the same batch: it goes to the next in line, and the next to ask waits."""
    world.deliver(facts(room=1, online=1))
    join(world, "ana", "ben", "cem", "dan")
    give_up = GiveUpSeat(meeting_id=MeetingId("meeting-1")), member("ana")
    switch = SwitchMode(meeting_id=MeetingId("meeting-1"), mode=ONLINE), member("ben")
    undone: list[object] = []
    event.listen(world.store.engine, "rollback", undone.append)
    answers = world.send_together(
        taking("ana"),
        taking("ben"),
        give_up,
        taking("cem"),
        taking("dan", ONLINE),
        taking("ana"),
        switch,
        taking("ana"),
    )
    assert [type(answer).__name__ for answer in answers if not isinstance(answer, SeatView)] == ["Done", "ModeFull"]
    assert answers[-1] == answers[5]
    assert undone == [], "once, not again one by one"
    assert standing(world) == {"ben": "in_person", "cem": "in_person#1", "dan": "online", "ana": "in_person#2"}
    is_sound(world)


def test_the_same_member_and_the_same_request_in_one_batch_have_one_seat(world: World) -> None:
    """Asked twice is answered twice, and done once."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    ids = ["one", "two", "two", "three", "four"]
    answers = world.send_together(*map(taking, ["ana", "ben", "ben", "ben", "ana"]), ids=ids)
    assert answers[1] == answers[2] == answers[3]
    assert answers[0] == answers[4]
    assert world.send_together(taking("ben"), ids=["two"]) == [answers[1]]
    assert len(told(world)) == 2
    is_sound(world)


def test_a_seat_taken_again_in_a_batch_is_the_same_seat_at_the_end_of_the_line(world: World) -> None:
    """With one change more and the next claim; sequences have no gap."""
    world.deliver(facts(room=1))
    names = people(world, 3)
    first = world.send_together(*map(taking, names))
    world.send(GiveUpSeat(meeting_id=MeetingId("meeting-1")), member("m00"))
    again, other = world.send_together(taking("m00"), taking("m02"))
    assert (again.seat_id, again.place_in_line, other.place_in_line) == (first[0].seat_id, 2, 1)
    with world.store.reading() as work:
        bodies = work.connection.scalars(select(core.outbox.c.body).order_by(core.outbox.c.position)).all()
    said = [
        (envelope.sequence, news.change)
        for envelope, news in map(decode, bodies)
        if isinstance(news, SeatFacts) and news.member_id == "m00"
    ]
    assert said == [(1, 1), (2, 2), (3, 3)]
    is_sound(world)


def test_who_accepts_the_agreement_in_the_same_batch_may_take_a_seat(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was foreseen of a member does not outlive its change."""
    world.deliver(facts())
    join(world, "ana")
    monkeypatch.setattr(world.store.work.agreements, "current", 2)
    needed, _, _ = world.send_together(taking("ana"), (AcceptAgreement(version=2), member("ana")), taking("ana"))
    assert isinstance(needed, AgreementNeeded)
    assert standing(world) == {"ana": "in_person"}


def at_once(worlds: list[World], act: Callable[[World, int], object]) -> None:
    """All begin at the same moment."""
    ready = threading.Barrier(len(worlds))

    def run(index: int) -> None:
        ready.wait(timeout=20)
        act(worlds[index], index)

    with ThreadPoolExecutor(len(worlds)) as pool:
        for done in [pool.submit(run, index) for index in range(len(worlds))]:
            done.result(timeout=60)


def test_batches_of_two_processes_sell_no_place_twice(worlds: Callable[[], World]) -> None:
    """Five batches each at one meeting: as many confirmed as there are places, everybody else in a place of their own."""
    several = [worlds() for _ in range(2)]
    several[0].deliver(facts(room=13))
    names = people(several[0], 40)

    def act(world: World, index: int) -> None:
        mine = names[index::2]
        for first in range(0, len(mine), 4):
            answers = world.send_together(*map(taking, mine[first : first + 4]))
            assert {type(answer) for answer in answers} == {SeatView}

    at_once(several, act)
    assert figures(several[0])[ROOM] == (13, 13, 27)
    assert sorted(int(each.split("#")[1]) for each in standing(several[0]).values() if "#" in each) == list(
        range(1, 28)
    )
    with several[0].store.reading() as work:
        assert sorted(work.connection.scalars(select(seats.c.claim))) == list(range(1, 41))
    is_sound(several[0])


def test_batches_that_name_the_same_meetings_in_other_orders_do_not_cross(worlds: Callable[[], World]) -> None:
    """Each locks them in one order, whichever command comes first: nobody is in a deadlock, so nobody tries again."""
    several = [worlds() for _ in range(2)]
    meetings = [f"meeting-{number}" for number in range(6)]
    several[0].deliver(*(facts(meeting_id=each, room=5) for each in meetings))
    join(several[0], "m0", "m1")
    failed: list[str] = []
    for world in several:
        event.listen(world.store.engine, "handle_error", lambda context: failed.append(str(context.original_exception)))

    def act(world: World, index: int) -> None:
        for _ in range(10):
            order = meetings if index else meetings[::-1]
            world.send_together(*(taking(f"m{index}", meeting_id=each) for each in order))
            leaving = [(GiveUpSeat(meeting_id=MeetingId(each)), member(f"m{index}")) for each in order]
            world.send_together(*leaving)

    at_once(several, act)
    assert [each for each in failed if "locked" not in each] == []


def test_a_desk_reads_what_was_not_foreseen(world: World) -> None:
    """A hint that was not given costs statements, nothing else."""
    world.deliver(facts(room=1))
    join(world, "ana")
    with world.store.writing() as work:
        assert work.desk.lock(MeetingId("unknown")) is None
        assert work.desk.lock(MeetingId("meeting-1")) is not None
        assert work.desk.at(MeetingId("meeting-1")).of(MemberId("ana")) is None
