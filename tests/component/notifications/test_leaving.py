"""Someone left for good: no address, code, key or wish of theirs stays, nothing brings one back, and the books balance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from services.notifications.handlers import facts
from services.notifications.messages import Message, Transient, Unknown
from services.notifications.store.tables import (
    attendances,
    contact_points,
    members,
    notices,
    preferences,
    suppressions,
    verifications,
)
from shared.contracts.base import Channel
from shared.contracts.errors import Refused
from shared.contracts.notifications import (
    CodeExpired,
    ContactVerified,
    ListMyContacts,
    NoticeKind,
    NoticeProgress,
    NoticeSettled,
    Preferences,
    SetPreferences,
)
from shared.contracts.registration import (
    ConsentDecided,
    HasLeft,
    MemberJoined,
    MemberLeft,
    Purpose,
    SeatReason,
    SeatState,
)
from shared.storage.engine import make_engine
from tests.component.notifications.fakes import NOW, STARTS, Town, attended, chapter, meeting, number, seat, window
from tests.component.notifications.test_sending import CHANGED, changed
from tests.support.world import coordinator, member

ANA = member("ana")
LEFT = MemberLeft(member_id="ana")
WITHDRAWN = ConsentDecided(
    member_id="ana", purpose=Purpose.MEETING_CHANGES, channel=Channel.EMAIL, granted=False, decided=2
)
GIVEN_UP = seat("ana", 2, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP)


def count(town: Town, table: Any) -> int:
    """How many rows this table has."""
    with town.store.reading() as work:
        return len(work.connection.execute(select(table)).all())


def keys(town: Town) -> int:
    """How many people's keys there are."""
    with town.store.reading() as work:
        return int(work.connection.scalar(text("SELECT count(*) FROM member_keys")) or 0)


def is_forgotten(town: Town) -> None:
    """Nothing is left of Ana but that she left."""
    assert [count(town, each) for each in (contact_points, verifications, preferences, attendances)] == [0, 0, 0, 0]
    assert keys(town) == 0
    with town.store.reading() as work:
        assert work.connection.scalar(select(members.c.left_at).where(members.c.member_id == "ana")) is not None


def ends(town: Town) -> list[tuple[str, str]]:
    """Where Ana's notices stand; each has an end."""
    rows = [row for row in town.rows() if row.member_id == "ana"]
    assert all(row.settled_at is not None and row.leased_by is None and row.code is None for row in rows)
    return sorted((row.state, row.reason) for row in rows)


def test_who_left_cannot_be_reached_or_read(town: Town) -> None:
    """Contact points, the codes that proved them, wishes, attendances and keys are gone; another's stay."""
    town.join("ana", sms=True)
    town.send(SetPreferences(preferences=Preferences()), ANA)
    town.deliver(chapter(), meeting(), attended())
    town.deliver(LEFT, times=2)
    town.deliver(LEFT)
    is_forgotten(town)
    assert town.ask(ListMyContacts(), ANA).contacts == ()
    town.join("ben")
    assert (count(town, contact_points), keys(town)) == (1, 1)


EVENTS = (
    MemberJoined(member_id="ana", agreement_version=1),
    WITHDRAWN,
    seat("ana"),
    GIVEN_UP,
    attended(),
)


@pytest.mark.parametrize("at", range(len(EVENTS) + 1))
def test_in_whatever_order_the_news_comes_nobody_is_told_and_no_address_comes_back(town: Town, at: int) -> None:
    """That they left may come first, last or between, and every event twice."""
    town.verify("ana", "ana@example.org")
    for purpose in Purpose:
        town.consent("ana", purpose, Channel.EMAIL)
    town.mail.taken.clear()
    town.deliver(chapter(), meeting(), window())
    for event in (*EVENTS[:at], LEFT, *EVENTS[at:]):
        town.deliver(event, times=2)
    town.tick()
    town.clock.step(seconds=(STARTS - NOW + timedelta(hours=30)).total_seconds())
    town.tick()
    town.send_all()
    is_forgotten(town)
    assert town.sent() == []
    assert set(ends(town)) <= {("refused", "left")}
    assert {row.kind for row in town.rows() if row.member_id} == {"seat_confirmed", "seat_released"}


def test_what_waits_is_refused_and_live_pages_hear_of_it(town: Town) -> None:
    """A notice that is due, and one that waits for the morning, are settled with a reason of their own."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.deliver(LEFT)
    assert ends(town) == [("refused", "left")]
    assert [each.state.value for each in town.published(NoticeSettled)] == ["refused"]
    town.send_all()
    assert town.sent() == []


def test_what_is_held_needs_no_person_any_more(town: Town) -> None:
    """There is nobody whom a coordinator could ask."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.mail.answers = [Unknown("cut")]
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("held", "unknown")]
    town.deliver(LEFT)
    assert ends(town) == [("refused", "left")]


@pytest.mark.parametrize(
    ("answers", "end"),
    [([], ("sent", "")), ([Transient("busy", 1.0)], ("refused", "left")), ([Unknown("cut")], ("refused", "left"))],
)
def test_what_is_being_sent_gets_its_outcome_as_ever(town: Town, answers: list[Any], end: tuple[str, str]) -> None:
    """They leave while it is on the wire: what was accepted was sent; what was not is not tried again, nor held."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.mail.answers = list(answers)

    def leaves(_message: Message) -> None:
        town.mail.before = lambda _message: None
        town.deliver(LEFT)

    town.mail.before = leaves
    town.send_all()
    town.clock.step(minutes=10)
    town.send_all()
    assert ends(town) == [end]
    assert len(town.mail.tried) == 2, "the code that proved the address, and this"


def test_a_feedback_code_goes_with_the_notice(town: Town) -> None:
    """It was drawn, the mail was not taken, and then they leave: the code is nobody's any more."""
    town.join("ana")
    town.deliver(chapter(), meeting(), window(), attended())
    town.clock.step(hours=36)
    town.tick()
    town.clock.step(hours=12)
    town.tick()
    town.mail.answers = [Transient("busy", 60.0)]
    town.send_once()
    with town.store.reading() as work:
        assert work.connection.scalar(select(notices.c.code).where(notices.c.kind == "feedback_ask")) is not None
    town.deliver(LEFT)
    assert ends(town) == [("refused", "left")]
    assert keys(town) == 0


def test_a_code_under_way_brings_nothing_back(town: Town) -> None:
    """Begun by the member, or by whoever has the address, before they left; and begun by the member after."""
    town.join("ana")
    again = town.start("ana@example.org")
    more = town.start(number("ana"), Channel.SMS, ANA, client="network")
    town.send_all()
    codes = town.code_to("ana@example.org"), town.code_to(number("ana"))
    town.deliver(LEFT)
    with pytest.raises(CodeExpired):
        town.confirm(again, codes[0], "new")
    with pytest.raises(HasLeft):
        town.confirm(more, codes[1], "ana", ANA)
    with pytest.raises(Refused):
        town.confirm(more, codes[1], "ana")
    with pytest.raises(HasLeft):
        town.start(number("ana"), Channel.SMS, ANA)
    with pytest.raises(HasLeft):
        town.send(SetPreferences(preferences=Preferences()), ANA)
    assert (count(town, contact_points), count(town, preferences)) == (0, 0)


def test_a_code_that_is_asked_for_and_not_sent_yet_is_not_sent(town: Town) -> None:
    """Its notice ends as that of any code that is over."""
    town.join("ana")
    town.start("ana@example.org")
    town.deliver(LEFT)
    town.send_all()
    assert town.sent() == []
    assert [(row.state, row.reason) for row in town.rows()][-1] == ("expired", "expired")
    is_forgotten(town)


def test_a_code_to_an_address_that_was_to_be_added_is_not_sent_either(town: Town) -> None:
    """The portal names the network that it was asked from. Its row stays for the limits, and tells of nobody."""
    town.join("ana")
    town.start("more@example.org", actor=ANA, client="network")
    town.mail.answers = [Transient("later", 60.0)]
    town.send_once()
    town.mail.tried.clear()
    town.deliver(LEFT)
    town.clock.step(minutes=2)
    town.send_all()
    assert town.mail.tried == []
    with town.store.reading() as work:
        row = work.connection.execute(select(verifications)).one()
    assert (row.settled, row.member_id, row.address, row.code, row.client) == (True, None, None, None, "network")
    assert keys(town) == 0


def test_whoever_proves_the_same_address_again_is_somebody_new(town: Town) -> None:
    """With a new id; the old one is nobody's."""
    town.join("ana")
    town.deliver(LEFT)
    answer = town.verify("new", "ana@example.org")
    assert (answer.member_id, answer.known) == ("new", False)
    assert [each.member_id for each in town.published(ContactVerified)] == ["ana", "new"]
    with pytest.raises(Refused):
        town.verify("ana", "other@example.org")


def test_who_asked_for_silence_is_left_in_silence(town: Town) -> None:
    """STOP protects the owner of the number, whoever that is; it is known by a keyed hash alone."""
    town.join("ana", email=False, sms=True)
    town.text(number("ana"), "STOP")
    town.deliver(LEFT)
    assert count(town, suppressions) == 1
    town.start(number("ana"), Channel.SMS)
    town.send_all()
    assert town.sent() == []


def test_a_coordinator_need_not_reach_who_left(town: Town) -> None:
    """They are not among those who were not reached."""
    changed(town)
    town.deliver(LEFT)
    progress = town.ask(NoticeProgress(meeting_id="meeting-1", revision=2), coordinator("chapter-1"))
    assert (progress.due, progress.unreached) == (0, ())
    assert town.state(CHANGED) == [("refused", "left")]


def test_who_adds_an_address_while_they_leave_leaves_none(database: str) -> None:
    """Two processes: whichever is first, the address is gone, or was never taken."""
    engines = make_engine(database), make_engine(database)
    one, other = Town(engines[0]), Town(engines[1])
    one.deliver(chapter())
    names = [f"m{number:02}" for number in range(12)]
    for name in names:
        one.verify(name, f"{name}@example.org")
        started = one.start(f"{name}.more@example.org", actor=member(name), client="network-" + name)
        one.send_all()
        code = one.code_to(f"{name}.more@example.org")
        _at_once(
            lambda name=name, started=started, code=code: _quietly(
                lambda: one.confirm(started, code, name, member(name))
            ),
            lambda name=name: _quietly(lambda: one.send(SetPreferences(preferences=Preferences()), member(name))),
            lambda name=name: other.deliver(MemberLeft(member_id=name)),
        )
    assert (count(one, contact_points), count(one, preferences)) == (0, 0)
    for engine in engines:
        engine.dispose()


def test_what_happened_at_a_meeting_is_heard_while_they_leave_and_none_of_it_stays(database: str) -> None:
    """Two processes: the one that hears of the evening has not ended when the other hears that they left."""
    engines = make_engine(database), make_engine(database)
    one, other = Town(engines[0]), Town(engines[1])
    one.deliver(chapter(), meeting(), MemberJoined(member_id="ana", agreement_version=1))
    with ThreadPoolExecutor(1) as pool:
        with one.store.writing() as work:
            facts.know_attendance(attended(), work)
            leaves = pool.submit(lambda: other.deliver(LEFT))
            with contextlib.suppress(TimeoutError):
                leaves.result(timeout=0.3)
        leaves.result(timeout=60)
    assert count(one, attendances) == 0
    for engine in engines:
        engine.dispose()


def _quietly(act: Callable[[], object]) -> None:
    with contextlib.suppress(Refused):
        act()


def _at_once(*acts: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result(timeout=60)
