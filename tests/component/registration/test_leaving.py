"""Leaving for good: nothing that tells who one was stays, and nobody waits for a place that one would have held."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from services.registration.store.tables import consents, contacts, marks, members, seats
from shared.contracts.base import Channel
from shared.contracts.errors import Forbidden
from shared.contracts.meetings import MeetingMoved
from shared.contracts.notifications import ContactSuppressed, ContactVerified
from shared.contracts.registration import (
    AcceptAgreement,
    ConsentChoice,
    ConsentDecided,
    DecideConsents,
    GiveUpSeat,
    HasLeft,
    Join,
    Leave,
    ListMySeats,
    MemberLeft,
    Membership,
    MyMembership,
    Outcome,
    Purpose,
    RoleInAttending,
    SeatReleased,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from shared.storage import core
from tests.component.registration.acts import (
    CHAPTER,
    ENDS,
    ONLINE,
    ROOM,
    STARTS,
    close,
    facts,
    figures,
    is_sound,
    join,
    mark,
    sheet,
    standing,
    take,
    told,
)
from tests.support.world import START, VISITOR, World, coordinator, member

ANA = member("ana")
REMIND = ConsentChoice(purpose=Purpose.MEETING_REMINDERS, channel=Channel.EMAIL, granted=True)
CHANGE = ConsentChoice(purpose=Purpose.MEETING_CHANGES, channel=Channel.SMS, granted=True)
NO = ConsentChoice(purpose=Purpose.FEEDBACK_ASK, channel=Channel.EMAIL, granted=False)
VERIFIED = ContactVerified(member_id="ana", contact_point_id="contact-1", channel=Channel.EMAIL)


def leave(world: World, name: str = "ana") -> None:
    """They leave."""
    world.send(Leave(), member(name))


def rows(world: World, table: Any, name: str = "ana") -> list[Any]:
    """What this table has of a member."""
    with world.store.reading() as work:
        return list(work.connection.execute(select(table).where(table.c.member_id == name)))


def test_who_leaves_is_an_id_and_a_day(world: World) -> None:
    """Alias, role, key and contacts are gone; the row says when they left, and nothing else that was theirs alone."""
    join(world, "ana", "ben")
    world.deliver(VERIFIED)
    leave(world)
    (row,) = rows(world, members)
    assert (row.alias, row.role, row.left_at) == (b"", b"", START)
    assert rows(world, core.member_keys) == rows(world, contacts) == []
    assert rows(world, core.member_keys, "ben") != []
    assert world.published(MemberLeft) == [MemberLeft(member_id="ana")]
    assert world.ask(MyMembership(), ANA) == Membership(joined=False, left=True)
    assert world.ask(MyMembership(), member("ben")).alias == "Ben"
    assert world.ask(MyMembership(), member("nobody")) == Membership(joined=False)


def test_who_leaves_gives_up_every_coming_place_and_the_next_moves_up(world: World) -> None:
    """Places and places in line, at each meeting that has not ended; others' seats stay."""
    world.deliver(*(facts(meeting_id=f"meeting-{number}", room=1) for number in (1, 2, 3)))
    join(world, "ana", "ben", "cem")
    for name, meeting in (("ana", 1), ("ben", 1), ("ben", 2), ("ana", 2), ("cem", 2), ("ana", 3)):
        take(world, name, ROOM, f"meeting-{meeting}")
    before = len(world.said())
    leave(world)
    assert told(world, since=before) == [
        "ana released in_person: given_up",
        "ben confirmed in_person: promoted",
        "ana released in_person: given_up",
        "ana released in_person: given_up",
    ]
    assert world.ask(ListMySeats(), ANA).seats == ()
    assert standing(world) == {"ben": "in_person"}
    is_sound(world)


def test_it_is_said_before_what_follows_from_it(world: World) -> None:
    """Who hears in order writes to nobody of what was given up."""
    world.deliver(facts())
    join(world, "ana", consents=(REMIND,))
    take(world, "ana")
    before = len(world.said())
    leave(world)
    assert [type(each) for each in world.said()[before:]] == [MemberLeft, ConsentDecided, SeatReleased]


def test_what_was_granted_is_withdrawn_in_a_ledger_that_only_grows(world: World) -> None:
    """With how it came to be; what was a no already is not said again."""
    join(world, "ana", consents=(REMIND, CHANGE, NO))
    leave(world)
    said = [(each.purpose, each.granted, each.decided) for each in world.published(ConsentDecided)[3:]]
    assert sorted(said) == [(CHANGE.purpose, False, 2), (REMIND.purpose, False, 2)]
    assert sorted((row.how, row.decided) for row in rows(world, consents)) == [("joined", 1)] * 3 + [("left", 2)] * 2


def test_leaving_twice_says_it_once(world: World) -> None:
    """A second tap, or the same form again."""
    join(world, "ana", consents=(REMIND,))
    leave(world)
    said = len(world.said())
    leave(world)
    world.send_together((Leave(), ANA), (Leave(), ANA))
    assert len(world.said()) == said


def test_who_never_joined_can_leave_too(world: World) -> None:
    """Their address is kept elsewhere; it is forgotten by the same word, and the id is nobody's."""
    world.deliver(VERIFIED)
    leave(world)
    leave(world)
    assert world.said() == [MemberLeft(member_id="ana")]
    assert rows(world, contacts) == []
    with pytest.raises(HasLeft):
        join(world, "ana")


def test_nothing_is_allowed_any_more(world: World) -> None:
    """Whichever page is still open somewhere; and the batch of takers has no place for them."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana", ONLINE)
    leave(world)
    again = Join(alias=world.seal("Ana"), role_in_attending=RoleInAttending.FAMILY, agreement_version=1)
    for command in (
        again,
        AcceptAgreement(version=1),
        DecideConsents(choices=(REMIND,)),
        TakeSeat(meeting_id="meeting-1", mode=ROOM),
        SwitchMode(meeting_id="meeting-1", mode=ROOM),
        GiveUpSeat(meeting_id="meeting-1"),
    ):
        with pytest.raises(HasLeft):
            world.send(command, ANA)
    taking = TakeSeat(meeting_id="meeting-1", mode=ROOM)
    refused, taken = world.send_together((taking, ANA), (taking, member("ben")))
    assert isinstance(refused, HasLeft)
    assert isinstance(taken, SeatView)
    assert standing(world) == {"ben": "in_person"}


def test_who_leaves_between_two_seats_of_one_batch_holds_none(world: World) -> None:
    """What was foreseen of a member does not outlive their leaving; the seat before it goes to the next."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    taking = TakeSeat(meeting_id="meeting-1", mode=ROOM)
    first, second, _, third = world.send_together(
        (taking, ANA), (taking, member("ben")), (Leave(), ANA), (TakeSeat(meeting_id="meeting-1", mode=ONLINE), ANA)
    )
    assert (first.place_in_line, second.place_in_line) == (None, 1)
    assert isinstance(third, HasLeft)
    assert standing(world) == {"ben": "in_person"}
    is_sound(world)


def test_late_news_of_a_contact_adds_nothing(world: World) -> None:
    """Neither that it was proved, nor that it says STOP."""
    join(world, "ana", consents=(REMIND,))
    leave(world)
    said = len(world.said())
    stop = ContactSuppressed(member_id="ana", contact_point_id="contact-1", channel=Channel.EMAIL, reason="stop")
    world.deliver(VERIFIED, stop, times=2)
    assert rows(world, contacts) == []
    assert len(world.said()) == said


def test_what_was_counted_stays_under_an_id_that_is_nobody_s(world: World) -> None:
    """Who was there was there: mark, count and sheet are as before, and the alias is empty."""
    world.deliver(facts())
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    world.clock.step(seconds=(STARTS + timedelta(minutes=5) - world.clock.now()).total_seconds())
    mark(world, "ana", Outcome.ATTENDED)
    leave(world)
    assert world.ask(ListMySeats(), ANA).seats == ()
    assert world.published(SeatReleased) == []
    (row,) = (each for each in sheet(world).seats if each.member_id == "ana")
    assert (row.alias, row.outcome) == ("", Outcome.ATTENDED)
    world.clock.step(seconds=(ENDS - world.clock.now()).total_seconds())
    close(world)
    assert figures(world)[ROOM] == (2, 2, 0)
    assert [each.outcome for each in rows(world, marks)] == ["attended"]
    leave(world, "ben")
    assert [each.state for each in rows(world, seats, "ben")] == ["confirmed"], "it was missed, not given up"


@pytest.mark.parametrize("actor", [VISITOR, coordinator(CHAPTER)])
def test_only_the_member_leaves(world: World, actor: Any) -> None:
    """Nobody is made to."""
    with pytest.raises(Forbidden):
        world.send(Leave(), actor)


def test_a_meeting_that_seemed_over_when_they_left_keeps_no_place_for_them(world: World) -> None:
    """The news that it takes place a week later came after its end, and after they left; who waits gets the place."""
    world.deliver(facts(room=1))
    join(world, "ana", "cem", "ben")
    for name in ("ana", "cem", "ben"):
        take(world, name, ROOM)
    world.clock.step(seconds=(ENDS + timedelta(hours=1) - world.clock.now()).total_seconds())
    leave(world)
    leave(world, "cem")
    before = len(world.said())
    world.deliver(facts(MeetingMoved, room=1, revision=2, starts_at=STARTS + timedelta(days=7)))
    assert told(world, since=before) == [
        "ana released in_person: given_up",
        "cem confirmed in_person: promoted",
        "cem released in_person: given_up",
        "ben confirmed in_person: promoted",
    ]
    assert standing(world) == {"ben": "in_person"}
    is_sound(world)


def at_once(*acts: Callable[[], object]) -> None:
    """Side by side, as two processes do it."""
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result(timeout=60)


def test_who_takes_seats_while_they_leave_holds_none(worlds: Callable[[], World]) -> None:
    """Whichever comes first: the seat is given up, or refused."""
    one, other = worlds(), worlds()
    meetings = [f"meeting-{number}" for number in range(4)]
    one.deliver(*(facts(meeting_id=each, room=20) for each in meetings))
    names = [f"m{number:02}" for number in range(16)]
    join(one, *names)

    def taking(name: str) -> None:
        one.send_together(*((TakeSeat(meeting_id=each, mode=ROOM), member(name)) for each in reversed(meetings)))

    for name in names:
        at_once(lambda name=name: taking(name), lambda name=name: leave(other, name))
    with one.store.reading() as work:
        assert set(work.connection.scalars(select(seats.c.state))) <= {"released"}
    assert figures(one)[ROOM] == (20, 0, 0)
    assert len(one.published(MemberLeft)) == len(names)


def test_two_who_leave_the_same_meetings_at_once_do_not_cross(worlds: Callable[[], World]) -> None:
    """They lock them in one order: nobody is in a deadlock, so nobody tries again."""
    one, other = worlds(), worlds()
    meetings = [f"meeting-{number}" for number in range(6)]
    one.deliver(*(facts(meeting_id=each, room=1) for each in meetings))
    names = [f"m{number:02}" for number in range(12)]
    join(one, *names)
    for number, name in enumerate(names):
        for each in meetings if number % 2 else reversed(meetings):
            take(one, name, ROOM, each)
    failed: list[str] = []
    for world in (one, other):
        event.listen(world.store.engine, "handle_error", lambda context: failed.append(str(context.original_exception)))

    def leaving(world: World, some: list[str]) -> None:
        for first in range(0, len(some), 2):
            world.send_together(*((Leave(), member(name)) for name in some[first : first + 2]))

    at_once(lambda: leaving(one, names[::2]), lambda: leaving(other, names[::-2]))
    assert [each for each in failed if "locked" not in each] == []
    assert figures(one)[ROOM] == (1, 0, 0)
