"""The evening of books_story, to be broken behind everyone's back, and what the books say of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2

from services.local.books import Where
from services.local.books.keeping import lines
from tests.component.local.books_story import Story


@dataclass(frozen=True)
class Scene:
    """The evening, over; ``where`` it lies and the moment at which it ended."""

    where: Where
    story: Story

    def red(self) -> list[str]:
        """The lines that do not balance."""
        return [line.what for line in lines(self.where, self.story.clock.now) if not line.balances]

    def sql(self, service: str, statement: str, *values: object) -> None:
        """Change a database behind everyone's back; SQLite's checks are off."""
        url = self.where.database(service)
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.split("///", 1)[1])) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                connection.execute(statement, values)
            return
        with (
            closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.replace("?", "%s"), values)

    def one(self, service: str, query: str, *values: object) -> Any:
        """The first value of the first row."""
        url = self.where.database(service)
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.split("///", 1)[1])) as connection:
                return connection.execute(query, values).fetchone()[0]
        with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
            cursor.execute(query.replace("?", "%s"), values)
            row = cursor.fetchone()
            assert row is not None
            return row[0]

    def body(self, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the bytes of the newest event of this kind in registration's outbox."""
        newest = self.one("registration", "SELECT max(position) FROM outbox WHERE type = ?", kind)
        event = json.loads(bytes(self.one("registration", "SELECT body FROM outbox WHERE position = ?", newest)))
        change(event["data"])
        self.sql("registration", "UPDATE outbox SET body = ? WHERE position = ?", json.dumps(event).encode(), newest)

    def arrived(self) -> list[dict[str, Any]]:
        """The sink's log."""
        return [json.loads(line) for line in self.where.sink_log.read_text().splitlines()]

    def arrive(self, records: list[dict[str, Any]]) -> None:
        """Write the sink's log anew."""
        self.where.sink_log.write_text("".join(json.dumps(each) + "\n" for each in records))

    def planted(self, kind: str) -> list[str]:
        """What was planted of this kind."""
        texts: list[str] = json.loads(self.where.planted.read_text())[kind]
        return texts

    def plant(self, **more: Any) -> None:
        """Change what was planted."""
        self.where.planted.write_text(json.dumps(json.loads(self.where.planted.read_text()) | more))

    def but(self, **changed: Any) -> Scene:
        """The same evening, looked at otherwise."""
        return replace(self, where=replace(self.where, **changed))


def at(folder: Path, url: str, queues: str) -> Where:
    """The books' view of a folder."""
    return Where(
        folder=folder, database_url=url, broker_url=queues, sink_log=folder / "sink" / "arrived.jsonl",
        planted=folder / "run" / "planted.json", patience=0.2, again_after=0,
    )  # fmt: skip
