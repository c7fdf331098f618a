"""Feedback's tables and the unit of work on them.

Codes and slips lie so that neither their rows nor their pages tell in which order they came: on SQLite
``WITHOUT ROWID`` under random keys, on PostgreSQL shuffled anew at every change (:class:`Urn`). They have the
chapter and the window in common, and nothing else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from services.feedback.model.windows import DAY, CountedMeeting, Window
from shared.contracts.base import ChapterId, RegionId, WindowId
from shared.contracts.feedback import Report, WindowState
from shared.messaging.outbox import upsert
from shared.runtime.ids import random_id
from shared.storage.core import service_metadata
from shared.storage.engine import Moment
from shared.storage.work import Work

metadata = service_metadata()

regions = Table("regions", metadata, Column("region_id", String(36), primary_key=True))

windows = Table(
    "windows",
    metadata,
    Column("window_id", String(36), primary_key=True),
    Column("region_id", String(36), nullable=False),
    Column("name", String(200), nullable=False),
    Column("form_id", String(64), nullable=False),
    Column("opens_at", Moment, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("last_slip_at", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("report", Text),  # JSON of shared.contracts.feedback.Report; written once
)

chapters = Table(
    "chapters",
    metadata,
    Column("chapter_id", String(36), primary_key=True),
    Column("region_id", String(36), nullable=False),
)

attendance = Table(
    "attendance",
    metadata,
    Column("meeting_id", String(36), primary_key=True),
    Column("chapter_id", String(36), nullable=False),
    Column("meeting_day", Moment, nullable=False),
    Column("members", Integer, nullable=False),
    Column("change", Integer, nullable=False),
    Index("ix_attendance_chapter_id", "chapter_id", "meeting_day"),
)

urns = Table(
    "urns",
    metadata,
    Column("window_id", String(36), primary_key=True),
    Column("chapter_id", String(36), primary_key=True),
)
"""One row a chapter and window, only to be locked."""

codes = Table(
    "codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("window_id", String(36), nullable=False),
    Column("chapter_id", String(36), nullable=False),
    Column("spent", Boolean, nullable=False),
    Index("ix_codes_window_id", "window_id", "chapter_id"),
    sqlite_with_rowid=False,
)

slips = Table(
    "slips",
    metadata,
    Column("slip_id", String(36), primary_key=True),  # UUIDv4
    Column("window_id", String(36), nullable=False),
    Column("chapter_id", String(36), nullable=False),
    Column("answers", Text, nullable=False),  # JSON, question id to scale value
    Index("ix_slips_window_id", "window_id", "chapter_id"),
    sqlite_with_rowid=False,
)


class FeedbackWork(Work):
    """One transaction of feedback."""

    @property
    def windows(self) -> Windows:
        """Windows and reports."""
        return Windows(self.connection)

    @property
    def attendance(self) -> Attendance:
        """Chapters and counts."""
        return Attendance(self.connection)

    @property
    def urn(self) -> Urn:
        """Codes and slips."""
        return Urn(self.connection)


class Windows:
    """The windows and their frozen reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_region(self, region_id: RegionId) -> None:
        """Nobody else opens a window in this region until the commit."""
        statement = upsert(self._connection, regions).values(region_id=region_id)
        same = {"region_id": statement.excluded.region_id}
        self._connection.execute(statement.on_conflict_do_update(index_elements=[regions.c.region_id], set_=same))

    def overlapping(self, region_id: RegionId, opens_at: datetime, closes_at: datetime) -> Window | None:
        """A window of the region that covers part of [``opens_at``, ``closes_at``)."""
        statement = select(windows).where(
            windows.c.region_id == region_id, windows.c.opens_at < closes_at, windows.c.closes_at > opens_at
        )
        row = self._connection.execute(statement.order_by(windows.c.opens_at).limit(1)).first()
        return _window(row) if row else None

    def add(self, window: Window) -> None:
        """Keep a new window."""
        self._connection.execute(
            insert(windows).values(
                window_id=window.window_id,
                region_id=window.region_id,
                name=window.name,
                form_id=window.form_id,
                opens_at=window.opens_at,
                closes_at=window.closes_at,
                last_slip_at=window.last_slip_at,
                state=window.state.value,
            )
        )

    def get(self, window_id: WindowId) -> Window | None:
        """The window as it is now."""
        row = self._connection.execute(select(windows).where(windows.c.window_id == window_id)).first()
        return _window(row) if row else None

    def held_open(self, window_id: WindowId) -> Window | None:
        """The window; whoever would close it waits for this transaction."""
        statement = select(windows).where(windows.c.window_id == window_id).with_for_update(read=True)
        row = self._connection.execute(statement).first()
        return _window(row) if row else None

    def due(self, now: datetime) -> Sequence[Window]:
        """Open windows whose last slip has come, locked; those that another process is closing are left to it."""
        statement = (
            select(windows)
            .where(windows.c.state == WindowState.OPEN.value, windows.c.last_slip_at <= now)
            .order_by(windows.c.window_id)
            .with_for_update(skip_locked=True)
        )
        return [_window(row) for row in self._connection.execute(statement)]

    def all(self) -> Sequence[Window]:
        """All windows, newest first."""
        statement = select(windows).order_by(windows.c.opens_at.desc(), windows.c.window_id)
        return [_window(row) for row in self._connection.execute(statement)]

    def freeze(self, window_id: WindowId, report: Report) -> None:
        """Close the window with this report. A report that is there is never replaced."""
        self._connection.execute(
            update(windows)
            .where(windows.c.window_id == window_id, windows.c.report.is_(None))
            .values(state=WindowState.CLOSED.value, report=report.model_dump_json())
        )

    def report(self, window_id: WindowId) -> Report | None:
        """The frozen report."""
        text = self._connection.scalar(select(windows.c.report).where(windows.c.window_id == window_id))
        return Report.model_validate_json(text, extra="ignore") if text else None


class Attendance:
    """Chapters, and how many members attended which meeting."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def know_chapter(self, chapter_id: ChapterId, region_id: RegionId) -> None:
        """A chapter exists."""
        statement = upsert(self._connection, chapters).values(chapter_id=chapter_id, region_id=region_id)
        self._connection.execute(statement.on_conflict_do_nothing(index_elements=[chapters.c.chapter_id]))

    def region_of(self, chapter_id: ChapterId) -> RegionId | None:
        """The chapter's region, where it has been heard of."""
        return self._connection.scalar(select(chapters.c.region_id).where(chapters.c.chapter_id == chapter_id))

    def chapters_of(self, region_id: RegionId) -> Sequence[ChapterId]:
        """The region's chapters, by id."""
        statement = select(chapters.c.chapter_id).where(chapters.c.region_id == region_id)
        return list(self._connection.scalars(statement.order_by(chapters.c.chapter_id)))

    def count(self, meeting: CountedMeeting) -> None:
        """Keep the count, unless a newer change of it is known."""
        statement = upsert(self._connection, attendance).values(
            meeting_id=meeting.meeting_id,
            chapter_id=meeting.chapter_id,
            meeting_day=meeting.meeting_day,
            members=meeting.members,
            change=meeting.change,
        )
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[attendance.c.meeting_id],
            set_={"meeting_day": new.meeting_day, "members": new.members, "change": new.change},
            where=attendance.c.change <= new.change,
        )
        self._connection.execute(statement)

    def members(self, window: Window, chapter_id: ChapterId) -> int:
        """Members counted at the chapter's meetings on days that the window touches."""
        statement = select(func.coalesce(func.sum(attendance.c.members), 0)).where(
            attendance.c.chapter_id == chapter_id,
            attendance.c.meeting_day < window.closes_at,
            attendance.c.meeting_day > window.opens_at - DAY,
        )
        return int(self._connection.scalar(statement) or 0)


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


def _window(row: Row[tuple[object, ...]]) -> Window:
    return Window(
        window_id=WindowId(row.window_id),
        region_id=RegionId(row.region_id),
        name=row.name,
        form_id=row.form_id,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        last_slip_at=row.last_slip_at,
        state=WindowState(row.state),
    )
