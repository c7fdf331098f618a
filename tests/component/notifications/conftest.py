"""A town on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.notifications.sending import lane
from shared.storage.engine import make_engine
from tests.component.notifications.fakes import Town


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded machine is no slow server: what is marked together is tried together, however long that takes."""
    monkeypatch.setattr(lane, "MARKED_SECONDS", 600.0)


@pytest.fixture
def town(database: str) -> Iterator[Town]:
    """A town with one lane, on SQLite and on PostgreSQL."""
    engine = make_engine(database)
    yield Town(engine)
    engine.dispose()
