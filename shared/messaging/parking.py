"""The parking lot: events that could not be handled, with the reason, to be listed, shown, replayed, discarded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from shared.storage.core import parked
from shared.storage.engine import upsert


def park(
    connection: Connection,
    *,
    event_id: str,
    kind: str,
    body: bytes,
    handler: str,
    attempts: int,
    reason: str,
    at: datetime,
) -> None:
    """Keep the event's bytes and the kind of error, never the error's text.

    Parked twice it lies there once; parked again after a replay it waits for a person again.
    """
    statement = upsert(connection, parked).values(
        event_id=event_id,
        type=kind[:100],
        body=body,
        handler=handler[:100],
        attempts=attempts,
        reason=reason[:100],
        parked_at=at,
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[parked.c.event_id],
            set_={
                "reason": new.reason,
                "handler": new.handler,
                "attempts": new.attempts,
                "settled": None,
                "settled_at": None,
            },
        )
    )


def listed(connection: Connection, *, settled: bool = False) -> Sequence[Row[Any]]:
    """Parked events, oldest first; with ``settled`` also those that were replayed or discarded."""
    statement = select(parked).order_by(parked.c.parked_at, parked.c.event_id)
    return connection.execute(statement if settled else statement.where(parked.c.settled.is_(None))).all()


def find(connection: Connection, event_id: str) -> Row[Any] | None:
    """One parked event."""
    return connection.execute(select(parked).where(parked.c.event_id == event_id)).one_or_none()


def waiting(connection: Connection) -> int:
    """How many wait for a person."""
    return connection.scalar(select(func.count()).select_from(parked).where(parked.c.settled.is_(None))) or 0


def settle(connection: Connection, event_id: str, how: str, at: datetime) -> bool:
    """Mark as replayed or discarded; False when it was settled before or is not there."""
    statement = (
        update(parked)
        .where(parked.c.event_id == event_id, parked.c.settled.is_(None))
        .values(settled=how, settled_at=at)
    )
    return connection.execute(statement).rowcount > 0
