"""A town on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.storage.engine import make_engine
from tests.component.notifications.fakes import Town


@pytest.fixture
def town(database: str) -> Iterator[Town]:
    """A town with one lane, on SQLite and on PostgreSQL."""
    engine = make_engine(database)
    yield Town(engine)
    engine.dispose()
