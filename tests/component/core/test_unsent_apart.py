"""A network that ran before: what had not left when its databases were brought to the new shape leaves after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, select, text

from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.migrate import _config

NOW = datetime.now(UTC).replace(microsecond=0)
SERVICE = "feedback"


@pytest.fixture
def engine(database: str) -> Engine:
    """As the first version left it: one event sent, one in somebody's hands, one free."""
    engine = make_engine(database)
    _to(engine, command.upgrade, "0001")
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        for number, (holder, sent_at) in enumerate([(None, NOW), ("relay-1", None), (None, None)]):
            connection.execute(
                text(
                    "INSERT INTO outbox (event_id, type, subject, sequence, body, recorded_at, leased_by, leased_until, sent_at) "
                    "VALUES (:id, 'a.b.v1', 's', 1, :body, :said, :holder, :until, :sent)"
                ),
                {
                    "id": f"event-{number}",
                    "body": b"{}",
                    "said": NOW - timedelta(hours=1),
                    "holder": holder,
                    "until": NOW if holder else None,
                    "sent": sent_at,
                },
            )
    return engine


def _to(engine: Engine, move: Callable[[Any, str], None], revision: str) -> None:
    config = _config(SERVICE)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        move(config, revision)


def test_what_had_not_left_is_unsent_and_whose_it_is_stays_so(engine: Engine) -> None:
    """And every event is still there."""
    _to(engine, command.upgrade, "0002")
    with engine.connect() as connection:
        waiting = select(core.outbox.c.event_id, core.unsent.c.leased_by).join(
            core.unsent, core.unsent.c.position == core.outbox.c.position
        )
        assert connection.execute(waiting.order_by("event_id")).all() == [("event-1", "relay-1"), ("event-2", None)]
        assert len(connection.scalars(select(core.outbox.c.body)).all()) == 3


def test_and_back(engine: Engine) -> None:
    """What had left is marked so again, so that it is not said twice by an older version."""
    _to(engine, command.upgrade, "0002")
    _to(engine, command.downgrade, "0001")
    with engine.connect() as connection:
        unsent = connection.scalars(text("SELECT event_id FROM outbox WHERE sent_at IS NULL ORDER BY event_id"))
        assert unsent.all() == ["event-1", "event-2"]
