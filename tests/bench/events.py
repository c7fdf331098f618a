"""Events a second with inbox, effect row and outgoing event, beside a bare py-amqp consumer that does nothing.

    python -m tests.bench.events [--events 10000] [--rounds 3] [--databases sqlite,postgresql]

One run measures all, in turn, round after round, on a private broker; the medians are printed as a table. The bare
consumer takes the same events from a queue of the same kind, with prefetch 1000 and one ack for many. Between the
two stands the database alone: the same rows by the same statements, with no broker, no decoding and no relay.
The service runs as one process and as two; its rates are those of the second half, when all processes are at work.
Beside each rate stands the processor time of that process for an event, which others on the machine disturb less.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import amqp
import click
import psutil
from kombu import Connection
from sqlalchemy import func, insert, select

from shared.contracts.base import ChapterId, RegionId
from shared.contracts.meetings import ChapterOpened
from shared.messaging import inbox, outbox, topology
from shared.messaging.envelope import Cause, encode
from shared.runtime.ids import new_id
from shared.runtime.keys import load_keys, make_keys
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.work import Store, Work
from tests.support.broker import TestBroker, get_test_broker
from tests.support.database import TestPostgres, get_test_postgres
from tests.support.probe.service import ProbeHeard, effects, metadata

QUEUE = "feedback.events"
BATCH = 100
"""As in shared.runtime.settings."""


class Figure(NamedTuple):
    """Events a second, and the seconds of processor time that one costs."""

    rate: float
    processor: float


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


def bare(url: str, count: int) -> Figure:
    """A consumer that does nothing."""
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

        before = time.process_time()
        channel.basic_consume(QUEUE, callback=take)
        while seen < count:
            connection.drain_events(timeout=10)
        rate = (count - 1) / (time.perf_counter() - started)
        return Figure(rate, (time.process_time() - before) / count)


def database_alone(database_url: str, events: list[bytes], folder: Path) -> Figure:
    """Inbox row, effect row and outgoing event of each, committed a hundred at a time."""
    make_keys(folder / "keys")
    store = Store(make_engine(database_url), Work, load_keys(folder / "keys", "feedback"))
    metadata.create_all(store.engine)
    cause = Cause.root()
    told = [(ProbeHeard(chapter_id=new_id()), cause) for _ in events]
    started, before = time.perf_counter(), time.process_time()
    for at in range(0, len(told), BATCH):
        batch = told[at : at + BATCH]
        with store.writing() as work:
            inbox.enter(work.connection, [event.chapter_id for event, _ in batch], work.now)
            rows = [{"event_key": event.chapter_id, "subject": event.chapter_id} for event, _ in batch]
            work.connection.execute(insert(effects), rows)
            outbox.record(work.connection, batch, work.now)
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    store.engine.dispose()
    return Figure(len(told) / seconds, processor / len(told))


def probe(url: str, database_url: str, folder: Path, count: int, processes: int) -> tuple[Figure, Figure]:
    """The probe service: events handled, and handled with their outgoing events confirmed by the broker."""
    engine = make_engine(database_url)
    metadata.create_all(engine)
    make_keys(folder / "keys")
    environment = os.environ | {
        "CHAPTERHOUSE_BROKER_URL": url,
        "CHAPTERHOUSE_DATABASE_URL": database_url,
        "CHAPTERHOUSE_KEYS": str(folder / "keys"),
        "CHAPTERHOUSE_LADDER": "1",
        "CHAPTERHOUSE_LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "tests.support.probe"]
    running = [psutil.Popen(command, env=environment) for _ in range(processes)]
    before: tuple[float, int] | None = None
    left: list[tuple[float, int]] = []
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with engine.connect() as connection:
                unsent = connection.scalar(select(func.count()).select_from(core.unsent)) or 0
                said = connection.scalar(select(func.max(core.outbox.c.position))) or 0
                left.append((time.monotonic(), said - unsent))
                handled = connection.scalar(select(func.count()).select_from(core.inbox)) or 0 if said else 0
            if handled and before is None:
                before = spent(running), handled
            if handled == count and not unsent:
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"only {handled} of {count} events were handled, {unsent} unsent")
        assert before is not None
        processor = (spent(running) - before[0]) / max(1, count - before[1])
        with engine.connect() as connection:
            return (
                Figure(second_half(connection.scalars(select(core.inbox.c.handled_at)).all()), processor),
                Figure(from_the_middle(left), processor),
            )
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
        engine.dispose()


def spent(running: Sequence[psutil.Popen]) -> float:
    """Seconds of processor time of these processes so far."""
    return sum(sum(process.cpu_times()[:2]) for process in running)


def second_half(moments: Sequence[datetime]) -> float:
    """How many a second there were, from the middle one to the last."""
    ordered = sorted(moments)
    middle, last = ordered[len(ordered) // 2], ordered[-1]
    return sum(moment > middle for moment in ordered) / (last - middle).total_seconds()


def from_the_middle(seen: Sequence[tuple[float, int]]) -> float:
    """The same of a count that was looked at now and then: (seconds, how many)."""
    ended, whole = next(each for each in seen if each[1] == seen[-1][1])
    middle = next(each for each in seen if each[1] >= whole / 2)
    return (whole - middle[1]) / (ended - middle[0])


def measure(
    kind: str, broker: TestBroker, postgres: TestPostgres | None, load: list[bytes], figures: dict[str, list[Figure]]
) -> None:
    """One round on one kind of database: alone, then the service on it."""

    def fresh(folder: str, name: str) -> str:
        return postgres.new_database() if postgres and kind == "postgresql" else f"sqlite:///{folder}/{name}.db"

    def note(what: str, figure: Figure) -> None:
        figures.setdefault(f"{kind}: {what}", []).append(figure)

    with tempfile.TemporaryDirectory() as folder:
        note("the database alone, the same rows", database_alone(fresh(folder, "alone"), load, Path(folder)))
    for processes, name in ((1, "one process"), (2, "two processes")):
        url = broker.new_vhost()
        fill(url, load)
        with tempfile.TemporaryDirectory() as folder:
            handled, relayed = probe(url, fresh(folder, "probe"), Path(folder), len(load), processes)
        note(f"{name}: inbox, effect, outgoing event, ack", handled)
        note(f"{name}: the same, outgoing event confirmed", relayed)


@click.command()
@click.option("--events", default=10_000)
@click.option("--rounds", default=3)
@click.option("--databases", default="sqlite,postgresql")
def main(events: int, rounds: int, databases: str) -> None:
    """Measure and print the table."""
    broker: TestBroker = get_test_broker()
    postgres = get_test_postgres(durable=True) if "postgresql" in databases else None
    load = bodies(events)
    figures: dict[str, list[Figure]] = {}
    try:
        for round_number in range(rounds):
            url = broker.new_vhost()
            fill(url, load)
            limit = bare(url, events)
            figures.setdefault("bare py-amqp consumer, does nothing", []).append(limit)
            for kind in databases.split(","):
                measure(kind, broker, postgres, load, figures)
            click.echo(f"round {round_number + 1} of {rounds} done", err=True)
    finally:
        broker.stop()
        if postgres:
            postgres.stop()
    click.echo(
        f"\n{events} events of {len(load[0])} bytes, medians of {rounds} rounds, Python {platform.python_version()}\n"
    )
    click.echo("| what | events/s | ratio | µs of processor an event | ratio |\n|---|---|---|---|---|")
    limit = median(figures["bare py-amqp consumer, does nothing"])
    for name, measured in figures.items():
        rate, processor = median(measured)
        ratios = f"{rate / limit.rate:.2f}", f"{limit.processor / processor:.2f}"
        click.echo(f"| {name} | {rate:,.0f} | {ratios[0]} | {processor * 1e6:.0f} | {ratios[1]} |")


def median(measured: Sequence[Figure]) -> Figure:
    """Of each of the two."""
    return Figure(*(statistics.median(values) for values in zip(*measured, strict=True)))


if __name__ == "__main__":
    main()
