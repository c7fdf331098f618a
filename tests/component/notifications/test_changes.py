"""Seats and changes: nobody is told twice, nobody is missed, whatever the order of the news."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.messages import Message
from shared.contracts.base import Channel, Event, Mode
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.meetings import (
    MeetingCancelled,
    MeetingEnded,
    MeetingMoved,
    MeetingMovedBack,
    MeetingMovedOnline,
    MeetingResized,
    MeetingStatus,
)
from shared.contracts.notifications import (
    Discretion,
    NoticeKind,
    NoticeProgress,
    NoticeSettled,
    NoticeState,
    Preferences,
    SetPreferences,
)
from shared.contracts.registration import SeatReason, SeatState
from tests.component.notifications.fakes import MEETING, ONLINE, STARTS, Town, chapter, meeting, seat
from tests.support.world import coordinator, member

COORDINATOR = coordinator("chapter-1")
CHANGED, CANCELLED = NoticeKind.MEETING_CHANGED, NoticeKind.MEETING_CANCELLED


def moved_online(revision: int = 2) -> Event:
    return meeting(MeetingMovedOnline, revision, offers=ONLINE)


def seat_moved(who: str = "ana", change: int = 2, revision: int = 2, mode: Mode = Mode.ONLINE) -> Event:
    return seat(who, change, reason=SeatReason.MOVED, mode=mode, revision=revision)


def cancelled(revision: int = 2) -> Event:
    return meeting(MeetingCancelled, revision, status=MeetingStatus.CANCELLED)


def seat_cancelled(who: str = "ana", change: int = 2, revision: int = 2) -> Event:
    return seat(who, change, state=SeatState.RELEASED, reason=SeatReason.MEETING_CANCELLED, revision=revision)


def gave_up(who: str = "ana", change: int = 2, revision: int = 1) -> Event:
    return seat(who, change, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP, revision=revision)


def test_each_change_of_a_seat_has_its_notice(town: Town) -> None:
    """Confirmed with an invitation, waitlisted, promoted, given up with the invitation taken back."""
    for who in ("ana", "ben", "cleo", "dan"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben", state=SeatState.WAITLISTED))
    town.deliver(seat("cleo", 2, reason=SeatReason.PROMOTED), seat("dan"))
    town.send_all()
    town.deliver(gave_up("dan"))
    town.send_all()
    told = {(kind, to.split("@")[0]) for kind, to in town.sent()}
    assert told == {
        ("seat_confirmed", "ana"),
        ("seat_waitlisted", "ben"),
        ("seat_promoted", "cleo"),
        ("seat_confirmed", "dan"),
        ("seat_released", "dan"),
    }
    methods = {m.words.text.split("|")[0]: m.calendar and m.calendar.method for m in town.mail.taken}
    assert methods["seat_confirmed"] == methods["seat_promoted"] == "REQUEST"
    assert methods["seat_released"] == "CANCEL"
    assert methods["seat_waitlisted"] is None


def test_a_calendar_entry_is_updated_in_place_and_rises(town: Town) -> None:
    """The same reference, a higher sequence: every calendar updates the entry that it has."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    town.deliver(moved_online(), seat_moved())
    town.send_all()
    town.deliver(cancelled(3), seat_cancelled("ana", 3, 3))
    town.send_all()
    parts = [message.calendar.body.split() for message in town.mail.taken if message.calendar]
    references, sequences = {part[0] for part in parts}, [int(part[1]) for part in parts]
    assert len(references) == 1
    assert "ana" not in references.pop()
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 3


def test_who_waits_in_line_is_told_of_a_change_too(town: Town) -> None:
    """A place in line is a plan for the evening."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana", state=SeatState.WAITLISTED))
    town.deliver(meeting(MeetingMoved, 2))
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]


def test_more_places_are_written_to_nobody_and_hold_back_no_other_news(town: Town) -> None:
    """A notice that still waits when the places change says what is true, and leaves."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"), meeting(MeetingMoved, 2), meeting(MeetingResized, 3))
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]
    town.deliver(meeting(MeetingResized, 4))
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]


def test_who_gave_up_before_is_not_told(town: Town) -> None:
    """Nor is who took the seat knowing of the change."""
    for who in ("ana", "ben"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), gave_up(), meeting(MeetingMoved, 2), seat("ben", revision=2))
    town.send_all()
    assert town.state(CHANGED, "ana") == []
    assert town.state(CHANGED, "ben") == []


def test_nobody_is_told_the_old_mode_while_the_seat_is_on_its_way(town: Town) -> None:
    """The change is known, the seat's new mode is not yet: the notice waits for it, though not for ever."""
    for who in ("ana", "ben"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"))
    town.send_all()
    town.deliver(moved_online())
    town.send_all()
    assert town.state(CHANGED) == [("waiting", "seat_to_be_moved")]
    town.deliver(seat_moved("ana"))
    town.send_all()
    assert town.state(CHANGED, "ana") == [("sent", "")]
    town.clock.step(minutes=11)
    town.send_all()
    assert town.state(CHANGED, "ben") == [("sent", "")]
    assert all("online" in m.words.text and "Library" not in m.words.text for m in town.mail.taken[-2:])


def test_who_was_told_what_was_cancelled_meanwhile_is_told_of_that_next(town: Town) -> None:
    """Whoever's mail was on its way, as if the news had come a moment later; the others hear of nothing else."""
    people = ("ana", "ben", "cleo")
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), *(seat(who) for who in people))

    def cancel_meanwhile(_message: object) -> None:
        town.mail.before = lambda _message: None
        town.deliver(cancelled(), *(seat_cancelled(who) for who in people))

    town.mail.before = cancel_meanwhile
    town.send_all()
    told = [[kind for kind, to in town.sent() if to == f"{who}@example.org"] for who in people]
    assert sorted(told, key=len) == [[CANCELLED], [CANCELLED], [NoticeKind.SEAT_CONFIRMED, CANCELLED]]


def test_back_in_the_room_is_told_with_the_room(town: Town) -> None:
    """Those whom the change had moved are told where they now go; a newer change replaces what had not left."""
    for who in ("ana", "ben"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben", mode=Mode.ONLINE))
    town.deliver(moved_online(), seat_moved())
    town.deliver(meeting(MeetingMovedBack, 3), seat_moved("ana", 3, 3, Mode.IN_PERSON))
    town.send_all()
    assert sorted(town.state(CHANGED)) == [("refused", "superseded"), ("sent", "")]
    last = {message.to: message.words.text for message in town.mail.taken if "moved_back" in message.words.text}
    assert "Library" in last["ana@example.org"]
    assert "Library" not in last["ben@example.org"]


def test_a_meeting_cancelled_between_claim_and_send_is_not_announced(town: Town) -> None:
    """The gate is asked in the transaction that marks the notice, not when it was claimed."""
    town = Town(town.store.engine, lane_batch=1)
    for who in ("ana", "ben"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"))

    def cancel_meanwhile(_message: object) -> None:
        town.mail.before = lambda _message: None
        town.deliver(cancelled(), seat_cancelled("ana"), seat_cancelled("ben"))

    town.mail.before = cancel_meanwhile
    town.send_all()
    assert len(town.sent(NoticeKind.SEAT_CONFIRMED)) == 1, "the one that was already leaving"
    assert len(town.sent(CANCELLED)) == 2
    states = town.state(NoticeKind.SEAT_CONFIRMED, "ana") + town.state(NoticeKind.SEAT_CONFIRMED, "ben")
    assert sorted(states) == [("refused", "meeting_cancelled"), ("sent", "")]


def test_who_asks_for_silence_between_look_and_send_is_not_written_to_in_the_old_words(town: Town) -> None:
    """What the words depend on is compared in the transaction that marks the notice."""
    town = Town(town.store.engine, lane_batch=1)
    names = ("ana", "ben")
    for who in names:
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"))

    def fall_silent(message: Message) -> None:
        town.mail.before = lambda _message: None
        for who in names:
            if who not in message.to:
                town.send(SetPreferences(preferences=Preferences(discretion=Discretion.SILENT)), member(who))

    town.mail.before = fall_silent
    town.send_all()
    kind = NoticeKind.SEAT_CONFIRMED.value
    first, second = (message.words.text for message in town.mail.taken if kind in message.words.text)
    assert (Discretion.DISCREET.value in first, Discretion.SILENT.value in second) == (True, True)


def story() -> list[Event]:
    """Four people, a move online, a move back, a cancellation; who gives up in between is told of what came before."""
    return [
        chapter(),
        meeting(),
        seat("ana"),
        seat("ben", mode=Mode.ONLINE),
        seat("cleo", state=SeatState.WAITLISTED),
        seat("dan", revision=2, mode=Mode.ONLINE),
        moved_online(),
        seat_moved("ana"),
        seat_moved("cleo"),
        meeting(MeetingMovedBack, 3),
        seat_moved("ana", 3, 3, Mode.IN_PERSON),
        seat_moved("cleo", 3, 3, Mode.IN_PERSON),
        gave_up("ben", 2, 3),
        cancelled(4),
        seat_cancelled("ana", 4, 4),
        seat_cancelled("cleo", 4, 4),
        seat_cancelled("dan", 2, 4),
    ]


TOLD = {("ana", 2), ("ben", 2), ("cleo", 2), ("ana", 3), ("ben", 3), ("cleo", 3), ("dan", 3)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_the_same_notices_follow_from_every_order_of_the_news(seed: int) -> None:
    """Shuffled, doubled, in batches of any size: the same natural keys, each once, and the same people told in the end."""
    town = Town()
    for who in ("ana", "ben", "cleo", "dan"):
        town.join(who)
    dice = random.Random(seed)
    bodies = story() * 2
    dice.shuffle(bodies)
    while bodies:
        count = dice.randint(1, 8)
        town.deliver(*bodies[:count])
        del bodies[:count]
    changes = {(row.member_id, row.revision) for row in town.rows() if row.kind == CHANGED.value}
    # who gave up may have been heard of first: then there is nobody to tell, in any case nobody who holds a seat is missed
    assert changes - {("ben", 2), ("ben", 3)} == TOLD - {("ben", 2), ("ben", 3)}
    assert {row.member_id for row in town.rows() if row.kind == CANCELLED.value} - {"ben"} == {"ana", "cleo", "dan"}
    town.send_all()
    assert sorted(to for _, to in town.sent()) == ["ana@example.org", "cleo@example.org", "dan@example.org"] or (
        # the release of a seat given up is told as well
        sorted(town.sent())
        == [
            ("meeting_cancelled", "ana@example.org"),
            ("meeting_cancelled", "cleo@example.org"),
            ("meeting_cancelled", "dan@example.org"),
            ("seat_released", "ben@example.org"),
        ]
    )
    assert not [row for row in town.rows() if row.state in ("waiting", "sending")]


def test_progress_names_who_was_not_reached_and_what_to_do(town: Town) -> None:
    """People, not messages; each with a reason and a next step in plain words."""
    town.join("ana", sms=True)
    town.join("ben", email=False)
    town.join("cleo", consents=False)
    town.join("dan")
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"), seat("cleo"), seat("dan"), gave_up("dan"))
    town.send_all()
    town.deliver(meeting(MeetingMoved, 2))
    before = town.ask(NoticeProgress(meeting_id=MEETING, revision=2), COORDINATOR)
    assert (before.due, before.waiting, before.complete) == (3, 2, False)
    town.send_all()
    progress = town.ask(NoticeProgress(meeting_id=MEETING, revision=2), COORDINATOR)
    assert (progress.due, progress.reached, progress.waiting, progress.complete) == (3, 1, 0, True)
    assert {each.member_id: each.reason for each in progress.unreached} == {"ben": "no_contact", "cleo": "no_consent"}
    assert all(each.explanation and each.next_step for each in progress.unreached)
    none = next(each for each in progress.unreached if each.member_id == "ben")
    assert (none.channel, none.state) == (None, NoticeState.REFUSED)


def test_only_the_chapters_coordinator_sees_progress(town: Town) -> None:
    """Another chapter's is told that there is no such meeting; a member may not ask at all."""
    town.deliver(chapter(), meeting())
    with pytest.raises(NotFound):
        town.ask(NoticeProgress(meeting_id=MEETING, revision=1), coordinator("chapter-2"))
    with pytest.raises(Forbidden):
        town.ask(NoticeProgress(meeting_id=MEETING, revision=1), member("ana"))


def test_every_end_of_a_meetings_notice_is_said_once(town: Town) -> None:
    """Live pages follow NoticeSettled; codes and feedback asks are not told of."""
    town.join("ana")
    town.join("ben", email=False)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"))
    town.send_all()
    said = [(event.kind, event.channel, event.state) for event in town.published(NoticeSettled)]
    assert sorted(said, key=str) == sorted(
        [
            (NoticeKind.SEAT_CONFIRMED, None, NoticeState.REFUSED),
            (NoticeKind.SEAT_CONFIRMED, Channel.EMAIL, NoticeState.SENT),
        ],
        key=str,
    )


def test_news_of_a_meeting_that_is_over_is_not_sent(town: Town) -> None:
    """It would only confuse: it expires, and the coordinator sees it."""
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"), meeting(MeetingMoved, 2))
    town.clock.step(days=3)
    town.deliver(meeting(MeetingEnded, 2, status=MeetingStatus.ENDED))
    town.send_all()
    assert {row.state for row in town.rows() if row.kind != "code"} == {"expired"}
    assert town.clock.now() > STARTS
