"""SQLAlchemy engines for the two databases we run on.

SQLite: WAL with full sync, BEGIN IMMEDIATE for writing, a short busy timeout; one writer lock in the
process (:class:`shared.storage.work.Store`) and nothing that yields inside a write transaction.
PostgreSQL: read committed; rows are locked in id order by whoever needs more than one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 2000
PATIENCE: dict[str, object] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
}
"""How long we wait for PostgreSQL, and it for us (libpq's words; an URL that names one of them has its way). A network
that goes dark would else be noticed after a quarter of an hour, and a process of ours that stands still in the middle of a
transaction would keep its locks for ever."""


class Moment(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, timestamptz on PostgreSQL, naive UTC on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: it would mean something else on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored; make it aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str) -> Engine:
    """An engine for this URL; a PostgreSQL URL must name its driver (``postgresql+psycopg2``)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, in_memory=parsed.database in (None, "", ":memory:"))
    if parsed.drivername == "postgresql":
        raise ValueError("name the driver: postgresql+psycopg2://… (plain postgresql:// means another one)")
    chosen = {name: value for name, value in PATIENCE.items() if name not in parsed.query}
    return create_engine(
        url, pool_size=10, max_overflow=10, pool_pre_ping=True, hide_parameters=True, connect_args=chosen
    )


def _sqlite(url: str, *, in_memory: bool) -> Engine:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000}}
    if in_memory:
        options["poolclass"] = StaticPool
    engine = create_engine(url, hide_parameters=True, **options)  # an error's text is printed here and there

    @event.listens_for(engine, "connect")
    def _prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver's own BEGIN comes too late (SQLAlchemy docs, "Serializable isolation")
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def is_contention(error: BaseException) -> bool:
    """Whether another transaction was in the way, so that the same work may be tried again at once."""
    if not isinstance(error, DBAPIError):
        return False
    if getattr(error.orig, "pgcode", None) in {"40P01", "40001", "55P03"}:  # deadlock, serialisation, lock
        return True
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)


def is_unique_violation(error: BaseException) -> bool:
    """Whether a row with this key was there already: perhaps another process wrote it in the meantime."""
    return isinstance(error, IntegrityError) and (
        getattr(error.orig, "pgcode", None) == "23505" or "UNIQUE constraint" in str(error.orig)
    )


def is_held(error: BaseException) -> bool:
    """Whether another process holds an SQLite file, so that every other transaction would fail the same way."""
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def is_outage(error: BaseException) -> bool:
    """Whether the database itself is away or full, so that trying the next event would fail the same way."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "pgcode", None)
    if code is not None:  # resources, operator intervention, system, connection
        cancelled = "57014"  # a statement, by its time-out perhaps: it may be this event's own fault
        return code != cancelled and str(code)[:2] in {"53", "57", "58", "08"}
    if error.statement is None and isinstance(error, OperationalError) and not is_held(error):
        return True  # not even connected; how that is worded depends on the driver, on eventlet and on the server
    text = str(error.orig).lower()
    words = (
        "disk is full",
        "unable to open",
        "disk i/o error",
        "readonly database",
        "could not connect",
        "could not translate host name",
        "connection refused",
        "server closed",
        "starting up",
        "connection to server",
    )
    return any(word in text for word in words)


def upsert(connection: Connection, table: Any) -> Any:
    """``INSERT … ON CONFLICT`` in this connection's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
