"""Nothing is sent without a consent, and none that was given is missed, however late its news comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.notifications.store.notices import _UNDECIDED
from services.notifications.store.tables import notices
from shared.contracts.base import Channel
from shared.contracts.meetings import MeetingMoved
from shared.contracts.notifications import NoticeKind
from shared.contracts.registration import Purpose, SeatReason, SeatState
from shared.runtime.settings import Settings
from tests.component.notifications.fakes import STARTS, Town, attended, chapter, meeting, seat, window


def test_consent_is_per_purpose_and_channel_and_late_news_of_it_is_waited_for(town: Town) -> None:
    """A seat's news may overtake that of one consent: longer than the retry ladder, then silence means no."""
    town.verify("ana", "ana@example.org")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("waiting", "no_consent")]
    town.consent("ana", Purpose.MEETING_REMINDERS, Channel.EMAIL)
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.SMS)
    town.clock.step(seconds=sum(Settings().ladder))
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("waiting", "no_consent")]
    town.clock.step(minutes=10)
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("refused", "no_consent")]
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL)
    town.deliver(meeting(MeetingMoved, 2))
    town.send_all()
    assert town.state(NoticeKind.MEETING_CHANGED) == [("sent", "")]


@pytest.mark.parametrize(("granted", "end"), [(True, ("sent", "")), (False, ("refused", "no_consent"))])
def test_of_whom_no_decision_was_heard_the_news_is_waited_for_as_long_as_it_takes(
    town: Town,
    granted: bool,  # noqa: FBT001
    end: tuple[str, str],
) -> None:
    """Its handler may be broken for hours. When it comes, what waited for it leaves, or ends, at once."""
    town.verify("ana", "ana@example.org")
    town.deliver(chapter(), meeting(), seat("ana"))
    for _ in range(18):
        town.send_all()
        assert town.state(NoticeKind.SEAT_CONFIRMED) == [("waiting", "no_consent")]
        assert all(row.not_before > town.clock.now() for row in town.rows() if row.state == "waiting"), "not unsettled"
        town.clock.step(minutes=21)
    town.send_all()
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL, granted=granted)
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [end]


def test_a_notice_that_waits_for_a_decision_ends_when_nobody_needs_it_any_more(town: Town) -> None:
    """Superseded by newer news; and at the latest when the meeting begins."""
    town.verify("ana", "ana@example.org")
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    town.deliver(seat("ana", 2, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP))
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("refused", "superseded")]
    assert town.state(NoticeKind.SEAT_RELEASED) == [("waiting", "no_consent")]
    town.clock.step(seconds=(STARTS - town.clock.now()).total_seconds())
    town.send_all()
    assert town.state(NoticeKind.SEAT_RELEASED) == [("expired", "expired")]


def test_a_consent_to_be_asked_may_come_later_than_the_ladder_too(town: Town) -> None:
    """After the end of a meeting that one attended."""
    town.verify("ana", "ana@example.org")
    town.deliver(chapter(), meeting(), window(), attended())
    ladder = timedelta(seconds=sum(Settings().ladder))
    town.tick(seconds=(STARTS + timedelta(hours=1, minutes=30) + ladder - town.clock.now()).total_seconds())
    town.consent("ana", Purpose.FEEDBACK_ASK, Channel.EMAIL)
    town.tick()
    town.clock.step(hours=14)
    town.send_all()
    assert town.state(NoticeKind.FEEDBACK_ASK) == [("sent", "")]


def test_a_decision_finds_what_waits_for_it_by_an_index_of_its_own() -> None:
    """Among a hundred thousand that wait for something else."""
    town = Town()
    statement = select(notices.c.notice_id).where(*_UNDECIDED, notices.c.member_id == "ana")
    with town.store.reading() as work:
        sql = str(statement.compile(work.connection))
        plan = work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ("ana",)).all()
    assert "ix_notices_undecided" in " ".join(row.detail for row in plan)


def test_an_older_decision_does_not_undo_a_newer_one(town: Town) -> None:
    """Consent news may come in any order."""
    town.join("ana")
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL, granted=False, decided=3)
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL, granted=True, decided=2)
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    assert town.state(NoticeKind.SEAT_CONFIRMED) == [("refused", "no_consent")]
