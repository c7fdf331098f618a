"""The outbox: events are written in the transaction of what they tell of, and leave after it.

Each is written once. What has not left stands in a narrow table beside it (``unsent``): to lease it, and to strike it
off, costs no new version of a long row. ``sent_at`` is filled in at once: the version before, where it still runs,
sends what has none, and what it writes without is moved by the relay (``Outbox.turn``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, bindparam, text

from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.storage.engine import Moment

if TYPE_CHECKING:
    from shared.contracts.base import Event


class Lease(NamedTuple):
    """Whose rows these are to send, until when (real time). Then anyone may take them up."""

    holder: str
    until: datetime


class Outgoing(NamedTuple):
    """One outbox row on its way."""

    position: int
    event_id: str
    type: str
    body: bytes


def record(
    connection: Connection, said: Sequence[tuple[Event, Cause]], at: datetime, lease: Lease | None = None
) -> list[Outgoing]:
    """Write these events, in this order; ``sequence`` rises by one per subject, without a gap.

    With a lease they belong to its holder from the start, who gets what is returned once the transaction commits.
    """
    if not said:
        return []
    last = _raise_sequences(connection, Counter(event.subject_id for event, _ in said))
    rows: list[tuple[str, str, str, int, bytes]] = []
    for event, cause in said:
        event_id, subject = new_id(), event.subject_id
        last[subject] += 1
        body = encode(event, event_id=event_id, sequence=last[subject], at=at, cause=cause)
        rows.append((event_id, event.type, subject, last[subject], body))
    holder, until = lease or (None, None)
    new, lent = {"rows": to_json(rows).decode(), "at": at}, {"holder": holder, "until": until}
    apart = connection.dialect.name == "sqlite"
    recorded = connection.execute(_RECORD[connection.dialect.name], new if apart else new | lent)
    positions: dict[str, int] = {row.event_id: row.position for row in recorded}
    if apart:
        connection.execute(_WAIT, {"positions": json.dumps(list(positions.values())), **lent})
    return [Outgoing(positions[event_id], event_id, kind, body) for event_id, kind, _, _, body in rows]


# One statement with one parameter for any number of rows or subjects (see inbox.py).
_RECORD = {
    "sqlite": text(
        "INSERT INTO outbox (event_id, type, subject, sequence, body, recorded_at, sent_at) "
        "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BLOB), :at, :at "
        "FROM json_each(:rows) RETURNING event_id, position"
    ).bindparams(bindparam("at", type_=Moment)),
    "postgresql": text(
        "WITH said AS ("
        "INSERT INTO outbox (event_id, type, subject, sequence, body, recorded_at, sent_at) SELECT value ->> 0, "
        "value ->> 1, value ->> 2, CAST(value ->> 3 AS integer), convert_to(value ->> 4, 'UTF8'), :at, :at "
        "FROM json_array_elements(CAST(:rows AS json)) WITH ORDINALITY AS new (value, number) ORDER BY number "
        "RETURNING event_id, position"
        "), waiting AS ("
        "INSERT INTO unsent (position, leased_by, leased_until) SELECT position, :holder, :until FROM said"
        ") SELECT event_id, position FROM said"
    ).bindparams(bindparam("at", type_=Moment), bindparam("until", type_=Moment)),
}
_WAIT = text(  # SQLite knows no INSERT within a WITH
    "INSERT INTO unsent (position, leased_by, leased_until) SELECT value, :holder, :until FROM json_each(:positions)"
).bindparams(bindparam("until", type_=Moment))
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
