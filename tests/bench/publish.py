"""From the outbox to the broker with confirms, beside a bare publisher that pipelines the same events and keeps nothing.

The relay leases rows, publishes, awaits the confirms and marks the rows, in the service's process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import amqp
from kombu import Connection
from sqlalchemy import Engine, func, insert, select

from shared.contracts.meetings import ChapterOpened
from shared.messaging import topology
from shared.messaging.envelope import decode
from shared.storage import core
from tests.bench.events import bodies
from tests.bench.ground import Ground, Row, database_of, process, rate
from tests.support.probe.service import metadata

WINDOW = 1000
"""Events that the bare publisher has on their way, unconfirmed."""


def rows(ground: Ground) -> Iterator[Row]:
    """One line a database."""
    load = bodies(ground.many(20_000, least=2_000))
    limit = bare(ground.broker.new_vhost(), load)
    for kind in ground.kinds:
        sent = _relayed(ground, kind, load)
        yield Row(
            f"{kind}: outbox to broker, confirmed, marked",
            f"{sent:,.0f} events/s",
            f"{limit:,.0f} (bare py-amqp publisher, window {WINDOW})",
            sent / limit,
            "2/3",
        )


def bare(url: str, load: list[bytes]) -> float:
    """Events a second of a publisher that does nothing else. They go where the relay's go: two queues hear them."""
    with Connection(url) as connection:
        topology.declare(connection, (1.0,))
        channel = connection.default_channel
        channel.confirm_select()
        confirmed = 0

        def count(delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's signature
            nonlocal confirmed
            confirmed = max(confirmed, delivery_tag)

        channel.events["basic_ack"].add(count)
        began = time.perf_counter()
        for number, body in enumerate(load):
            message = amqp.Message(body, delivery_mode=2, content_type="application/cloudevents+json")
            channel.basic_publish(message, exchange="events", routing_key=ChapterOpened.type)
            while number - confirmed >= WINDOW:
                connection.drain_events(timeout=10)
        while confirmed < len(load):
            connection.drain_events(timeout=10)
        return len(load) / (time.perf_counter() - began)


def _relayed(ground: Ground, kind: str, load: list[bytes]) -> float:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    metadata.create_all(engine)
    _record(engine, load)
    unsent = select(func.count()).select_from(core.unsent)

    def count() -> int:
        with engine.connect() as connection:
            return len(load) - (connection.scalar(unsent) or 0)

    # meetings' place, so that nobody consumes what is published meanwhile
    env = ground.environment(broker_url=url, database_url=database)
    with process("-m", "tests.bench.relaying", env=env):
        return rate(count, len(load))


def _record(engine: Engine, load: list[bytes]) -> None:
    """As commits of the service would."""
    rows = [
        {
            "event_id": envelope.id,
            "type": envelope.type,
            "subject": envelope.subject,
            "sequence": 1,
            "body": body,
            "recorded_at": datetime.now(UTC),
            "sent_at": datetime.now(UTC),
        }
        for body in load
        for envelope, _ in [decode(body)]
    ]
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(insert(core.outbox), rows)
        connection.execute(insert(core.unsent).from_select(["position"], select(core.outbox.c.position)))
