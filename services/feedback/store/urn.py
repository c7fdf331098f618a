"""Codes and slips, as rows that tell neither order nor whose is whose."""

from __future__ import annotations

import json
import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, insert, select, update

from services.feedback.store.tables import codes, slips, urns, windows
from shared.contracts.base import ChapterId, WindowId
from shared.contracts.feedback import WindowState
from shared.runtime.ids import random_id
from shared.storage.engine import upsert


class Urn:
    """Codes and slips of each chapter and window.

    PostgreSQL keeps with every row the transaction that wrote it (``xmin``) and writes rows one after the other
    (``ctid``): a code spent and a slip put in by one transaction could be joined by that. So whoever changes
    anything in an urn writes the whole urn anew, shuffled: all rows then have one ``xmin`` and a random place.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, window_id: WindowId, chapter_id: ChapterId) -> None:
        """Nobody else draws, spends or counts here until the commit."""
        statement = upsert(self._connection, urns).values(window_id=window_id, chapter_id=chapter_id)
        same = {"chapter_id": statement.excluded.chapter_id}
        keys = [urns.c.window_id, urns.c.chapter_id]
        self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=same))

    def drawn(self, window_id: WindowId, chapter_id: ChapterId) -> int:
        """How many codes were drawn."""
        return (
            self._connection.scalar(select(func.count(codes.c.code_hash)).where(*_in(codes, window_id, chapter_id)))
            or 0
        )

    def add_code(self, code_hash: str, window_id: WindowId, chapter_id: ChapterId) -> None:
        """Keep the hash of a new code."""
        self._connection.execute(
            insert(codes).values(code_hash=code_hash, window_id=window_id, chapter_id=chapter_id, spent=False)
        )
        self._shuffle(window_id, chapter_id)

    def place_of(self, code_hash: str) -> tuple[WindowId, ChapterId, bool] | None:
        """The code's window and chapter, and whether it was spent."""
        statement = select(codes.c.window_id, codes.c.chapter_id, codes.c.spent).where(codes.c.code_hash == code_hash)
        row = self._connection.execute(statement).first()
        return (WindowId(row[0]), ChapterId(row[1]), bool(row[2])) if row else None

    def exchange(self, code_hash: str, answers: dict[str, int]) -> None:
        """Spend the code and put in the slip. Raises LookupError where the code is not there to be spent."""
        statement = update(codes).where(codes.c.code_hash == code_hash, codes.c.spent.is_(False)).values(spent=True)
        row = self._connection.execute(statement.returning(codes.c.window_id, codes.c.chapter_id)).first()
        if row is None:
            raise LookupError("the code is not there to be spent")
        window_id, chapter_id = WindowId(row[0]), ChapterId(row[1])
        self._connection.execute(
            insert(slips).values(
                slip_id=random_id(),
                window_id=window_id,
                chapter_id=chapter_id,
                answers=json.dumps(answers, sort_keys=True),
            )
        )
        self._shuffle(window_id, chapter_id)

    def slips(self, window_id: WindowId) -> dict[ChapterId, list[dict[str, int]]]:
        """The answers of the window, by chapter, in no order."""
        found: dict[ChapterId, list[dict[str, int]]] = {}
        statement = select(slips.c.chapter_id, slips.c.answers).where(slips.c.window_id == window_id)
        for chapter_id, answers in self._connection.execute(statement):
            found.setdefault(ChapterId(chapter_id), []).append(json.loads(answers))
        return found

    def codes_drawn(self, window_id: WindowId) -> dict[ChapterId, int]:
        """How many codes were drawn in each chapter."""
        statement = select(codes.c.chapter_id, func.count()).where(codes.c.window_id == window_id)
        return {ChapterId(row[0]): row[1] for row in self._connection.execute(statement.group_by(codes.c.chapter_id))}

    def void_unused(self, window_id: WindowId) -> None:
        """Forget the codes that were not used."""
        self._connection.execute(delete(codes).where(codes.c.window_id == window_id, codes.c.spent.is_(False)))

    def forget_spent(self, last_slip_before: datetime) -> None:
        """Forget the spent codes of closed windows that took their last slip before then."""
        over = select(windows.c.window_id).where(
            windows.c.state == WindowState.CLOSED.value, windows.c.last_slip_at < last_slip_before
        )
        self._connection.execute(delete(codes).where(codes.c.window_id.in_(over)))

    def _shuffle(self, window_id: WindowId, chapter_id: ChapterId) -> None:
        if self._connection.dialect.name == "sqlite":
            return  # WITHOUT ROWID: a row lies where its random key puts it
        for table in (codes, slips):
            taken = self._connection.execute(
                delete(table).where(*_in(table, window_id, chapter_id)).returning(*table.c)
            ).mappings()
            rows = [dict(row) for row in taken]
            secrets.SystemRandom().shuffle(rows)
            if rows:
                self._connection.execute(insert(table), rows)


def tidy(engine: Engine) -> None:
    """Drop old versions of rows: SQLite's write-ahead log is emptied, PostgreSQL's dead rows are vacuumed.

    Waits for nobody: where someone else is at work, the next call does it.
    """
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (SKIP_LOCKED) codes, slips")


def _in(table: Table, window_id: WindowId, chapter_id: ChapterId) -> tuple[ColumnElement[bool], ...]:
    return table.c.window_id == window_id, table.c.chapter_id == chapter_id
