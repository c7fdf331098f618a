"""The inbox: the ids of the events that took effect here, written in the transaction of their effects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from shared.messaging.outbox import upsert
from shared.storage.core import inbox


def enter(connection: Connection, event_ids: Sequence[str], at: datetime) -> set[str]:
    """Enter these ids; the ones that were not there before."""
    unique = sorted(set(event_ids))
    if not unique:
        return set()
    statement = (
        upsert(connection, inbox)
        .values([{"event_id": event_id, "handled_at": at} for event_id in unique])
        .on_conflict_do_nothing(index_elements=[inbox.c.event_id])
        .returning(inbox.c.event_id)
    )
    return set(connection.scalars(statement))
