"""The inbox: the ids of the events that took effect here, written in the transaction of their effects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from shared.storage.engine import Moment

# One statement with one parameter for any number of ids: a VALUES list would be compiled anew for each batch.
_ENTER = {
    "sqlite": text(
        "INSERT INTO inbox (event_id, handled_at) SELECT value, :at FROM json_each(:ids) WHERE true "
        "ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
    ).bindparams(bindparam("at", type_=Moment)),
    "postgresql": text(
        "INSERT INTO inbox (event_id, handled_at) SELECT value, :at FROM json_array_elements_text(CAST(:ids AS json)) "
        "ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
    ).bindparams(bindparam("at", type_=Moment)),
}


def enter(connection: Connection, event_ids: Sequence[str], at: datetime) -> set[str]:
    """Enter these ids, in their order so that two processes cannot deadlock; the ones that were not there before."""
    unique = sorted(set(event_ids))
    if not unique:
        return set()
    entered = connection.execute(_ENTER[connection.dialect.name], {"ids": json.dumps(unique), "at": at})
    return set(entered.scalars())
