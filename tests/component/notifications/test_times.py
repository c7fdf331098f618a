"""Reminders, quiet hours and feedback asks: at the right time, once, and only if they are still true."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta

import pytest

from shared.contracts.base import Channel, Mode
from shared.contracts.feedback import DrawCode, WindowClosed
from shared.contracts.meetings import AskJoinLink, MeetingCancelled, MeetingEnded, MeetingMoved, MeetingStatus
from shared.contracts.notifications import NoticeKind, NoticeSettled, Preferences, SetPreferences
from shared.contracts.registration import Outcome, Purpose, SeatReason, SeatState
from tests.component.notifications.fakes import (
    NOW,
    REGION,
    STARTS,
    ZONE,
    Town,
    attended,
    chapter,
    meeting,
    seat,
    window,
)
from tests.support.world import member

REMINDER, CHANGED, ASK = NoticeKind.REMINDER, NoticeKind.MEETING_CHANGED, NoticeKind.FEEDBACK_ASK


def at(town: Town, moment: datetime) -> None:
    town.clock.step(seconds=(moment - town.clock.now()).total_seconds())


def tick(town: Town) -> None:
    town.tick()
    town.send_all()


def seated(town: Town, *people: str, mode: Mode = Mode.IN_PERSON) -> None:
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), *(seat(who, mode=mode) for who in people))
    town.send_all()


# -- reminders --------------------------------------------------------------------------------


def test_a_reminder_goes_out_once_a_day_before(town: Town) -> None:
    """Not earlier, and not again, however often the timer runs."""
    seated(town, "ana")
    at(town, STARTS - timedelta(hours=24, seconds=1))
    tick(town)
    assert town.sent(REMINDER) == []
    town.clock.step(seconds=1)
    for _ in range(3):
        tick(town)
        town.clock.step(minutes=30)
    assert town.sent(REMINDER) == [("reminder", "ana@example.org")]


def test_a_reminder_carries_what_its_readers_mode_needs(town: Town) -> None:
    """The address, or the link, or the number to dial; never what another needs."""
    town.join("ana")
    town.join("ben")
    town.join("cleo")
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben", mode=Mode.ONLINE), seat("cleo", mode=Mode.PHONE))
    at(town, STARTS - timedelta(hours=8))
    tick(town)
    said = {m.to.split("@")[0]: m.words.text for m in town.mail.taken if m.words.text.startswith("reminder")}
    assert "Library" in said["ana"]
    assert "room.example" not in said["ana"]
    assert "room.example" in said["ben"]
    assert "Library" not in said["ben"]
    assert "+13125550100" in said["cleo"]
    assert "room.example" not in said["cleo"]


def test_who_joins_after_the_reminders_is_reminded_two_hours_before(town: Town) -> None:
    """And who joins later still has just been told."""
    seated(town, "ana")
    town.join("ben")
    town.join("cleo")
    at(town, STARTS - timedelta(hours=10))
    town.deliver(seat("ben"))
    tick(town)
    assert town.state(REMINDER, "ben") == []
    at(town, STARTS - timedelta(hours=2))
    tick(town)
    assert town.state(REMINDER, "ben") == [("sent", "")]
    at(town, STARTS - timedelta(hours=1))
    town.deliver(seat("cleo"))
    tick(town)
    assert town.state(REMINDER, "cleo") == []


def test_nobody_is_reminded_of_what_does_not_take_place_or_of_a_seat_they_gave_up(town: Town) -> None:
    """The schedule is our own, and is asked again at the moment of sending."""
    seated(town, "ana", "ben")
    at(town, STARTS - timedelta(hours=8))
    town.tick()
    town.deliver(seat("ana", 2, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP))
    town.deliver(meeting(MeetingCancelled, 2, status=MeetingStatus.CANCELLED))
    town.send_all()
    assert town.sent(REMINDER) == []
    assert {row.state for row in town.rows() if row.kind == "reminder"} == {"refused"}


def test_a_meeting_that_moved_to_another_day_is_reminded_of_on_that_day(town: Town) -> None:
    """And one that moved by an hour not twice."""
    seated(town, "ana")
    at(town, STARTS - timedelta(hours=8))
    tick(town)
    town.deliver(meeting(MeetingMoved, 2, starts=STARTS + timedelta(hours=1)))
    tick(town)
    assert len(town.sent(REMINDER)) == 1
    later = STARTS + timedelta(days=7)
    town.deliver(meeting(MeetingMoved, 3, starts=later))
    tick(town)
    assert len(town.sent(REMINDER)) == 1
    at(town, later - timedelta(hours=8))
    tick(town)
    assert len(town.sent(REMINDER)) == 2


def test_without_an_answer_from_meetings_a_reminder_waits_and_then_goes_without_the_link(town: Town) -> None:
    """A slow part slows only itself; the reader is told that the link comes later."""
    seated(town, "ana", mode=Mode.ONLINE)
    town.neighbours.away = True
    at(town, STARTS - timedelta(hours=8))
    tick(town)
    assert town.state(REMINDER) == [("waiting", "no_link")]
    town.clock.step(minutes=11)
    tick(town)
    assert town.state(REMINDER) == [("sent", "")]
    assert "later" in town.mail.taken[-1].words.text


def test_news_of_a_seat_carries_the_link_only_shortly_before(town: Town) -> None:
    """Half an hour; before that it comes later."""
    seated(town, "ana", mode=Mode.ONLINE)
    assert "later" in town.mail.taken[-1].words.text
    assert not [asked for asked in town.neighbours.asked if isinstance(asked, AskJoinLink)]
    town.join("ben")
    at(town, STARTS - timedelta(minutes=20))
    town.deliver(seat("ben", mode=Mode.ONLINE))
    town.send_all()
    assert "room.example" in town.mail.taken[-1].words.text


# -- quiet hours ------------------------------------------------------------------------------


def test_quiet_hours_hold_a_notice_until_they_end(town: Town) -> None:
    """In the reader's own zone; a code goes at any hour."""
    town.join("ana")
    town.deliver(chapter(), meeting())
    at(town, datetime(2026, 11, 3, 4, 0, tzinfo=UTC))  # 22:00 in Chicago
    town.deliver(seat("ana"))
    town.start("new@example.org")
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("waiting", "quiet_hours")]
    assert [kind for kind, _ in town.sent()] == ["code"]
    at(town, datetime(2026, 11, 3, 13, 59, 59, tzinfo=UTC))
    town.send_all()
    assert town.sent(NoticeKind.SEAT_CONFIRMED) == []
    at(town, datetime(2026, 11, 3, 14, 0, tzinfo=UTC))
    town.send_all()
    assert len(town.sent(NoticeKind.SEAT_CONFIRMED)) == 1


@pytest.mark.parametrize("agreed", [True, False])
def test_a_change_within_three_hours_breaks_the_quiet_only_if_agreed(town: Town, agreed: bool) -> None:  # noqa: FBT001
    """Else it is settled at once, so that the coordinator can act before people stand before a shut door."""
    town.join("ana")
    quiet = Preferences(time_zone=ZONE, quiet_from=time(16, 0), quiet_to=time(23, 0), urgent_in_quiet_hours=agreed)
    town.send(SetPreferences(preferences=quiet), member("ana"))
    seated(town, "ana")
    at(town, STARTS - timedelta(hours=2))
    town.deliver(meeting(MeetingMoved, 2))
    town.send_all()
    assert town.state(CHANGED) == [("sent", "") if agreed else ("expired", "quiet_hours")]


# -- feedback ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_who_attended_in_a_window_is_asked_once_in_whatever_order_the_news_came(order: tuple[int, ...]) -> None:
    """After the meeting's end, outside quiet hours, by mail before texts, with a code that only then is drawn."""
    town = Town()
    town.join("ana", sms=True)
    news = [meeting(), attended(), window()]
    town.deliver(chapter(), *(news[index] for index in order))
    town.deliver(*news)
    at(town, STARTS + timedelta(hours=2))
    tick(town)
    assert town.sent(ASK) == []
    assert not [asked for asked in town.neighbours.asked if isinstance(asked, DrawCode)]
    at(town, STARTS + timedelta(hours=14))  # 9:00 the next day
    for _ in range(3):
        tick(town)
    assert town.sent(ASK) == [("feedback_ask", "ana@example.org")]
    assert "code FB" in town.mail.taken[-1].words.text
    assert len([asked for asked in town.neighbours.asked if isinstance(asked, DrawCode)]) == 1


def ended(town: Town, *people: str) -> None:
    """A meeting that these people attended within an open window, the next morning."""
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), window())
    at(town, STARTS + timedelta(hours=2))
    town.deliver(meeting(MeetingEnded, 1, status=MeetingStatus.ENDED), *(attended(who) for who in people))
    town.tick()
    at(town, STARTS + timedelta(hours=14))


def test_one_is_asked_once_a_window_not_once_a_meeting(town: Town) -> None:
    """Codes counted are persons: that is what the report's minimum needs."""
    ended(town, "ana")
    tick(town)
    second = STARTS + timedelta(days=2)
    town.deliver(meeting(meeting_id="m2", starts=second), attended(at_="m2"))
    at(town, second + timedelta(hours=14))
    tick(town)
    assert len(town.sent(ASK)) == 1


def test_a_feedback_code_is_erased_once_the_outcome_is_known(town: Town) -> None:
    """No event tells of the ask, and its row names no meeting. A retry carries the code that was drawn."""
    from services.notifications.messages import Transient  # noqa: PLC0415

    ended(town, "ana")
    town.mail.answers = [Transient("busy")]
    tick(town)
    row = next(row for row in town.rows() if row.kind == "feedback_ask")
    assert row.code is not None
    town.clock.step(minutes=10)
    tick(town)
    row = next(row for row in town.rows() if row.kind == "feedback_ask")
    assert (row.state, row.code, row.code_until, row.meeting_id) == ("sent", None, None, None)
    assert len([asked for asked in town.neighbours.asked if isinstance(asked, DrawCode)]) == 1
    assert [event for event in town.published(NoticeSettled) if event.kind is ASK] == []


def test_nobody_is_asked_who_was_not_there_or_did_not_agree_or_after_the_window(town: Town) -> None:
    """A corrected sheet counts; so does a consent for one channel only."""
    for who in ("ana", "ben", "cleo"):
        town.join(who)
    town.consent("ben", Purpose.FEEDBACK_ASK, Channel.EMAIL, granted=False, decided=2)
    town.deliver(chapter(), meeting(), window(), attended("ana"), attended("ben"), attended("cleo"))
    at(town, STARTS + timedelta(hours=3))
    town.tick()
    town.deliver(attended("ana", Outcome.MISSED, 2))
    at(town, STARTS + timedelta(hours=14))
    town.tick()
    town.deliver(WindowClosed(window_id="window-1", region_id=REGION))
    town.send_all()
    assert town.sent(ASK) == []
    reasons = {row.member_id: row.reason for row in town.rows() if row.kind == "feedback_ask"}
    assert reasons == {"ana": "window_closed", "cleo": "window_closed"}


def test_a_window_that_closed_before_it_was_heard_to_open_stays_closed(town: Town) -> None:
    """Events of one service may come in any order. What no window asks about is forgotten."""
    town.join("ana")
    town.deliver(WindowClosed(window_id="window-1", region_id=REGION), window(), chapter(), meeting(), attended())
    at(town, STARTS + timedelta(hours=14))
    tick(town)
    assert town.sent(ASK) == []
    with town.store.reading() as work:
        from services.notifications.store.tables import attendances  # noqa: PLC0415

        assert work.connection.execute(attendances.select()).all() == []
    assert town.clock.now() > NOW
