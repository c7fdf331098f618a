"""What the dispatcher counts against a handler, and what it says of an event whose handler is broken."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import pytest
from sqlalchemy import Column, String, Table

from shared.contracts.errors import NotYet
from shared.contracts.meetings import ChapterOpened
from shared.messaging.breaker import Breaker
from shared.messaging.dispatch import Delivery, Dispatcher, Verdict
from shared.messaging.entrypoints import subscribe
from shared.storage.core import service_metadata
from shared.storage.engine import make_engine
from shared.storage.work import Store, Work
from tests.support.site import chapter
from tests.support.world import ring

AFTER = 3
metadata = service_metadata()
rows = Table("rows", metadata, Column("key", String, primary_key=True), Column("must", String, nullable=False))


class Listener:
    """Two handlers hear each chapter; what the second does, the chapter's name says."""

    name: ClassVar[str] = "feedback"

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()

    @subscribe(ChapterOpened)
    def first(self, event: ChapterOpened, work: Work) -> None:
        """Always well."""
        self.heard[event.name] += 1

    @subscribe(ChapterOpened)
    def second(self, event: ChapterOpened, work: Work) -> None:
        """Wait for an earlier event, write a row that the database refuses, or fail."""
        if event.name == "early":
            raise NotYet
        if event.name == "refused":
            work.add(rows, key=event.chapter_id, must=None)
        if event.name == "fails":
            raise ValueError(event.name)


@pytest.fixture
def dispatcher() -> Dispatcher[Work]:
    """On a database in memory, with pauses that no test waits for."""
    engine = make_engine("sqlite://")
    metadata.create_all(engine)
    return Dispatcher(Listener(), Store(engine, Work, ring("feedback")), breaker=Breaker(AFTER, (600.0,)))


def many(name: str, count: int = 2 * AFTER) -> list[Delivery]:
    """Different events of this name."""
    return [Delivery(chapter(name).body) for _ in range(count)]


def test_a_handler_that_waits_for_an_earlier_event_is_not_broken(dispatcher: Dispatcher[Work]) -> None:
    """However many wait: each climbs."""
    assert dispatcher.events(many("early")) == [Verdict.RETRY] * 2 * AFTER
    assert not dispatcher.breaker.told()


def test_who_waits_for_an_earlier_event_does_not_climb_while_a_handler_is_broken(dispatcher: Dispatcher[Work]) -> None:
    """What it waits for may lie before the broken one: it would be parked for another's mistake."""
    dispatcher.breaker.failed(["another"], "1", "ValueError", 0.0)
    assert dispatcher.events(many("early", 1)) == [Verdict.RETRY], "one failure is no broken handler"
    for event_id in "23":
        dispatcher.breaker.failed(["another"], event_id, "ValueError", 0.0)
    last = Delivery(chapter("early").body, attempt=dispatcher.attempts)
    assert dispatcher.events([*many("early", 1), last]) == [Verdict.WAIT] * 2


def test_what_cannot_be_read_is_no_handlers_fault(dispatcher: Dispatcher[Work]) -> None:
    """It is parked."""
    assert dispatcher.events([Delivery(b"no json %d" % number) for number in range(2 * AFTER)]) == [Verdict.DONE] * 6
    assert not dispatcher.breaker.told()


def test_the_handler_that_raised_is_broken_and_no_other(dispatcher: Dispatcher[Work]) -> None:
    """The events of the run climb but for the last, and the rest of the batch waits untried."""
    assert dispatcher.events(many("fails")) == [Verdict.RETRY] * 2 + [Verdict.WAIT] * 4
    assert list(dispatcher.breaker.told()) == ["second"]
    heard = dispatcher.service.heard["fails"]
    assert dispatcher.events(many("ok")) == [Verdict.WAIT] * 6
    assert dispatcher.service.heard == {"fails": heard}


def test_rows_that_the_database_refuses_at_the_end_count_for_each_handler(dispatcher: Dispatcher[Work]) -> None:
    """Nobody knows whose they were."""
    assert Verdict.WAIT in dispatcher.events(many("refused"))
    assert set(dispatcher.breaker.told()) == {"first", "second"}


def test_an_event_that_took_effect_before_proves_nothing(dispatcher: Dispatcher[Work]) -> None:
    """Come again, it does not reach the handlers, and does not end their run of failures."""
    old = many("ok", 1)
    assert dispatcher.events(old) == [Verdict.DONE]
    for failing in many("fails", AFTER):
        dispatcher.events(old)
        dispatcher.events([failing])
    assert list(dispatcher.breaker.told()) == ["second"]


def test_on_the_last_rung_too_an_event_waits_rather_than_being_parked(dispatcher: Dispatcher[Work]) -> None:
    """That is what the circuit is for."""
    dispatcher.events(many("fails"))
    last = [Delivery(each.body, attempt=dispatcher.attempts) for each in many("fails")]
    assert dispatcher.events(last) == [Verdict.WAIT] * 6
