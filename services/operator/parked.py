"""``chapterhouse parked``: list, show, replay and discard the events that could not be handled."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aio_pika
import click
from aio_pika.exceptions import AMQPError
from sqlalchemy import Connection

from services.operator.talking import SERVICES, console, engine_of
from shared.gateway.client import connect
from shared.messaging import parking
from shared.runtime.clock import real_now
from shared.runtime.settings import Settings

_service = click.argument("service", type=click.Choice(SERVICES))
_event = click.argument("event_id")


@click.group()
def parked() -> None:
    """Events that a service could not handle: nothing is lost, a person decides."""


@parked.command(name="list")
@click.option("--all", "settled", is_flag=True, help="Also those that were replayed or discarded.")
def list_(settled: bool) -> None:  # noqa: FBT001 - click hands it in
    """List what is parked, of all services."""
    found = False
    for service in SERVICES:
        with engine_of(service).connect() as connection:
            for row in parking.listed(connection, settled=settled):
                found = True
                _say(f"{service} {row.event_id} {row.type or 'of no known type'}")
                since = f"{row.parked_at:%Y-%m-%d %H:%M} UTC"
                where = f" in {row.handler}" if row.handler else ""
                _say(f"    {row.reason}{where}, {row.attempts} tries, parked {since}, {row.settled or 'waiting'}")
    if found:
        _say("Show one with `chapterhouse parked show SERVICE EVENT`; then replay or discard it.")
    else:
        _say("Nothing is parked. Every event was handled.")


@parked.command()
@_service
@_event
def show(service: str, event_id: str) -> None:
    """Show one parked event with its envelope. Events hold ids, never a person's data."""
    with engine_of(service).connect() as connection:
        row = _find(connection, service, event_id)
    _say(f"{row.type or 'unreadable'}: {row.reason}, handler {row.handler or 'none'}, {row.attempts} tries")
    try:
        console.print_json(json.dumps(json.loads(row.body)))
    except ValueError:
        console.print(f"The body is not JSON: {len(row.body)} bytes. It can only be discarded.")


@parked.command()
@_service
@_event
def replay(service: str, event_id: str) -> None:
    """Give a parked event to its service again. Handled once already, it has no second effect (the inbox knows it)."""
    with engine_of(service).connect().execution_options(writing=True) as connection, connection.begin():
        row = _waiting(connection, service, event_id)
        parking.settle(connection, event_id, "replayed", real_now())
        # Before the commit: should it fail again at once, its return to the parking lot waits for this row.
        try:
            asyncio.run(_publish(f"{service}.events", row))
        except (AMQPError, OSError) as error:
            raise click.ClickException(
                "the broker cannot be reached; nothing was done. Is the network running?"
            ) from error
    console.print(f"{event_id} is on its way to {service}. If it fails again it will be listed again.")


@parked.command()
@_service
@_event
def discard(service: str, event_id: str) -> None:
    """Give up on a parked event. It stays in the table as discarded."""
    with engine_of(service).connect().execution_options(writing=True) as connection, connection.begin():
        _waiting(connection, service, event_id)
        parking.settle(connection, event_id, "discarded", real_now())
    console.print(f"{event_id} is discarded.")


def _say(line: str) -> None:
    """One line, whole in the narrowest window: an id is there to be copied. What an outsider wrote is no markup."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)


def _find(connection: Connection, service: str, event_id: str) -> Any:
    row = parking.find(connection, event_id)
    if row is None:
        raise click.ClickException(f"{service} has parked no event {event_id}; `chapterhouse parked list` shows them")
    return row


def _waiting(connection: Connection, service: str, event_id: str) -> Any:
    row = _find(connection, service, event_id)
    if row.settled:
        raise click.ClickException(f"{event_id} was {row.settled} before; nothing was done")
    return row


async def _publish(queue: str, row: Any) -> None:
    async with await connect(Settings().broker_url, "operator") as connection:
        channel = await connection.channel()
        message = aio_pika.Message(
            row.body,
            content_type="application/cloudevents+json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=row.event_id,
            type=row.type,
        )
        await channel.default_exchange.publish(message, queue, mandatory=True)
