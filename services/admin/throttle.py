"""Growing delays after failed tries, for a user name and for a network address. Nobody is ever locked out for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from services.admin.store import tries

FREE = 4
"""Tries without a delay for one user name from one network; after that 2, 4, 8 … seconds, at most MOST."""
FREE_FOR_USER = 20
"""For one user name from everywhere: more, so that a stranger cannot easily keep its owner waiting."""
FREE_FOR_NETWORK = 50
"""For one network with all its users: an office may share an address."""
MOST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)


def delay(failures: int, free: int = FREE) -> timedelta:
    """How long to wait after so many failures in a row, the first of them free."""
    over = failures - free
    return timedelta(0) if over <= 0 else min(timedelta(seconds=2 ** min(over, 12)), MOST)


def waiting(connection: Connection, whats: Iterable[str], now: datetime) -> int:
    """Seconds to wait before any of these may try; 0 if at once."""
    until = connection.scalars(select(tries.c.wait_until).where(tries.c.what.in_(list(whats)))).all()
    longest = max((each - now for each in until), default=timedelta(0))
    return max(0, int(longest.total_seconds() + 0.999))


def failed(connection: Connection, whats: Mapping[str, int], now: datetime) -> None:
    """Count a failed try of each of these; the number beside it is how many are free."""
    connection.execute(delete(tries).where(tries.c.last_at < now - FORGOTTEN))
    for what, free in sorted(whats.items()):
        before = connection.scalar(select(tries.c.failures).where(tries.c.what == what).with_for_update())
        failures = (before or 0) + 1
        values = {"failures": failures, "last_at": now, "wait_until": now + delay(failures, free)}
        if before is None:
            connection.execute(insert(tries).values(what=what, **values))
        else:
            connection.execute(update(tries).where(tries.c.what == what).values(**values))


def succeeded(connection: Connection, whats: Iterable[str]) -> None:
    """Forget the failures of these."""
    connection.execute(delete(tries).where(tries.c.what.in_(list(whats))))
