"""The relay: takes what the outbox holds to the broker, and strikes it off the unsent once the broker has confirmed.

What this process commits is leased to its relay from the start and handed to it in memory, with no look into the
table. What others committed, or what was too much to hand over, it leases in a short transaction: it looks every
second. Published with pipelined confirms outside any transaction, struck off after. A relay that dies leaves a lease
that expires and is taken over; an event may then go out twice, which every inbox knows.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as Signal
from sqlalchemy import Connection, TextClause, delete, func, select, text, union_all, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import ReturningUpdate

from shared.messaging.link import Confirms, Link, LinkLost
from shared.messaging.outbox import Lease, Outgoing
from shared.messaging.topology import events as events_exchange
from shared.runtime import metrics
from shared.runtime.clock import real_now
from shared.runtime.ids import random_id
from shared.runtime.points import reached
from shared.storage.core import outbox, unsent
from shared.storage.engine import upsert
from shared.storage.work import Store

log = structlog.get_logger()

LEASE = timedelta(seconds=30)
BATCH = 500
IN_HAND = 4 * BATCH
"""More than that lies in the table until somebody looks, so that a slow broker fills no memory."""
LOOK_SECONDS = 1.0
CONFIRM_SECONDS = 20.0
FIRST_DELAY = 0.2
"""Seconds before a new link; it doubles until the relay has come as far as the database."""


_THESE = {  # one parameter for any number of rows (see inbox.py)
    "sqlite": text("SELECT value FROM json_each(:positions)"),
    "postgresql": text("SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:positions AS json))"),
}


def _these(connection: Connection, positions: Collection[int]) -> TextClause:
    return _THESE[connection.dialect.name].bindparams(positions=json.dumps(list(positions)))


def _move(connection: Connection) -> None:
    """What the version before has written and not sent is ours to send too; if it still does, doubles are legal."""
    left = select(outbox.c.position).where(outbox.c.sent_at.is_(None)).limit(BATCH).with_for_update(skip_locked=True)
    moved = (
        update(outbox)
        .where(outbox.c.position.in_(left.scalar_subquery()))
        .values(sent_at=outbox.c.recorded_at)
        .returning(outbox.c.position)
    )
    if found := connection.scalars(moved).all():
        connection.execute(
            upsert(connection, unsent).on_conflict_do_nothing(), [{"position": position} for position in found]
        )


_WAITING = union_all(select(unsent.c.position), select(outbox.c.position).where(outbox.c.sent_at.is_(None))).subquery()
UNSENT = select(
    select(func.count()).select_from(_WAITING).scalar_subquery(),
    select(outbox.c.recorded_at)
    .where(outbox.c.position == select(func.min(_WAITING.c.position)).scalar_subquery())
    .scalar_subquery(),
)
"""One row: how many events are unsent, of the version before too, and when the first was said (None without one)."""


class Outbox:
    """The relay's view of one service's outbox."""

    def __init__(self, store: Store[Any]) -> None:
        self._store = store
        self._relay = random_id()[:23]
        self._links = 0
        self.holder = self._relay

    def begin(self) -> None:
        """A new link: what was leased over an earlier one, and neither marked nor given back, may be taken up at once."""
        self._links += 1
        self.holder = f"{self._relay}-{self._links}"

    def lease(self) -> Lease:
        """For rows from now on."""
        return Lease(self.holder, real_now() + LEASE)

    def turn(self, taken: Collection[int], refused: Collection[int], *, most: int = BATCH) -> list[Outgoing]:
        """Strike what was confirmed, give back what was refused, lease the oldest free rows: one transaction, one sync."""
        with self._store.writing() as work:
            connection = work.connection
            if taken:
                connection.execute(delete(unsent).where(unsent.c.position.in_(_these(connection, taken))))
            if refused:
                given_back = update(unsent).where(unsent.c.position.in_(_these(connection, refused)))
                connection.execute(given_back.values(leased_by=None, leased_until=None))
            if not most:
                return []
            _move(connection)
            leased = connection.scalars(self._leasing(most)).all()
            if not leased:
                return []
            rows = select(outbox.c.position, outbox.c.event_id, outbox.c.type, outbox.c.body)
            rows = rows.where(outbox.c.position.in_(_these(connection, leased))).order_by(outbox.c.position)
            return [Outgoing(*row) for row in connection.execute(rows)]

    def _leasing(self, most: int) -> ReturningUpdate[tuple[int]]:
        lease = self.lease()
        of_a_lost_link = unsent.c.leased_by.startswith(self._relay) & (unsent.c.leased_by != lease.holder)
        now = real_now()  # which may have been set back: a lease that ends later than any can was given before that
        expired = (unsent.c.leased_until < now) | (unsent.c.leased_until > now + 2 * LEASE)
        free = (
            select(unsent.c.position)
            .where(unsent.c.leased_until.is_(None) | expired | of_a_lost_link)
            .order_by(unsent.c.position)
            .limit(most)
            .with_for_update(skip_locked=True)  # SQLite has one writer, and leaves this out
        )
        return (
            update(unsent)
            .where(unsent.c.position.in_(free.scalar_subquery()))
            .values(leased_by=lease.holder, leased_until=lease.until)
            .returning(unsent.c.position)
        )

    def unsent(self) -> tuple[int, float]:
        """How many rows are unsent, and the age of the first of them in seconds of domain time."""
        with self._store.reading() as work:
            count, oldest = work.connection.execute(UNSENT).one()
            return count, max(0.0, (work.now - oldest).total_seconds()) if oldest else 0.0


class Relay:
    """Keeps a link of its own and runs until it is stopped. Says nothing to a broker without the topology's ``mark``."""

    def __init__(self, url: str, store: Store[Any], service: str, mark: str) -> None:
        self._url = url
        self._service = service
        self._mark = mark
        self.outbox = Outbox(store)
        self._woken = Signal()
        self._stopping = False
        self._handed: deque[tuple[Lease, list[Outgoing]]] = deque()
        self._in_hand = 0
        self._behind = True  # there is, or may be, more in the table than one look takes
        self._next_look = 0.0
        self._delay = FIRST_DELAY
        self._confirmed: set[int] = set()  # and not marked yet; outlives a link
        self.connected = False

    def lease(self, count: int) -> Lease | None:
        """For so many new rows that will be handed over; None where they shall lie free until somebody looks."""
        if not self.connected or self._behind or count > BATCH or self._in_hand > IN_HAND:
            return None
        return self.outbox.lease()

    def take(self, lease: Lease | None, rows: list[Outgoing]) -> None:
        """These were committed under this lease."""
        if lease is None:
            self.wake()
            return
        self._handed.append((lease, rows))
        self._in_hand += len(rows)
        self._ring()

    def wake(self) -> None:
        """There may be something in the table."""
        self._next_look = 0.0
        self._ring()

    def _ring(self) -> None:
        if not self._woken.ready():
            self._woken.send()

    def run(self) -> None:
        """Send until stopped; a lost link or a database away is waited for."""
        while not self._stopping:
            link = None
            try:
                link = Link(self._url, name=f"{self._service} relay")
                with link.writing() as channel:
                    channel.exchange_declare(self._mark, "fanout", passive=True)
                confirms = Confirms(link)
                self.connected = True
                self._send(link, confirms)
            except LinkLost as lost:
                log.warning("relay_lost_broker", reason=str(lost))
            except Exception as error:  # noqa: BLE001 - the database's outage must not end the relay
                log.warning("relay_failed", error=type(error).__name__)
            finally:
                self.connected = False
                if link is not None:
                    link.close()
            if not self._stopping:
                eventlet.sleep(self._delay)
                self._delay = min(self._delay * 2, 5.0)

    def _send(self, link: Link, confirms: Confirms) -> None:
        """Send batch after batch until stopped; what was confirmed is marked when there is enough of it, or time."""
        self.outbox.begin()
        self._behind = True
        self.wake()
        refused: set[int] = set()
        while not self._stopping:
            rows = self._by_hand()
            look = time.monotonic() >= self._next_look
            if look or refused or len(self._confirmed) >= BATCH or (self._confirmed and not rows):
                rows += self._turn(refused, look=look)
            if not rows:
                self._wait(link)
                continue
            confirms.publish_events(rows, events_exchange.name)
            taken, refused = confirms.settle(CONFIRM_SECONDS)
            self._confirmed |= taken
            reached("between publish and mark")
            metrics.relayed.labels(self._service).inc(len(taken))
            if refused:
                log.warning("broker_refused_events", events=len(refused))
                eventlet.sleep(1)
        self._turn(refused, look=False)

    def _by_hand(self) -> list[Outgoing]:
        """What was handed over, a batch of it; a lease that has expired, or is of a lost link, is found by looking."""
        rows: list[Outgoing] = []
        while self._handed and len(rows) < BATCH:
            lease, handed = self._handed.popleft()
            self._in_hand -= len(handed)
            if lease.holder == self.outbox.holder and lease.until > real_now():
                rows += handed
        return rows

    def _turn(self, refused: set[int], *, look: bool) -> list[Outgoing]:
        rows = self.outbox.turn(self._confirmed, refused, most=BATCH if look else 0)
        self._confirmed = set()
        self._delay = FIRST_DELAY  # broker and database are there, both
        if look:
            self._behind = len(rows) == BATCH
            self._next_look = 0.0 if self._behind else time.monotonic() + LOOK_SECONDS
        return rows

    def _wait(self, link: Link) -> None:
        with eventlet.Timeout(LOOK_SECONDS, exception=False):
            self._woken.wait()
        self._woken = Signal()
        link.drain(0)

    def stop(self, drain_seconds: float, until: Callable[[], bool] = lambda: True) -> None:
        """Send what is left, for so long at most, then end."""
        with eventlet.Timeout(drain_seconds, exception=False):
            while self.connected and not (until() and self._all_sent()):
                self.wake()
                eventlet.sleep(0.05)
        self._stopping = True
        self.wake()

    def _all_sent(self) -> bool:
        try:
            return self.outbox.unsent()[0] == 0
        except DBAPIError:  # the database is away: a stop does not fail for it, the rows wait for the next start
            return True
