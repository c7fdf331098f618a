"""Databases as they lie: read-only, all tables and columns, SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from services.local.books.where import GATEWAYS, SERVICES, Unreadable, Where

Row = Sequence[Any]


class Cursor(Protocol):
    """What both drivers have."""

    def execute(self, statement: Any, /) -> Any:
        """Run one statement."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows."""
        ...


class Database:
    """One database, open for reading, in one transaction: all lines see the same moment."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.kind = "sqlite" if url.startswith("sqlite") else "postgresql"
        self.file: Path | None = None
        self._connection: Any
        try:
            if self.kind == "sqlite":
                self.file = Path(url.split("///", 1)[1])
                self._connection = sqlite3.connect(f"file:{quote(str(self.file))}?mode=ro", uri=True, timeout=10)
                self._connection.isolation_level = None
                self._connection.execute("BEGIN")
                self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            else:
                self._connection = psycopg2.connect(url.replace("+psycopg2", "", 1))
                self._connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        except (sqlite3.Error, psycopg2.Error) as error:
            raise Unreadable(f"the database of {name} cannot be read ({type(error).__name__})") from error

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def rows(self, statement: str) -> list[Row]:
        """The rows of one query."""
        return self._run(statement)

    def column(self, statement: str) -> list[Any]:
        """The first column of one query."""
        return [row[0] for row in self._run(statement)]

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Every table with its columns."""
        if self.kind == "sqlite":
            names = self.column("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name: tuple(row[1] for row in self._run(f'PRAGMA table_info("{name}")')) for name in names}
        found: dict[str, tuple[str, ...]] = {}
        for table, column in self._run(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " ORDER BY table_name, ordinal_position"
        ):
            found[table] = (*found.get(table, ()), column)
        return found

    def types(self, table: str) -> dict[str, str]:
        """The declared types of a table's columns, in lower case."""
        if self.kind == "sqlite":
            return {row[1]: str(row[2]).lower() for row in self._run(f'PRAGMA table_info("{table}")')}
        return {
            row[0]: row[2]
            for row in self._run(
                "SELECT column_name, table_name, data_type FROM information_schema.columns"
                " WHERE table_schema = 'public'"
            )
            if row[1] == table
        }

    def values(self, *, but: frozenset[str] = frozenset()) -> Iterator[tuple[str, bytes]]:
        """Every value of every table but these as bytes, with its ``table.column``."""
        for table, columns in self.tables().items():
            if table in but:
                continue
            statement: Any = f'SELECT * FROM "{table}"'  # noqa: S608 - the name comes from the database itself
            if self.kind != "sqlite":
                statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            for row in self._run(statement):
                for column, value in zip(columns, row, strict=True):
                    if value is not None:
                        yield f"{table}.{column}", as_bytes(value)

    def _run(self, statement: Any) -> list[Row]:
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        except (sqlite3.Error, psycopg2.Error) as error:
            raise Unreadable(
                f"the database of {self.name} is not as the books know it ({type(error).__name__}: {error})"
            ) from error


class Databases:
    """All databases of a network, each read at one moment. A context manager."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._open: dict[str, Database] = {}

    def __enter__(self) -> Mapping[str, Database]:
        try:
            for name in (*SERVICES, *GATEWAYS):
                self._open[name] = Database(name, self._where.database(name))
        except Unreadable:
            self.__exit__()
            raise
        return self._open

    def __exit__(self, *_error: object) -> None:
        for database in self._open.values():
            database.close()


def as_bytes(value: object) -> bytes:
    """A database's value as the bytes that a reader of it would see."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False).encode()
    return str(value).encode("utf-8", "surrogatepass")


def moment(value: object) -> datetime | None:
    """A time as either database gives it: aware, UTC."""
    if value is None:
        return None
    read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


UNSENT = "SELECT event_id FROM outbox WHERE sent_at IS NULL OR position IN (SELECT position FROM unsent)"
"""The events that have not left."""


def said(database: Database) -> list[dict[str, Any]]:
    """The bodies of all events of an outbox, in order."""
    return [json.loads(bytes(body)) for body in database.column("SELECT body FROM outbox ORDER BY position")]
