"""Feedback on every database that is at hand: SQLite always, PostgreSQL where CHAPTERHOUSE_TEST_POSTGRES names one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

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

POSTGRES = os.environ.get("CHAPTERHOUSE_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def engine(request: pytest.FixtureRequest, tmp_path) -> Iterator[Engine]:
    """An empty database with feedback's tables in it."""
    url = f"sqlite:///{tmp_path}/feedback.db" if request.param == "sqlite" else str(POSTGRES)
    engine = make_engine(url)
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
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
