"""A gateway's own database: accounts or sessions, never a fact that a service owns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Transactions on one engine. SQLite has one writer at a time in the process; PostgreSQL locks by itself."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.RLock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at the end of the block, or is undone when the block raises."""
        if self.engine.dialect.name != "sqlite":
            with self.engine.begin() as connection:
                yield connection
            return
        with (
            self._lock,
            self.engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield connection


async def in_thread(act: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run what touches the database (or hashes a password) in a thread: the event loop never waits for a disk."""
    return await run_in_threadpool(act, *args, **named)
