"""The outbox: events are written in the transaction of what they tell of, and leave after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, text

from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.storage.core import outbox

if TYPE_CHECKING:
    from shared.contracts.base import Event


_RECORD = insert(outbox)


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
    connection.execute(_RECORD, rows)


# One statement with one parameter for any number of subjects (see inbox.py).
_RAISE = {
    "sqlite": text(
        "INSERT INTO subjects (subject, sequence) SELECT key, value FROM json_each(:new) WHERE true "
        "ON CONFLICT (subject) DO UPDATE SET sequence = subjects.sequence + excluded.sequence "
        "RETURNING subject, sequence"
    ),
    "postgresql": text(
        "INSERT INTO subjects (subject, sequence) SELECT key, CAST(value AS integer) "
        "FROM json_each_text(CAST(:new AS json)) "
        "ON CONFLICT (subject) DO UPDATE SET sequence = subjects.sequence + excluded.sequence "
        "RETURNING subject, sequence"
    ),
}


def _raise_sequences(connection: Connection, new: Counter[str]) -> dict[str, int]:
    """The sequence before these events, per subject. Locks the subjects, in their order, until the commit."""
    raised = connection.execute(_RAISE[connection.dialect.name], {"new": json.dumps(new, sort_keys=True)})
    return {subject: sequence - new[subject] for subject, sequence in raised}
