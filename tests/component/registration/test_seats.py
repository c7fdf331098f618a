"""Seats through the service's own entrypoints."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from shared.contracts.errors import AlreadyDone, NotFound, TooLate
from shared.contracts.registration import (
    AgreementNeeded,
    MeetingNotOpen,
    ModeFull,
    ModeNotOffered,
    NotAMember,
    Outcome,
    SeatConfirmed,
    SeatReleased,
    SeatState,
)
from tests.component.registration.acts import (
    ONLINE,
    PHONE,
    ROOM,
    cancelled,
    ended,
    facts,
    figures,
    give_up,
    is_sound,
    join,
    mark,
    moved_back,
    moved_online,
    standing,
    switch,
    take,
    told,
)
from tests.support.world import World


def test_the_first_to_ask_get_the_places_and_the_others_wait_in_line(world: World) -> None:
    """A waitlist keeps the order of asking."""
    world.deliver(facts(room=2))
    join(world, "ana", "ben", "cat", "dan")
    answers = [take(world, name) for name in ("ana", "ben", "cat", "dan")]
    assert [(seat.state, seat.place_in_line) for seat in answers] == [
        (SeatState.CONFIRMED, None),
        (SeatState.CONFIRMED, None),
        (SeatState.WAITLISTED, 1),
        (SeatState.WAITLISTED, 2),
    ]
    is_sound(world)


def test_a_freed_seat_goes_to_the_next_in_line_by_itself(world: World) -> None:
    """Nobody has to offer it."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben", "cat")
    for name in ("ana", "ben", "cat"):
        take(world, name)
    give_up(world, "ana")
    assert standing(world) == {"ben": "in_person", "cat": "in_person#1"}
    assert told(world)[-2:] == ["ana released in_person: given_up", "ben confirmed in_person: promoted"]


def test_taking_a_seat_twice_answers_the_seat_that_one_has(world: World) -> None:
    """One seat a member and meeting."""
    world.deliver(facts())
    join(world, "ana")
    first = take(world, "ana")
    assert take(world, "ana", ONLINE) == first
    assert figures(world)[ROOM] == (2, 1, 0)


def test_a_seat_taken_again_is_the_same_seat_with_a_new_claim(world: World) -> None:
    """Who gave up goes to the end of the line; the changes of a seat are counted on."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    seat = take(world, "ana")
    take(world, "ben")
    give_up(world, "ana")
    again = take(world, "ana")
    assert again.seat_id == seat.seat_id
    assert (again.state, again.place_in_line) == (SeatState.WAITLISTED, 1)
    changes = [each.change for each in world.said() if getattr(each, "seat_id", None) == seat.seat_id]
    assert changes == [1, 2, 3]


def test_switching_into_a_full_mode_keeps_the_old_seat(world: World) -> None:
    """Nobody loses a seat by asking."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben", ONLINE)
    with pytest.raises(ModeFull, match="keep") as refusal:
        switch(world, "ben", ROOM)
    assert refusal.value.field == "mode"
    assert standing(world) == {"ana": "in_person", "ben": "online"}


def test_who_would_rather_wait_gives_up_the_old_seat_to_the_next_in_line(world: World) -> None:
    """Switching frees a place like giving up."""
    world.deliver(facts(room=1, online=1))
    join(world, "ana", "ben", "cat")
    take(world, "ana")
    take(world, "ben", ONLINE)
    take(world, "cat", ONLINE)
    assert switch(world, "ben", ROOM, or_wait=True).place_in_line == 1
    assert standing(world) == {"ana": "in_person", "ben": "in_person#1", "cat": "online"}
    is_sound(world)


def test_switching_to_a_free_mode_promotes_behind_one(world: World) -> None:
    """The place left behind goes to the next in line in the same transaction."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    switch(world, "ana", ONLINE)
    assert told(world)[-2:] == ["ana confirmed online: switched", "ben confirmed in_person: promoted"]


def test_the_venue_shuts_and_everybody_attends_online_in_the_order_of_asking(world: World) -> None:
    """Places online go to those who asked first; the others wait there."""
    world.deliver(facts(room=2, online=2))
    join(world, "ana", "ben", "cat", "dan", "eve")
    take(world, "eve", ONLINE)
    for name in ("ana", "ben", "cat", "dan"):
        take(world, name)
    world.deliver(moved_online(online=4))
    assert standing(world) == {
        "eve": "online",
        "ana": "online",
        "ben": "online",
        "cat": "online",
        "dan": "online#1",
    }
    assert figures(world) == {ONLINE: (4, 4, 1)}
    assert told(world)[-4:] == [
        "ana confirmed online: moved",
        "ben confirmed online: moved",
        "cat confirmed online: moved",
        "dan waitlisted online: moved",
    ]


def test_when_the_venue_opens_again_everybody_gets_back_what_they_had(world: World) -> None:
    """A place for a place, a place in line for a place in line; who took online meanwhile stays there."""
    world.deliver(facts(room=2, online=2))
    join(world, "ana", "ben", "cat", "dan", "eve")
    for name in ("ana", "ben", "cat"):
        take(world, name)
    world.deliver(moved_online(online=4))
    take(world, "dan", ONLINE)
    take(world, "eve", ONLINE)
    world.deliver(moved_back(room=2, online=2))
    assert standing(world) == {
        "ana": "in_person",
        "ben": "in_person",
        "cat": "in_person#1",
        "dan": "online",
        "eve": "online",
    }
    is_sound(world)


def test_a_place_given_up_while_the_venue_was_shut_goes_to_the_next_of_the_room(world: World) -> None:
    """What is free when everybody comes back goes to the line, in its order."""
    world.deliver(facts(room=1, online=2))
    join(world, "ana", "ben", "cat")
    for name in ("ana", "ben", "cat"):
        take(world, name)
    world.deliver(moved_online(online=3))
    give_up(world, "ana")
    world.deliver(moved_back(room=1, online=2))
    assert standing(world) == {"ben": "in_person", "cat": "in_person#1"}


def test_who_chose_online_while_the_venue_was_shut_stays_online(world: World) -> None:
    """A choice is not undone by the venue."""
    world.deliver(facts())
    join(world, "ana")
    take(world, "ana")
    world.deliver(moved_online())
    switch(world, "ana", ONLINE)
    world.deliver(moved_back())
    assert standing(world) == {"ana": "online"}


def test_fewer_places_send_the_last_who_asked_to_the_head_of_the_line(world: World) -> None:
    """A smaller room is never oversold, and those sent back stand before those who asked later."""
    world.deliver(facts(room=3))
    join(world, "ana", "ben", "cat", "dan")
    for name in ("ana", "ben", "cat", "dan"):
        take(world, name)
    world.deliver(facts(room=1, revision=2))
    assert standing(world) == {"ana": "in_person", "ben": "in_person#1", "cat": "in_person#2", "dan": "in_person#3"}
    world.deliver(facts(room=3, revision=3))
    assert standing(world) == {"ana": "in_person", "ben": "in_person", "cat": "in_person", "dan": "in_person#1"}
    assert told(world)[-2:] == ["ben confirmed in_person: promoted", "cat confirmed in_person: promoted"]


def test_a_cancelled_meeting_releases_every_seat_once(world: World) -> None:
    """However often the news arrives."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    world.deliver(cancelled(), times=2)
    world.deliver(cancelled())
    assert [each.member_id for each in world.published(SeatReleased)] == ["ana", "ben"]
    assert standing(world) == {}


@pytest.mark.parametrize("last", [cancelled, ended])
def test_older_news_never_reopens_a_meeting(world: World, last) -> None:
    """Events of one meeting come in any order."""
    world.deliver(last(revision=2))
    world.deliver(facts(revision=1), moved_online(revision=2))
    join(world, "ana")
    with pytest.raises(MeetingNotOpen):
        take(world, "ana")


def test_news_that_overtake_each_other_end_the_same(world: World) -> None:
    """The newest facts count; nobody is lost between the shut venue and its opening."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    world.deliver(moved_back(revision=3, room=1))
    world.deliver(moved_online(revision=2))
    assert standing(world) == {"ana": "in_person", "ben": "in_person#1"}
    assert len(world.published(SeatConfirmed)) == 1


def test_only_a_known_meeting_that_is_still_to_come_can_be_joined(world: World) -> None:
    """Also when it began half an hour ago."""
    join(world, "ana", "ben")
    with pytest.raises(MeetingNotOpen, match="try again"):
        take(world, "ana")
    world.deliver(facts())
    world.tick(days=3, minutes=29)
    assert take(world, "ana").state is SeatState.CONFIRMED
    world.tick(minutes=1)
    with pytest.raises(MeetingNotOpen):
        take(world, "ben")
    assert take(world, "ana").state is SeatState.CONFIRMED


def test_a_mode_that_is_not_offered_is_refused_by_its_field(world: World) -> None:
    """The words say what is offered."""
    world.deliver(facts())
    join(world, "ana")
    with pytest.raises(ModeNotOffered, match="in person, online") as refusal:
        take(world, "ana", PHONE)
    assert refusal.value.field == "mode"


def test_a_seat_needs_membership_and_the_agreement_in_force(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agreement is asked for again when it changes; a seat that one has is kept."""
    world.deliver(facts())
    with pytest.raises(NotAMember):
        take(world, "ana")
    join(world, "ana", "ben")
    take(world, "ben")
    monkeypatch.setattr(world.store.work.agreements, "current", 2)
    with pytest.raises(AgreementNeeded) as refusal:
        take(world, "ana")
    assert refusal.value.facts == {"version": 2}
    assert take(world, "ben").state is SeatState.CONFIRMED


def test_giving_up_twice_is_giving_up_once_and_nothing_can_be_given_up_that_one_never_had(world: World) -> None:
    """A second tap does no harm."""
    world.deliver(facts())
    join(world, "ana", "ben")
    take(world, "ana")
    give_up(world, "ana")
    give_up(world, "ana")
    assert len(world.published(SeatReleased)) == 1
    with pytest.raises(NotFound):
        give_up(world, "ben")


def test_who_is_marked_as_here_or_whose_meeting_is_over_has_nothing_to_give_up(world: World) -> None:
    """Attendance is not undone by a tap at home."""
    world.deliver(facts())
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    world.tick(days=3)
    mark(world, "ana", Outcome.ATTENDED)
    with pytest.raises(AlreadyDone):
        give_up(world, "ana")
    world.tick(minutes=90)
    with pytest.raises(TooLate):
        give_up(world, "ben")


@pytest.mark.parametrize("room", [2, 50])
def test_taking_a_seat_costs_the_same_however_many_have_one(world: World, room: int) -> None:
    """Counters, not a scan: as many statements for the last as for the first, whether there is a place or a line."""
    world.deliver(facts(room=room))
    names = [f"m{number}" for number in range(8)]
    join(world, *names)
    statements: list[str] = []
    event.listen(world.store.engine, "before_cursor_execute", lambda *each: statements.append(each[2]))
    costs = []
    for name in names:
        statements.clear()
        take(world, name)
        costs.append(len(statements))
    places = min(room, len(names))
    assert len(set(costs[:places])) == 1
    assert len(set(costs[places:])) <= 1
    assert max(costs) <= min(costs) + 1, "the place in line is one statement more"
