"""The registration service on a database: SQLite in memory, and PostgreSQL where CHAPTERHOUSE_TEST_POSTGRES names one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from services.registration.service import RegistrationService
from services.registration.store import RegistrationStoreWork, metadata
from shared.runtime.clock import SteppedClock
from shared.runtime.ids import new_id
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.support.world import START, World, ring

POSTGRES = os.environ.get("CHAPTERHOUSE_TEST_POSTGRES", "")
KINDS = ["sqlite", *(["postgresql"] if POSTGRES else [])]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return request.param


@pytest.fixture
def url(kind: str, tmp_path: Any) -> Iterator[str]:
    """An empty database that several engines can open; gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path}/registration.db"
        return
    name = f"registration_{new_id().replace('-', '')}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


@pytest.fixture
def engine(kind: str, url: str) -> Iterator[Engine]:
    """An engine with the tables made; SQLite in memory."""
    engine = make_engine("sqlite://" if kind == "sqlite" else url)
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
def worlds(url: str) -> Iterator[Callable[[], World]]:
    """Makes processes, as it were: each has an engine of its own on one database file or server."""
    engines = [make_engine(url)]
    metadata.create_all(engines[0])

    def another() -> World:
        engines.append(make_engine(url))
        return make_world(engines[-1])

    yield another
    for engine in engines:
        engine.dispose()
