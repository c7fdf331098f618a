"""``chapterhouse status``: queues, outboxes, parked events, on one screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import click
from aio_pika.exceptions import AMQPError
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from services.operator.talking import SERVICES, console, engine_of
from shared.gateway.client import connect
from shared.messaging import parking
from shared.messaging.relay import UNSENT
from shared.runtime.clock import clock_for
from shared.runtime.settings import Settings


@dataclass(frozen=True)
class Books:
    """One service's database, in figures."""

    unsent: int
    oldest_seconds: float
    parked: int


def books_of(service: str) -> Books:
    """Outbox and parking lot of a service. Raises SQLAlchemyError when its database is away."""
    with engine_of(service).connect() as connection:
        unsent, oldest = connection.execute(UNSENT).one()
        now = clock_for(Settings().clock_file).now()
        return Books(unsent, (now - oldest).total_seconds() if oldest else 0.0, parking.waiting(connection))


async def queue_lengths(names: list[str]) -> dict[str, int | None]:
    """Ready messages per queue; None where the queue is not there. Raises AMQPError or OSError without a broker."""
    lengths: dict[str, int | None] = {}
    async with await connect(Settings().broker_url, "operator") as connection:
        for name in names:
            channel = await connection.channel()
            try:
                queue = await channel.declare_queue(name, passive=True)
                lengths[name] = queue.declaration_result.message_count
                await channel.close()
            except AMQPError:
                lengths[name] = None
    return lengths


@click.command()
def status() -> None:
    """How the network is: what waits in queues and outboxes, how old the oldest is, what is parked."""
    kinds = ("events", "requests", "dead")
    names = [f"{service}.{kind}" for service in SERVICES for kind in kinds]
    try:
        lengths = asyncio.run(queue_lengths([*names, "unrouted"]))
    except (AMQPError, OSError, TimeoutError) as error:
        raise click.ClickException("the broker cannot be reached; is the network running?") from error
    table = Table()
    table.add_column("service", no_wrap=True)  # whole in the narrowest window: it is what one types next
    for figure in ("events waiting", "requests waiting", "dead", "outbox unsent", "oldest unsent", "parked"):
        table.add_column(figure)
    for service in SERVICES:
        waiting = [_figure(lengths[f"{service}.{kind}"]) for kind in kinds]
        try:
            books = books_of(service)
            table.add_row(service, *waiting, str(books.unsent), f"{books.oldest_seconds:.0f} s", str(books.parked))
        except SQLAlchemyError:
            table.add_row(service, *waiting, "database away", "", "")
    console.print(table)
    if lengths["unrouted"]:
        console.print(f"{lengths['unrouted']} events are unrouted: a process is newer than the topology. Restart all.")


def _figure(length: int | None) -> str:
    return "no queue" if length is None else str(length)
