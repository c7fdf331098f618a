"""Events a second with inbox, effect row and outgoing event, beside a bare py-amqp consumer that does nothing.

    python -m tests.bench.events [--events 10000] [--rounds 3] [--databases sqlite,postgresql]

One run measures all, in turn, round after round, on a private broker; the medians are printed as a table. The bare
consumer takes the same events from a queue of the same kind, with prefetch 1000 and one ack for many.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import amqp
import click
from kombu import Connection
from sqlalchemy import func, select

from shared.contracts.base import ChapterId, RegionId
from shared.contracts.meetings import ChapterOpened
from shared.messaging import topology
from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.runtime.keys import make_keys
from shared.storage import core
from shared.storage.engine import make_engine
from tests.support.broker import TestBroker, get_test_broker
from tests.support.database import get_test_postgres
from tests.support.probe.service import metadata

QUEUE = "feedback.events"


def bodies(count: int) -> list[bytes]:
    """So many events of about one KiB, each of its own subject."""
    padding = "x" * 120
    made = []
    for number in range(count):
        event = ChapterOpened(
            chapter_id=ChapterId(new_id()),
            region_id=RegionId(new_id()),
            name=f"ok {number} {padding}",
            slug=padding,
            time_zone="America/New_York",
            languages=(padding, padding),
        )
        made.append(encode(event, event_id=new_id(), sequence=1, at=datetime.now(UTC), cause=Cause.root()))
    return made


def fill(url: str, events: list[bytes]) -> None:
    """Put the events into the queue, confirmed."""
    with Connection(url) as connection:
        topology.declare(connection, (1.0,))
        channel = connection.default_channel
        channel.confirm_select()
        confirmed = 0

        def count(delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001
            nonlocal confirmed
            confirmed = max(confirmed, delivery_tag)

        channel.events["basic_ack"].add(count)
        for body in events:
            message = amqp.Message(body, delivery_mode=2, content_type="application/cloudevents+json")
            channel.basic_publish(message, exchange="", routing_key=QUEUE)
        while confirmed < len(events):
            connection.drain_events(timeout=10)


def bare(url: str, count: int) -> float:
    """Events a second of a consumer that does nothing."""
    with Connection(url) as connection:
        channel = connection.default_channel
        channel.auto_decode = False
        channel.basic_qos(0, 1000, False)
        seen = 0
        started = 0.0

        def take(message: amqp.Message) -> None:
            nonlocal seen, started
            seen += 1
            if seen == 1:
                started = time.perf_counter()
            if seen % 500 == 0 or seen == count:
                channel.basic_ack(message.delivery_info["delivery_tag"], multiple=True)

        channel.basic_consume(QUEUE, callback=take)
        while seen < count:
            connection.drain_events(timeout=10)
        return (count - 1) / (time.perf_counter() - started)


def probe(url: str, database_url: str, folder: Path, count: int) -> tuple[float, float]:
    """Events a second of the probe service: handled, and handled with their outgoing events confirmed by the broker."""
    engine = make_engine(database_url)
    metadata.create_all(engine)
    make_keys(folder / "keys")
    environment = os.environ | {
        "CHAPTERHOUSE_BROKER_URL": url,
        "CHAPTERHOUSE_DATABASE_URL": database_url,
        "CHAPTERHOUSE_KEYS": str(folder / "keys"),
        "CHAPTERHOUSE_LADDER": "1",
        "CHAPTERHOUSE_LOG_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    process = subprocess.Popen([sys.executable, "-m", "tests.support.probe"], env=environment)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with engine.connect() as connection:
                unsent = connection.scalar(select(func.count()).where(core.outbox.c.sent_at.is_(None))) or 0
                handled = connection.scalar(select(func.count()).select_from(core.inbox)) or 0
            if handled == count and not unsent:
                break
            time.sleep(0.25)
        else:
            raise RuntimeError(f"only {handled} of {count} events were handled, {unsent} unsent")
        with engine.connect() as connection:
            at = core.inbox.c.handled_at
            first, last = connection.execute(select(func.min(at), func.max(at))).one()
            in_first = connection.scalar(select(func.count()).where(at == first)) or 0
            sent = connection.scalar(select(func.max(core.outbox.c.sent_at)))
        done = count - in_first
        return done / (last - first).total_seconds(), done / (sent - first).total_seconds()
    finally:
        process.terminate()
        process.wait(30)
        engine.dispose()


@click.command()
@click.option("--events", default=10_000)
@click.option("--rounds", default=3)
@click.option("--databases", default="sqlite,postgresql")
def main(events: int, rounds: int, databases: str) -> None:
    """Measure and print the table."""
    broker: TestBroker = get_test_broker()
    postgres = get_test_postgres(durable=True) if "postgresql" in databases else None
    load = bodies(events)
    figures: dict[str, list[float]] = {}
    try:
        for round_number in range(rounds):
            url = broker.new_vhost()
            fill(url, load)
            limit = bare(url, events)
            figures.setdefault("bare py-amqp consumer, does nothing", []).append(limit)
            for kind in databases.split(","):
                url = broker.new_vhost()
                fill(url, load)
                with tempfile.TemporaryDirectory() as folder:
                    database = (
                        f"sqlite:///{folder}/probe.db"
                        if postgres is None or kind == "sqlite"
                        else postgres.new_database()
                    )
                    handled, relayed = probe(url, database, Path(folder), events)
                figures.setdefault(f"{kind}: inbox, effect, outgoing event, ack", []).append(handled)
                figures.setdefault(f"{kind}: the same, outgoing event confirmed", []).append(relayed)
            click.echo(f"round {round_number + 1} of {rounds} done", err=True)
    finally:
        broker.stop()
        if postgres:
            postgres.stop()
    limit = statistics.median(figures["bare py-amqp consumer, does nothing"])
    click.echo(
        f"\n{events} events of {len(load[0])} bytes, medians of {rounds} rounds, Python {platform.python_version()}\n"
    )
    click.echo("| what | events/s | ratio to the bare consumer |\n|---|---|---|")
    for name, rates in figures.items():
        rate = statistics.median(rates)
        click.echo(f"| {name} | {rate:,.0f} | {rate / limit:.2f} |")


if __name__ == "__main__":
    main()
