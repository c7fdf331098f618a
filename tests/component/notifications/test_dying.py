"""A process that dies or is slow while it sends: nobody is missed, and as little as can be is in doubt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from services.notifications.messages import Message
from services.notifications.sending import lane
from services.notifications.store.notices import Notices
from services.notifications.store.tables import notices
from shared.contracts.meetings import MeetingMoved
from shared.contracts.notifications import NoticeKind
from tests.component.notifications.fakes import Town, attended, chapter, meeting, seat, window

CHANGED = NoticeKind.MEETING_CHANGED


class Killed(BaseException):
    """The process dies here: nothing after it runs, nothing is recorded."""


def kill(_message: Message) -> None:
    raise Killed


def crowd(town: Town, *people: str) -> None:
    """Several to whom a change is due, and nothing else."""
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), *(seat(who) for who in people))
    town.send_all()
    town.deliver(meeting(MeetingMoved, 2))
    town.mail.taken.clear()


def die_at(town: Town, number: int) -> None:
    """The process dies when this mail, counted from now, is handed over; and another starts when the leases have run out."""
    left = [number]

    def before(message: Message) -> None:
        left[0] -= 1
        if not left[0]:
            kill(message)

    town.mail.before = before
    with pytest.raises(Killed):
        town.send_once()
    town.mail.before = lambda _message: None
    town.lapse_leases()
    town.service = town.dispatcher.service = town.new_service()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_process_that_dies_amid_several_marked_together_loses_none(town: Town, number: int) -> None:
    """Of none of them is it known whether it left. An urgent mail goes once again, under its name; nobody is missed."""
    people = ("ana", "ben", "cleo")
    crowd(town, *people)
    die_at(town, number)
    town.send_all()
    assert [town.state(CHANGED, who) for who in people] == [[("sent", "")]] * 3
    names: dict[str, set[str]] = {}
    for message in town.mail.taken:
        names.setdefault(message.to, set()).add(message.message_id)
    assert {to: len(ids) for to, ids in names.items()} == {f"{who}@example.org": 1 for who in people}
    assert len(town.mail.taken) == 3 + number - 1


def three(town: Town) -> None:
    """Three to whom something is due that is not urgent."""
    people = ("ana", "ben", "cleo")
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), *(seat(who) for who in people))


def seat_news(town: Town) -> list[Any]:
    return [row for row in town.rows() if row.kind == "seat_confirmed"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_of_what_is_not_urgent_only_the_one_in_hand_is_held_and_none_is_doubled(town: Town, number: int) -> None:
    """A person must look after what is held: so what nobody began to send is not marked, and what was sent is recorded."""
    three(town)
    die_at(town, number)
    assert sorted(row.state for row in seat_news(town)) == ["sending"] + ["sent"] * (number - 1) + ["waiting"] * (
        3 - number
    )
    town.send_all()
    assert sorted(row.state for row in seat_news(town)) == ["held", "sent", "sent"]
    assert len(town.mail.taken) == 2


def test_a_process_that_dies_between_one_and_the_next_leaves_one_in_doubt(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was sent and is not recorded; the next is not marked, and leaves once."""
    three(town)
    begin, left = Notices.begin, [1]

    def dying(self: Notices, these: Any, *, until: datetime) -> None:
        if not left:
            raise Killed
        left.pop()
        begin(self, these, until=until)

    monkeypatch.setattr(Notices, "begin", dying)
    with pytest.raises(Killed):
        town.send_once()
    monkeypatch.setattr(Notices, "begin", begin)
    assert sorted(row.state for row in seat_news(town)) == ["sending", "waiting", "waiting"]
    town.lapse_leases()
    town.service = town.dispatcher.service = town.new_service()
    town.send_all()
    assert sorted(row.state for row in seat_news(town)) == ["held", "sent", "sent"]
    assert Counter(message.to for message in town.mail.taken).most_common(1)[0][1] == 1
    assert len(town.mail.taken) == 3


def test_what_was_sent_is_recorded_though_the_next_cannot_be_marked(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share a transaction; where it fails, the record is written by itself, and the third is sent all the same."""
    three(town)
    begin, calls = Notices.begin, [0]

    def failing(self: Notices, these: Any, *, until: datetime) -> None:
        calls[0] += 1
        begin(self, these, until=until)
        if calls[0] == 2:
            raise RuntimeError("bug")

    monkeypatch.setattr(Notices, "begin", failing)
    town.send_once()
    assert sorted(row.state for row in seat_news(town)) == ["sent", "sent", "waiting"]
    town.lapse_leases()
    town.send_all()
    assert [row.state for row in seat_news(town)] == ["sent"] * 3
    assert len(town.mail.taken) == 3
    assert {row.attempts for row in seat_news(town)} == {1}


def test_what_there_was_no_time_for_is_given_back_and_urgent_news_overtakes_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at least is handled; the others wait as if nobody had looked at them."""
    three(town)
    monkeypatch.setattr(lane, "AT_ONCE_SECONDS", -1.0)
    town.send_once()
    assert sorted((row.state, row.leased_by) for row in seat_news(town)) == [
        ("sent", None),
        ("waiting", None),
        ("waiting", None),
    ]
    town.start("late@example.org")
    town.send_once()
    assert [message.to for message in town.mail.taken][1:] == ["late@example.org"]
    town.send_all()
    assert [row.state for row in seat_news(town)] == ["sent"] * 3
    assert len(town.mail.taken) == 4


def test_nothing_that_was_sent_waits_for_its_record_while_another_service_is_asked(town: Town) -> None:
    """The answer may take long, and the process may die meanwhile."""
    people = ("ana", "ben", "cleo")
    for who in people:
        town.join(who)
    states: list[set[str]] = []
    ask = town.neighbours.ask

    def watching(request: Any) -> Any:
        states.append({row.state for row in town.rows() if row.kind == "feedback_ask"})
        return ask(request)

    town.parts = replace(town.parts, ask=watching)
    town.service = town.dispatcher.service = town.new_service()
    town.deliver(chapter(), meeting(), window(), *(attended(who) for who in people))
    for hours in (36, 12):  # after the meeting, and when the quiet hours are over
        town.clock.step(hours=hours)
        town.tick()
    town.send_all()
    assert states == [{"waiting"}, {"sent", "waiting"}, {"sent", "waiting"}]


def test_marks_that_a_slow_server_leaves_no_time_for_are_given_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were not tried, so nothing is unknown of them: each leaves once, and the ledger has one attempt of each."""
    people = ("ana", "ben", "cleo")
    crowd(town, *people)
    monkeypatch.setattr(lane, "MARKED_SECONDS", -1.0)
    town.send_once()
    assert sorted(row.state for row in town.rows() if row.kind == "meeting_changed") == ["sent", "waiting", "waiting"]
    town.send_all()
    assert Counter(to for _, to in town.sent(CHANGED)) == Counter(f"{who}@example.org" for who in people)
    ids = {row.notice_id for row in town.rows() if row.kind == "meeting_changed"}
    assert [row.outcome for row in town.deliveries() if row.notice_id in ids] == ["accepted"] * 3
    assert {row.attempts for row in town.rows() if row.kind == "meeting_changed"} == {1}


def test_what_was_taken_over_meanwhile_is_not_given_back(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another decides on it."""
    crowd(town, "ana", "ben")
    monkeypatch.setattr(lane, "MARKED_SECONDS", -1.0)

    def take_away(_message: Message) -> None:
        with town.store.writing() as work:
            work.connection.execute(notices.update().where(notices.c.state == "sending").values(leased_by="other"))

    town.mail.before = take_away
    town.send_once()
    assert sorted(row.state for row in town.rows() if row.kind == "meeting_changed") == ["sending", "sent"]
