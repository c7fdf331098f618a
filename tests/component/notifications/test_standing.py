"""What the operator is shown of notices that have not left: late is what could leave and does not."""

from __future__ import annotations

from prometheus_client import REGISTRY

from services.notifications.messages import Transient, Unknown
from services.notifications.model.records import NoticesStanding
from tests.component.notifications.fakes import Town, chapter, meeting, seat


def standing(town: Town) -> NoticesStanding:
    with town.store.reading() as work:
        return work.notices.standing()


def seated(town: Town) -> None:
    town.join("ana")
    town.deliver(chapter(), meeting(), seat("ana"))


def test_a_notice_is_late_from_the_moment_it_may_leave(town: Town) -> None:
    """Nobody sends here; once it was sent, nothing is late."""
    seated(town)
    assert standing(town).late_seconds == 0
    town.tick(minutes=7)
    assert REGISTRY.get_sample_value("chapterhouse_notices_late_seconds") == 7 * 60
    town.send_all()
    town.tick()
    assert REGISTRY.get_sample_value("chapterhouse_notices_late_seconds") == 0


def test_a_notice_that_the_mail_server_refused_for_now_is_counted_and_not_late(town: Town) -> None:
    """Its pause is our own decision."""
    seated(town)
    town.mail.answers = [Transient("busy", retry_after=300)]
    town.send_all()
    assert standing(town) == NoticesStanding(late_seconds=0.0, again=1, doubtful=0, held=0)


def test_a_notice_that_waits_for_a_person_is_held_until_they_decide(town: Town) -> None:
    """It is not open any more, so it is late no more."""
    seated(town)
    town.mail.answers = [Unknown("cut")]
    town.send_all()
    assert standing(town) == NoticesStanding(late_seconds=0.0, again=0, doubtful=0, held=1)
