"""A probe on a virtual host and a database of its own, as processes: say events, kill, and balance the books."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import amqp
from kombu import Connection
from sqlalchemy import Engine, Row, create_engine, func, insert, make_url, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from shared.contracts.base import ChapterId, RegionId
from shared.contracts.meetings import ChapterOpened
from shared.messaging import topology
from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.storage import core
from shared.storage.engine import make_engine
from tests.support.database import TestPostgres
from tests.support.probe.service import SECRET, ProbeHeard, effects, metadata
from tests.support.processes import eventually
from tests.support.world import key_folder
from tests.support.zygote import Forked, Zygote

QUEUE = "feedback.events"
LADDER = (0.2, 0.4)
SPY = "spy"


@dataclass(frozen=True)
class Said:
    """One event that a test said: its id, its effect's key and its bytes."""

    event_id: str
    key: str
    body: bytes


def chapter(name: str = "ok") -> Said:
    """A new event; what its name asks of the probe, tests.support.probe.service says."""
    key, event_id = new_id(), new_id()
    event = ChapterOpened(
        chapter_id=ChapterId(key),
        region_id=RegionId("region"),
        name=name,
        slug="slug",
        time_zone="America/New_York",
        languages=("en",),
    )
    return Said(event_id, key, encode(event, event_id=event_id, sequence=1, at=datetime.now(UTC), cause=Cause.root()))


class Site:
    """One virtual host, one database, any number of probe processes."""

    def __init__(self, zygote: Zygote, broker_url: str, database_url: str, folder: Path) -> None:
        self.zygote = zygote
        self.broker_url = broker_url
        self.database_url = self.pattern = database_url
        self.folder = folder
        self.engine: Engine = make_engine(database_url)
        self.children: list[Forked] = []
        metadata.create_all(self.engine)
        with self.broker() as connection:
            topology.declare(connection, LADDER)
            channel = connection.default_channel
            # A classic one's node may die, and RabbitMQ 4 then confirms nothing to it.
            quorum = {"x-queue-type": "quorum"}
            channel.queue_declare(SPY, durable=True, auto_delete=False, arguments=quorum)
            channel.queue_bind(SPY, "live", ProbeHeard.type)

    # -- processes ----------------------------------------------------------------------------

    def environment(self, **more: str) -> dict[str, str]:
        """What the probe is told."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")},
            "CHAPTERHOUSE_BROKER_URL": self.broker_url,
            "CHAPTERHOUSE_DATABASE_URL": self.database_url,
            "CHAPTERHOUSE_DATA": str(self.folder),
            "CHAPTERHOUSE_KEYS": str(key_folder()),
            "CHAPTERHOUSE_LADDER": ",".join(map(str, LADDER)),
            **{f"CHAPTERHOUSE_{name.upper()}": value for name, value in more.items()},
        }

    def start(self, module: str = "tests.support.probe.running", *, wait: bool = True, **settings: str) -> Forked:
        """Start one more process; returns once it consumes."""
        consumers = self.consumers() if wait else 0
        log = self.folder / f"probe-{len(self.children)}.log"
        child = Forked(self.zygote, module, self.environment(**settings), log)
        self.children.append(child)
        if wait:
            eventually(lambda: self.consumers() > consumers or not child.alive(), what="consuming", every=0.05)
            assert child.alive(), child.tail(30)
        return child

    def kill_at(self, point: str) -> Forked:
        """A process that kills itself with SIGKILL at this point."""
        return self.start(wait=False, kill_at=point)

    def logs(self) -> str:
        """What all processes logged."""
        return "".join(child.log.read_text(errors="replace") for child in self.children if child.log.exists())

    def close(self) -> None:
        """Kill what runs."""
        for child in self.children:
            child.kill()
        self.engine.dispose()

    # -- the broker ---------------------------------------------------------------------------

    @contextmanager
    def broker(self) -> Iterator[Connection]:
        """A connection of the test's own."""
        with Connection(self.broker_url, connect_timeout=5) as connection:
            yield connection

    def say(self, *said: Said) -> None:
        """Publish these as a relay does, confirmed."""
        self.put((each.body for each in said), "events", ChapterOpened.type)

    def put(self, bodies: Iterable[bytes], exchange: str, key: str, **headers: Any) -> None:
        """Publish any bytes, confirmed."""
        with self.broker() as connection:
            channel = connection.default_channel
            channel.confirm_select()
            waiting: set[int] = set()

            def confirmed(tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's signature
                waiting.difference_update({t for t in waiting if t <= tag} if multiple else {tag})

            channel.events["basic_ack"].add(confirmed)
            for tag, body in enumerate(bodies, 1):
                waiting.add(tag)
                message = amqp.Message(
                    body, delivery_mode=2, content_type="application/cloudevents+json", application_headers=headers
                )
                channel.basic_publish(message, exchange=exchange, routing_key=key)
            while waiting:
                connection.drain_events(timeout=10)

    def ready(self, queue: str = QUEUE) -> int:
        """Messages of a queue that no consumer holds."""
        with self.broker() as connection:
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)

    def consumers(self, queue: str = QUEUE) -> int:
        """Consumers of a queue; none of one that is not there yet."""
        with self.broker() as connection, suppress(amqp.exceptions.NotFound):
            return int(connection.default_channel.queue_declare(queue, passive=True).consumer_count)
        return 0

    def take(self, queue: str, most: int = 10_000) -> list[amqp.Message]:
        """Take and acknowledge what lies in a queue."""
        taken = []
        with self.broker() as connection:
            channel = connection.default_channel
            while len(taken) < most and (message := channel.basic_get(queue)) is not None:
                channel.basic_ack(message.delivery_info["delivery_tag"])
                taken.append(message)
        return taken

    # -- the database -------------------------------------------------------------------------

    def effects(self) -> Counter[str]:
        """How often each event took effect, by its key."""
        with self.engine.connect() as connection:
            return Counter(connection.scalars(select(effects.c.event_key)).all())

    def inbox(self) -> set[str]:
        """The ids of the events that took effect."""
        with self.engine.connect() as connection:
            return set(connection.scalars(select(core.inbox.c.event_id)))

    def parked(self) -> dict[str, Row[Any]]:
        """What lies in the parking lot, by id."""
        with self.engine.connect() as connection:
            return {row.event_id: row for row in connection.execute(select(core.parked))}

    def outgoing(self) -> list[Row[Any]]:
        """The outbox, in order."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(core.outbox).order_by(core.outbox.c.position)))

    def unsent(self) -> int:
        """Outbox rows that have not left."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(core.unsent)) or 0

    def leases(self) -> set[datetime | None]:
        """Until when those rows are in somebody's hands; None among them where one lies free."""
        with self.engine.connect() as connection:
            return set(connection.scalars(select(core.unsent.c.leased_until)))

    def record(self, *said: Said, kind: str = ChapterOpened.type) -> None:
        """Write outbox rows as a commit of another process would."""
        rows = [
            {
                "event_id": each.event_id,
                "type": kind,
                "subject": each.key,
                "sequence": 1,
                "body": each.body,
                "recorded_at": datetime.now(UTC),
                "sent_at": datetime.now(UTC),
            }
            for each in said
        ]
        with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
            positions = connection.scalars(insert(core.outbox).returning(core.outbox.c.position), rows)
            connection.execute(insert(core.unsent), [{"position": position} for position in positions])

    @contextmanager
    def database_away(self, server: TestPostgres | None) -> Iterator[None]:
        """Nobody gets at the database: PostgreSQL ends its sessions and takes none, an SQLite file is held by another."""
        if server is None:
            with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                yield
            return
        name = make_url(self.database_url).database
        admin = create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        try:
            with admin.connect() as connection:
                connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
                ending = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
                connection.execute(ending, {"name": name})
            yield
        finally:
            with admin.connect() as connection:
                connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
            admin.dispose()

    def expire_leases(self) -> None:
        """As if their time had passed: half a minute is long for a test."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        statement = update(core.unsent).where(core.unsent.c.leased_until.is_not(None)).values(leased_until=past)

        def done() -> bool:
            try:
                with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
                    connection.execute(statement)
            except OperationalError:  # SQLite, and a process that writes without a pause
                return False
            return True

        eventually(done)

    # -- the books ----------------------------------------------------------------------------

    def balances(self, said: Iterable[Said], *, parked: Iterable[Said] = (), within: float = 30.0) -> None:
        """Promise 1, as sets of ids: said = inbox and parked together; each effect once; one outgoing event an effect, sent."""
        ids = {each.event_id for each in said}
        lost = {each.event_id for each in parked}
        keys = {each.key: each.event_id for each in said}

        def balanced() -> bool:
            inbox, lot = self.inbox() & ids, set(self.parked()) & ids
            assert inbox | lot == ids, f"{len(ids - inbox - lot)} of {len(ids)} are neither handled nor parked"
            assert self.unsent() == 0, "the outbox is not empty"
            return True

        eventually(balanced, within=within, what="the books balancing")
        assert set(self.parked()) & ids == lost
        assert self.inbox() & ids == ids - lost
        times = self.effects()
        assert {times[key] for key, event_id in keys.items() if event_id not in lost} <= {1}, "an effect came twice"
        assert not any(times[key] for key, event_id in keys.items() if event_id in lost), "a parked event left a trace"
        told = Counter(row.subject for row in self.outgoing() if row.type == ProbeHeard.type and row.subject in keys)
        assert told == Counter(key for key, event_id in keys.items() if event_id not in lost)
        assert SECRET not in self.logs()

    def heard(self) -> set[str]:
        """Take from the spy's queue; the ids of the outgoing events that the broker passed on."""
        return {str(message.properties["message_id"]) for message in self.take(SPY)}


def stop(child: Forked, *, patience: float = 20.0) -> None:
    """SIGTERM; the process must end by itself, and well."""
    child.ask_to_stop(signal.SIGTERM)
    code = child.wait(patience)
    assert code == 0, f"ended with {code}\n{child.tail(30)}"
