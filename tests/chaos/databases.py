"""A look into the services' databases from outside, as an operator could take it. Nothing is changed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from services.local.programs import SERVICES
from tests.chaos.network import ChaosNetwork


@dataclass(frozen=True)
class Said:
    """An event as it lies in its sender's outbox."""

    event_id: str
    type: str
    body: bytes


@contextmanager
def look(network: ChaosNetwork, service: str) -> Iterator[Connection]:
    """A connection to one service's database."""
    url = network.network.database(service)
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def said(network: ChaosNetwork, rng: random.Random, most: int) -> list[Said]:
    """So many events, at random, of those that any service has sent."""
    found: list[Said] = []
    for service in SERVICES:
        with look(network, service) as connection:
            rows = connection.execute(
                text(
                    "SELECT event_id, type, body FROM outbox WHERE position NOT IN (SELECT position FROM unsent) "
                    "ORDER BY position DESC LIMIT 500"
                )
            )
            found += [Said(row.event_id, row.type, bytes(row.body)) for row in rows]
    return rng.sample(found, min(most, len(found)))


def parked(network: ChaosNetwork, service: str) -> dict[str, str]:
    """Id and reason of all that lies in a service's parking lot."""
    with look(network, service) as connection:
        return {row.event_id: row.reason for row in connection.execute(text("SELECT event_id, reason FROM parked"))}


def sessions(network: ChaosNetwork) -> int:
    """How many sessions the services and gateways have on PostgreSQL."""
    try:
        with look(network, "registration") as connection:
            mine = text(
                "SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND pid <> pg_backend_pid()"
            )
            return int(connection.scalar(mine) or 0)
    except Exception:  # noqa: BLE001 - away
        return 0


def leave_no_room(network: ChaosNetwork) -> None:
    """Before a disk is filled: have what was written taken over into the database, so that what comes needs new room."""
    for service in SERVICES:
        with look(network, service) as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
