"""Running a transaction again where another was in the way, and telling that from a database that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from shared.storage.engine import is_contention, is_held, is_outage

CONTENTION_TRIES = 8
HELD_TRIES = 2
"""An SQLite file that another process holds for two busy time-outs is away: no event is to blame for it."""

T = TypeVar("T")


class StoreAway(Exception):  # noqa: N818
    """The database is away or full: nothing was decided, nothing may be acknowledged; wait and take it again."""


def settled(run: Callable[[], T]) -> T:
    """Run again at once, off the ladder, when another transaction was in the way. Raises StoreAway, or what ``run`` raises."""
    for attempt in range(CONTENTION_TRIES):
        try:
            return run()
        except Exception as error:
            if is_outage(error):
                raise StoreAway(type(error).__name__) from error
            if attempt >= HELD_TRIES - 1 and is_held(error):
                raise StoreAway(type(error).__name__) from error
            if not is_contention(error) or attempt == CONTENTION_TRIES - 1:
                raise
            time.sleep(0.01 * (attempt + 1))
    raise AssertionError("unreachable")
