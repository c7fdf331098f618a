"""Growing delays after failed tries, for a user name and for a network address. Nobody is ever locked out for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from services.admin.store import tries

FREE = 4
"""Tries without a delay; after that 2, 4, 8 … seconds, at most MOST."""
MOST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)


def delay(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    over = failures - FREE
    return timedelta(0) if over <= 0 else min(timedelta(seconds=2 ** min(over, 12)), MOST)


def waiting(connection: Connection, whats: list[str], now: datetime) -> int:
    """Seconds to wait before any of these may try; 0 if at once."""
    until = connection.scalars(select(tries.c.wait_until).where(tries.c.what.in_(whats))).all()
    longest = max((each - now for each in until), default=timedelta(0))
    return max(0, int(longest.total_seconds() + 0.999))


def failed(connection: Connection, whats: list[str], now: datetime) -> None:
    """Count a failed try."""
    connection.execute(delete(tries).where(tries.c.last_at < now - FORGOTTEN))
    for what in sorted(set(whats)):
        before = connection.scalar(select(tries.c.failures).where(tries.c.what == what).with_for_update())
        failures = (before or 0) + 1
        values = {"failures": failures, "last_at": now, "wait_until": now + delay(failures)}
        if before is None:
            connection.execute(insert(tries).values(what=what, **values))
        else:
            connection.execute(update(tries).where(tries.c.what == what).values(**values))


def succeeded(connection: Connection, what: str) -> None:
    """Forget the failures of this user name; those of an address fade by themselves."""
    connection.execute(delete(tries).where(tries.c.what == what))
