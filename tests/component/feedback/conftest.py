"""Feedback on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from services.feedback.service import FeedbackService
from services.feedback.store import FeedbackWork
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade
from shared.storage.work import Store
from tests.component.feedback.given import Feedback
from tests.support.world import START, World, ring


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An empty database with feedback's tables in it."""
    engine = make_engine(database)
    upgrade("feedback", engine)
    yield engine
    engine.dispose()


@pytest.fixture
def feedback(engine: Engine) -> Feedback:
    """The service, driven by hand."""
    clock = SteppedClock(START)
    store = Store(engine, FeedbackWork, ring("feedback"), clock)

    def ask(_request: object) -> object:
        raise AssertionError("feedback asks nobody")

    parts = Parts(settings=Settings(), keys=ring("feedback"), clock=clock, store=store, ask=ask)
    return Feedback(World(FeedbackService(parts), store, clock))
