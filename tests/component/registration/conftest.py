"""The registration service on both kinds of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from services.registration.service import RegistrationService
from services.registration.store import RegistrationStoreWork, metadata
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.support.world import START, World, ring


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine with the tables made; SQLite in memory."""
    engine = make_engine("sqlite://" if database.startswith("sqlite") else database)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def make_world(engine: Engine, clock: SteppedClock | None = None) -> World:
    """The service on this engine."""
    clock = clock or SteppedClock(START)
    store = Store(engine, RegistrationStoreWork, ring("registration"), clock)
    parts = Parts(settings=Settings(), keys=store.keys, clock=clock, store=store, ask=_nobody)
    return World(RegistrationService(parts), store, clock)


def _nobody(request: object) -> object:
    raise AssertionError(f"registration asks nobody, but asked {type(request).__name__}")


@pytest.fixture
def world(engine: Engine) -> World:
    """The service, its clock standing at START."""
    return make_world(engine)


@pytest.fixture
def worlds(database: str) -> Iterator[Callable[[], World]]:
    """Makes processes, as it were: each has an engine of its own on one database file or server."""
    engines = [make_engine(database)]
    metadata.create_all(engines[0])

    def another() -> World:
        engines.append(make_engine(database))
        return make_world(engines[-1])

    yield another
    for engine in engines:
        engine.dispose()
