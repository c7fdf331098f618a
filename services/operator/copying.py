"""``chapterhouse copy-database``: from one kind of database to the other, SQLite to PostgreSQL as a network grows.

Each service's database is copied in one transaction: all rows, read again and compared, or none. Rows are written in
the order of their keys, never of their making: a feedback code or slip lies where its random key puts it, and all
rows of a table bear one transaction (docs/feedback-privacy.md).
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn
from sqlalchemy import Connection, Engine, Integer, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from services.operator.talking import SERVICES, console
from shared.storage.engine import make_engine

ALL = (*SERVICES, "admin", "portal")
SLICE = 1000


class CannotCopy(Exception):  # noqa: N818 - told to the operator as a sentence
    """Nothing was written to this service's database; the message says why."""


@dataclass(frozen=True)
class Content:
    """What a table holds: how many rows, and the sum of their hashes, in whatever order they come."""

    rows: int = 0
    digest: int = 0

    def and_row(self, row: Iterable[Any]) -> Content:
        """With one row more."""
        plain = "\x1f".join(_plain(value) for value in row)
        added = int.from_bytes(hashlib.sha256(plain.encode()).digest())
        return Content(self.rows + 1, (self.digest + added) % 2**256)


@click.command("copy-database")
@click.option("--from", "source", required=True, help="Where from, with {service}: sqlite:///var/data/{service}.db")
@click.option("--to", "target", required=True, help="Where to, with {service}: postgresql+psycopg2://…_{service}")
@click.argument("services", nargs=-1, type=click.Choice(ALL))
def copy_database(source: str, target: str, services: tuple[str, ...]) -> None:
    """Copy every row of all six databases (or of those named) into others, empty ones, and compare what came.

    Stop all processes first, and bring both sides to this version: `chapterhouse migrate` on each.
    """
    for pattern in (source, target):
        if "{service}" not in pattern:
            raise click.BadParameter(f"{pattern.partition(':')[0]}:… has no {{service}} in it: one database each")
    for service in services or ALL:
        try:
            rows = copy(
                service, make_engine(source.format(service=service)), make_engine(target.format(service=service))
            )
        except CannotCopy as problem:
            raise click.ClickException(f"{service}: {problem}") from problem
        except SQLAlchemyError as error:
            raise click.ClickException(
                f"{service}: a database cannot be reached, or refused ({type(error).__name__}); nothing was written"
            ) from error
        click.echo(f"{service}: {rows} rows copied and compared")


def copy(service: str, source: Engine, target: Engine) -> int:
    """Copy one service's database; how many rows. Raises CannotCopy, SQLAlchemyError: then nothing was written."""
    tables = _tables(service)
    columns = (TextColumn("{task.description}"), BarColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    try:
        # the source is locked as for a writer: a process that was not stopped shall fail, not be forgotten
        with (
            source.connect().execution_options(writing=True) as reading,
            reading.begin(),
            target.connect().execution_options(writing=True) as writing,
            writing.begin(),
            bar,
        ):
            _check(tables, reading, writing)
            task = bar.add_task(service, total=len(tables))
            total = 0
            for table in tables:
                total += _copy_table(table, reading, writing)
                bar.advance(task)
            return total
    finally:
        source.dispose()
        target.dispose()


def _tables(service: str) -> list[Table]:
    """In an order in which each row finds those it refers to."""
    metadata: MetaData = importlib.import_module(f"services.{service}.store").metadata
    return metadata.sorted_tables


def _check(tables: list[Table], reading: Connection, writing: Connection) -> None:
    versions = []
    for side, connection in (("source", reading), ("target", writing)):
        if not connection.dialect.has_table(connection, "alembic_version"):
            raise CannotCopy(f"the {side} has no tables of ours; is its address right? Else `chapterhouse migrate` it")
        versions.append(connection.scalar(text("SELECT version_num FROM alembic_version")))
    if versions[0] != versions[1]:
        raise CannotCopy(f"source is at version {versions[0]}, target at {versions[1]}: `chapterhouse migrate` both")
    for table in tables:
        if writing.scalar(select(func.count()).select_from(table)):
            raise CannotCopy(f"the target has rows in {table.name}; it must be empty")


def _copy_table(table: Table, reading: Connection, writing: Connection) -> int:
    said = Content()
    for rows in _slices(table, reading):
        writing.execute(insert(table), [dict(row._mapping) for row in rows])  # noqa: SLF001 - SQLAlchemy's own name
        for row in rows:
            said = said.and_row(row)
    arrived = Content()
    for rows in _slices(table, writing):
        for row in rows:
            arrived = arrived.and_row(row)
    if arrived != said:
        raise CannotCopy(f"{table.name} differs after the copy ({said.rows} rows, {arrived.rows} came); none was kept")
    _go_on_counting(table, writing)
    return said.rows


def _slices(table: Table, connection: Connection) -> Iterator[list[Any]]:
    statement = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=SLICE)
    with connection.execute(statement) as result:
        yield from (list(rows) for rows in result.partitions())


def _go_on_counting(table: Table, writing: Connection) -> None:
    """The next row that is numbered by PostgreSQL comes after those that were."""
    numbered = table.autoincrement_column
    if writing.dialect.name != "postgresql" or numbered is None or not isinstance(numbered.type, Integer):
        return
    last = writing.scalar(select(func.max(numbered)))
    if last is not None:
        sequence = func.pg_get_serial_sequence(table.name, numbered.name)
        writing.execute(select(func.setval(sequence, last)))


def _plain(value: Any) -> str:
    """The same text for the same value, whichever driver gave it."""
    return (
        value.hex()
        if isinstance(value, bytes)
        else bytes(value).hex()
        if isinstance(value, memoryview)
        else repr(value)
    )
