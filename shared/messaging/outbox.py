"""The outbox: events are written in the transaction of what they tell of, and leave after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql, sqlite

from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.storage.core import outbox, subjects

if TYPE_CHECKING:
    from shared.contracts.base import Event


def upsert(connection: Connection, table: Any) -> Any:
    """``INSERT … ON CONFLICT`` in this connection's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def record(connection: Connection, said: Sequence[tuple[Event, Cause]], at: datetime) -> None:
    """Write these events, in this order; ``sequence`` rises by one per subject, without a gap."""
    if not said:
        return
    last = _raise_sequences(connection, Counter(event.subject_id for event, _ in said))
    rows = []
    for event, cause in said:
        event_id, subject = new_id(), event.subject_id
        last[subject] += 1
        rows.append(
            {
                "event_id": event_id,
                "type": event.type,
                "subject": subject,
                "sequence": last[subject],
                "body": encode(event, event_id=event_id, sequence=last[subject], at=at, cause=cause),
                "recorded_at": at,
            }
        )
    connection.execute(insert(outbox), rows)


def _raise_sequences(connection: Connection, new: Counter[str]) -> dict[str, int]:
    """The sequence before these events, per subject. Locks the subjects, in their order, until the commit."""
    statement = upsert(connection, subjects).values(
        [{"subject": subject, "sequence": count} for subject, count in sorted(new.items())]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[subjects.c.subject],
        set_={"sequence": subjects.c.sequence + statement.excluded.sequence},
    ).returning(subjects.c.subject, subjects.c.sequence)
    return {subject: sequence - new[subject] for subject, sequence in connection.execute(statement)}
