"""The unit of work: one transaction, and the events that tell of it.

A service's ``store.py`` has a class that extends :class:`Work` with its repositories; its handlers know only
the Protocol that they need of it. :class:`Store` opens such works on one engine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine, Table, insert

from shared.contracts.base import Event, Sealed
from shared.messaging import outbox
from shared.messaging.envelope import Cause
from shared.messaging.outbox import Lease, Outgoing
from shared.runtime.clock import Clock, SystemClock, real_now
from shared.runtime.ids import new_id
from shared.runtime.keys import KeyRing
from shared.runtime.points import reached
from shared.storage.sealing import Vault


class Work:
    """One open transaction. Nothing in it may yield, wait or talk to the network."""

    def __init__(self, connection: Connection, clock: Clock, keys: KeyRing) -> None:
        self.connection = connection
        self.clock = clock
        self.keys = keys
        self.vault = Vault(connection, keys.kek)
        self.cause = Cause.root()
        self.lease: Callable[[int], Lease | None] = lambda _count: None
        self.outgoing: list[tuple[Lease | None, list[Outgoing]]] = []
        self._rows: dict[Table, list[dict[str, object]]] = {}
        self._said: list[tuple[Event, Cause]] = []

    @property
    def now(self) -> datetime:
        """Domain time, aware, UTC."""
        return self.clock.now()

    @property
    def real_now(self) -> datetime:
        """The machine's time: for leases, time-outs, sessions and one-time codes only."""
        return real_now()

    def new_id(self) -> str:
        """A time-ordered id."""
        return new_id()

    def publish(self, event: Event) -> None:
        """Say that something happened. It leaves if, and only if, this transaction commits."""
        self._said.append((event, self.cause))

    def add(self, table: Table, **row: object) -> None:
        """Insert a row when the transaction is flushed, many at once. For rows that nothing reads before the commit."""
        self._rows.setdefault(table, []).append(row)

    def unseal(self, sealed: Sealed) -> str:
        """Open what a gateway sealed to this service. Raises shared.runtime.keys.CannotOpen."""
        return self.keys.unseal(sealed)

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text to another service or gateway."""
        return self.keys.seal_for(name, text)

    @contextmanager
    def savepoint(self, *, deferred: bool = False) -> Iterator[None]:
        """What is done inside is undone, events and all, when it raises; the transaction goes on.

        What came before stays, also where something inside flushed it. ``deferred``: what is done inside waits for the
        flush, so that the database has nothing to undo.
        """
        if not deferred:
            self.write_out()
        said, outgoing, bring_back = list(self._said), list(self.outgoing), self.remember()
        try:
            with nullcontext() if deferred else self.connection.begin_nested():
                yield
                if not deferred:
                    self.write_out()
        except BaseException:
            self._said, self.outgoing = said, outgoing
            bring_back()
            self.vault.lose_cached()
            raise

    def flush(self) -> None:
        """Write the rows added and the events said so far."""
        self.write_out()
        said, self._said = self._said, []
        if said:
            lease = self.lease(len(said))
            self.outgoing.append((lease, outbox.record(self.connection, said, self.clock.now(), lease)))

    def remember(self) -> Callable[[], None]:
        """What brings back all that waits to be written as it is now."""
        rows = {table: list(added) for table, added in self._rows.items()}

        def bring_back() -> None:
            self._rows = rows

        return bring_back

    def write_out(self) -> None:
        """Write what waits to be written."""
        rows, self._rows = self._rows, {}
        for table, added in rows.items():
            self.connection.execute(insert(table), added)


WorkT = TypeVar("WorkT", bound=Work)


@dataclass
class Store(Generic[WorkT]):
    """Opens works on one database.

    ``lease`` says under whose lease so many new events are written, or None for nobody's; ``on_said`` is given them
    once they are committed (the relay need not look for them then).
    """

    engine: Engine
    work: type[WorkT]
    keys: KeyRing
    clock: Clock = field(default_factory=SystemClock)
    lease: Callable[[int], Lease | None] = lambda _count: None
    on_said: Callable[[Lease | None, list[Outgoing]], None] = lambda _lease, _rows: None
    _writer: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def writing(self, cause: Cause | None = None) -> Iterator[WorkT]:
        """A transaction that commits at the end, with its events, or is as if it never was."""
        one_writer = self.engine.dialect.name == "sqlite"
        if one_writer:
            self._writer.acquire()
        try:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                work = self.work(connection, self.clock, self.keys)
                work.lease = self.lease
                if cause is not None:
                    work.cause = cause
                yield work
                work.flush()
        finally:
            if one_writer:
                self._writer.release()
        if work.outgoing:
            reached("between commit and hand-over")
        for lease, rows in work.outgoing:
            self.on_said(lease, rows)

    @contextmanager
    def reading(self) -> Iterator[WorkT]:
        """A transaction to look at one moment of the database; what it publishes is thrown away."""
        with self.engine.connect() as connection:
            yield self.work(connection, self.clock, self.keys)
