"""Feedback's tables."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from shared.storage.core import service_metadata
from shared.storage.engine import Moment

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
