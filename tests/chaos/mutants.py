"""Mechanisms of the product, each switched off in a service process: an auditor that finds nothing then is blind.

tests.chaos.serve calls one of these before it serves, where CHAPTERHOUSE_CHAOS_BEFORE names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import eventlet
from kombu import Connection as Kombu
from sqlalchemy import Connection, delete, select, text

from services.registration.model.meetings import Meeting
from services.registration.model.seats import Count
from services.registration.store.meetings import MeetingTable
from shared.contracts.base import Event, MeetingId, Mode
from shared.messaging import inbox, outbox, topology
from shared.messaging.consumer import Batches
from shared.messaging.envelope import Cause
from shared.messaging.link import LOST, Link, event_message
from shared.runtime.settings import Settings
from shared.storage.core import outbox as rows
from shared.storage.core import unsent
from shared.storage.engine import make_engine

WIDE = 0.1
"""Seconds between looking and acting: what the lock would have kept apart meets."""


def no_inbox() -> None:
    """Nobody remembers what was handled: an event that comes twice is handled twice."""

    def forget(connection: Connection, event_ids: Sequence[str], at: datetime) -> set[str]:
        return set(event_ids)

    inbox.enter = forget


def no_outbox() -> None:
    """Two writes: events leave beside the transaction, and nobody sends again what was lost on the way."""
    record = outbox.record
    url = Settings().broker_url

    def say_at_once(
        connection: Connection,
        said: Sequence[tuple[Event, Cause]],
        at: datetime,
        lease: outbox.Lease | None = None,
    ) -> list[outbox.Outgoing]:
        record(connection, said, at)
        new = connection.execute(select(rows).where(rows.c.position.in_(select(unsent.c.position)))).all()
        connection.execute(delete(unsent))
        eventlet.spawn(_publish, url, [(bytes(row.body), row.event_id, row.type) for row in new])
        return []

    outbox.record = say_at_once


def _publish(url: str, events: list[tuple[bytes, str, str]]) -> None:
    try:
        with Kombu(url) as broker:
            for body, event_id, kind in events:
                message = event_message(body, event_id, kind)
                broker.default_channel.basic_publish(message, exchange=topology.events.name, routing_key=kind)
    except LOST:
        return


def ack_first() -> None:
    """A batch is acknowledged when it is taken, not when it has taken effect."""

    def settle(self: Batches, link: Link) -> None:
        batch, self._taken[:] = self._taken[: self._size], self._taken[self._size :]
        self.busy = True
        self.begun += 1
        try:
            with link.writing() as channel:
                channel.basic_ack(batch[-1].delivery_info["delivery_tag"], multiple=True)
            self._handle(batch)
        finally:
            self.busy = False

    Batches._settle = settle  # type: ignore[method-assign]


def no_seat_lock() -> None:
    """Who changes a meeting's seats does not keep others from it; time passes between looking and acting.

    The table's own check goes, too: it would turn what the lock prevents into a fault that is tried again.
    """
    engine = make_engine(Settings().database("registration"))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE modes DROP CONSTRAINT IF EXISTS never_oversold"))
    engine.dispose()

    def look(self: MeetingTable, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, Meeting]:
        return self.many(list(meeting_ids))

    def slow(self: MeetingTable, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, dict[Mode, Count]]:
        found = counts(self, meeting_ids)
        # In the database, where the whole process waits: were other greenlets to run meanwhile, another transaction of
        # this process would wait for a row of this one, and so for itself.
        self._connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": WIDE})
        return found

    counts = MeetingTable.counts
    MeetingTable.counts = slow  # type: ignore[method-assign]
    MeetingTable.lock_many = look  # type: ignore[method-assign]
