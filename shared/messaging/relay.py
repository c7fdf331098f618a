"""The relay: takes what the outbox holds to the broker, and marks it once the broker has confirmed.

Leases rows in a short transaction, publishes them outside it with pipelined confirms, marks them after. A relay
that dies leaves a lease that expires and is taken over; an event may then go out twice, which every inbox knows.
Runs in the service's process. A commit of this process wakes it; it looks for others' rows every second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as Signal
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from shared.messaging.link import Confirms, Link, LinkLost, event_message
from shared.messaging.topology import events as events_exchange
from shared.runtime import metrics
from shared.runtime.clock import real_now
from shared.runtime.ids import random_id
from shared.runtime.points import reached
from shared.storage.core import outbox
from shared.storage.work import Store

log = structlog.get_logger()

LEASE = timedelta(seconds=30)
BATCH = 500
CONFIRM_SECONDS = 20.0


@dataclass(frozen=True)
class Leased:
    """One outbox row on its way."""

    position: int
    event_id: str
    type: str
    body: bytes


class Outbox:
    """The relay's view of one service's outbox."""

    def __init__(self, store: Store[Any]) -> None:
        self._store = store
        self._relay = random_id()

    def turn(self, taken: set[int], refused: set[int], *, most: int = BATCH) -> list[Leased]:
        """Mark what was confirmed, give back what was refused, lease the oldest free rows: one transaction, one sync.

        A lease of our own that is neither confirmed nor refused is left from a lost link: it is taken up at once.
        """
        now = real_now()
        ours = outbox.c.leased_by == self._relay
        free = (
            select(outbox.c.position)
            .where(outbox.c.sent_at.is_(None), outbox.c.leased_until.is_(None) | (outbox.c.leased_until < now) | ours)
            .order_by(outbox.c.position)
            .limit(most)
            .with_for_update(skip_locked=True)  # SQLite has one writer, and leaves this out
        )
        lease = (
            update(outbox)
            .where(outbox.c.position.in_(free.scalar_subquery()))
            .values(leased_by=self._relay, leased_until=now + LEASE)
            .returning(outbox.c.position, outbox.c.event_id, outbox.c.type, outbox.c.body)
        )
        with self._store.writing() as work:
            if taken and not refused:  # all that we hold between the two: no list of hundreds to compile
                confirmed = outbox.c.position.between(min(taken), max(taken)) & ours & outbox.c.sent_at.is_(None)
                work.connection.execute(update(outbox).where(confirmed).values(sent_at=now))
            elif taken:
                work.connection.execute(update(outbox).where(outbox.c.position.in_(taken)).values(sent_at=now))
            if refused:
                given_back = update(outbox).where(outbox.c.position.in_(refused))
                work.connection.execute(given_back.values(leased_until=None, leased_by=None))
            rows = [Leased(*row) for row in work.connection.execute(lease)] if most else []
        return sorted(rows, key=lambda row: row.position)

    def unsent(self) -> tuple[int, float]:
        """How many rows are unsent, and the age of the oldest in seconds of domain time."""
        with self._store.reading() as work:
            statement = select(func.count(), func.min(outbox.c.recorded_at)).where(outbox.c.sent_at.is_(None))
            count, oldest = work.connection.execute(statement).one()
            return count, max(0.0, (work.now - oldest).total_seconds()) if oldest else 0.0


class Relay:
    """Keeps a link of its own and runs until it is stopped."""

    def __init__(self, url: str, store: Store[Any], service: str) -> None:
        self._url = url
        self._service = service
        self.outbox = Outbox(store)
        self._woken = Signal()
        self._stopping = False
        self.connected = False

    def wake(self) -> None:
        """There is something to send."""
        if not self._woken.ready():
            self._woken.send()

    def run(self) -> None:
        """Send until stopped; a lost link or a database away is waited for."""
        delay = 0.2
        while not self._stopping:
            link = None
            try:
                link = Link(self._url, name=f"{self._service} relay")
                confirms = Confirms(link)
                self.connected, delay = True, 0.2
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
                eventlet.sleep(delay)
                delay = min(delay * 2, 5.0)

    def _send(self, link: Link, confirms: Confirms) -> None:
        """Send batch after batch until stopped; what was confirmed is marked with the next lease."""
        taken: set[int] = set()
        refused: set[int] = set()
        while not self._stopping:
            rows = self.outbox.turn(taken, refused)
            with link.corked():
                for row in rows:
                    message = event_message(row.body, row.event_id, row.type)
                    confirms.publish(row.position, message, events_exchange.name, row.type)
            taken, refused = confirms.settle(CONFIRM_SECONDS)
            if not rows:
                self._wait(link)
                continue
            reached("between publish and mark")
            metrics.relayed.labels(self._service).inc(len(taken))
            if refused:
                log.warning("broker_refused_events", events=len(refused))
                eventlet.sleep(1)
        self.outbox.turn(taken, refused, most=0)

    def _wait(self, link: Link) -> None:
        with eventlet.Timeout(1.0, exception=False):
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
