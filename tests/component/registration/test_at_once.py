"""Many at once: threads, each with a process' own engine, on one database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from services.registration.store.tables import seats
from shared.contracts.base import Mode
from shared.contracts.registration import MemberJoined, ModeNotOffered, MyMembership, SeatFacts, SeatState
from tests.component.registration.acts import (
    ONLINE,
    ROOM,
    facts,
    figures,
    give_up,
    is_sound,
    join,
    moved_online,
    standing,
    switch,
    take,
)
from tests.support.world import World, member

NAMES = [f"m{number:02}" for number in range(16)]


def at_once(worlds: list[World], act: Callable[[World, str], object], names: list[str]) -> None:
    """Share the names out to the worlds and let all begin at the same moment."""
    ready = threading.Barrier(len(worlds))

    def run(index: int) -> None:
        ready.wait(timeout=20)
        for name in names[index :: len(worlds)]:
            act(worlds[index], name)

    with ThreadPoolExecutor(len(worlds)) as pool:
        for done in [pool.submit(run, index) for index in range(len(worlds))]:
            done.result(timeout=60)


def test_no_seat_is_sold_twice_however_many_ask_at_once(worlds: Callable[[], World]) -> None:
    """Four processes, sixteen people, five places: five are confirmed, eleven wait, each in a place of their own."""
    several = [worlds() for _ in range(4)]
    several[0].deliver(facts(room=5))
    join(several[0], *NAMES)
    at_once(several, take, NAMES)
    assert figures(several[0])[ROOM] == (5, 5, 11)
    places = sorted(int(each.split("#")[1]) for each in standing(several[0]).values() if "#" in each)
    assert places == list(range(1, 12))
    is_sound(several[0])
    with several[0].store.reading() as work:
        claims = work.connection.scalars(select(seats.c.claim)).all()
    assert len(set(claims)) == 16


def test_taking_giving_up_and_switching_at_once_leave_no_place_free_while_someone_waits(
    worlds: Callable[[], World],
) -> None:
    """Whoever comes between."""
    several = [worlds() for _ in range(4)]
    several[0].deliver(facts(room=3, online=3))
    join(several[0], *NAMES)

    def act(world: World, name: str) -> None:
        take(world, name, ROOM if int(name[1:]) % 2 else ONLINE)
        if int(name[1:]) % 3 == 0:
            give_up(world, name)
        elif int(name[1:]) % 3 == 1:
            switch(world, name, ROOM, or_wait=True)

    at_once(several, act, NAMES)
    is_sound(several[0])
    assert sum(confirmed for _, confirmed, _ in figures(several[0]).values()) == 6


def test_the_venue_shuts_while_people_take_seats(worlds: Callable[[], World]) -> None:
    """Everybody ends up online, and the newest news of each seat says so."""
    several = [worlds() for _ in range(3)]
    several[0].deliver(facts(room=4, online=4))
    join(several[0], *NAMES)
    shut = moved_online(online=8)

    def act(world: World, name: str) -> None:
        if name == "m06":
            world.deliver(shut)
        try:
            take(world, name, ROOM)
        except ModeNotOffered:
            take(world, name, ONLINE)

    at_once(several, act, NAMES)
    is_sound(several[0])
    assert figures(several[0]) == {Mode.ONLINE: (8, 8, 8)}
    newest: dict[str, SeatFacts] = {}
    for event in several[0].said():
        if isinstance(event, SeatFacts) and (
            event.seat_id not in newest or newest[event.seat_id].change < event.change
        ):
            newest[event.seat_id] = event
    assert {event.mode for event in newest.values()} == {ONLINE}
    assert sum(event.state is SeatState.CONFIRMED for event in newest.values()) == 8


def test_who_joins_twice_at_once_joins_once(worlds: Callable[[], World]) -> None:
    """Two taps, two processes: one member, one alias, one key."""
    several = [worlds() for _ in range(3)]
    at_once(several, join, ["ana"] * 6)
    assert len(several[0].published(MemberJoined)) == 1
    assert several[0].ask(MyMembership(), member("ana")).alias == "Ana"


def test_one_member_has_one_seat_however_often_they_ask_at_once(worlds: Callable[[], World]) -> None:
    """In whichever mode the first was."""
    several = [worlds() for _ in range(3)]
    several[0].deliver(facts(room=5, online=5))
    join(several[0], "ana")
    at_once(several, lambda world, mode: take(world, "ana", Mode(mode)), ["in_person", "online", "in_person"] * 2)
    assert len(standing(several[0])) == 1
    assert sum(confirmed for _, confirmed, _ in figures(several[0]).values()) == 1
    is_sound(several[0])


def test_a_meeting_told_of_twice_at_once_is_known_once(worlds: Callable[[], World]) -> None:
    """The newest facts stand, whichever process learns of it first."""
    several = [worlds() for _ in range(3)]
    news = {"1": facts(room=2), "2": moved_online(revision=2, online=7), "3": facts(room=4, revision=3)}
    at_once(several, lambda world, revision: world.deliver(news[revision]), ["1", "2", "3"])
    assert figures(several[0]) == {ROOM: (4, 0, 0), ONLINE: (3, 0, 0)}
