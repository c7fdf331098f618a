"""Feedback's first tables.

Codes and slips are WITHOUT ROWID on SQLite: a hidden row number would tell their order.
"""

import sqlalchemy as sa
from alembic import op

from shared.storage.core import create_core
from shared.storage.engine import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_core(op)
    op.create_table("regions", sa.Column("region_id", sa.String(36), primary_key=True))
    op.create_table(
        "windows",
        sa.Column("window_id", sa.String(36), primary_key=True),
        sa.Column("region_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("form_id", sa.String(64), nullable=False),
        sa.Column("opens_at", Moment, nullable=False),
        sa.Column("closes_at", Moment, nullable=False),
        sa.Column("last_slip_at", Moment, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("report", sa.Text),
    )
    op.create_table(
        "chapters",
        sa.Column("chapter_id", sa.String(36), primary_key=True),
        sa.Column("region_id", sa.String(36), nullable=False),
    )
    op.create_table(
        "attendance",
        sa.Column("meeting_id", sa.String(36), primary_key=True),
        sa.Column("chapter_id", sa.String(36), nullable=False),
        sa.Column("meeting_day", Moment, nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.Column("change", sa.Integer, nullable=False),
    )
    op.create_index("ix_attendance_chapter_id", "attendance", ["chapter_id", "meeting_day"])
    op.create_table(
        "urns",
        sa.Column("window_id", sa.String(36), primary_key=True),
        sa.Column("chapter_id", sa.String(36), primary_key=True),
    )
    op.create_table(
        "codes",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("window_id", sa.String(36), nullable=False),
        sa.Column("chapter_id", sa.String(36), nullable=False),
        sa.Column("spent", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_codes_window_id", "codes", ["window_id", "chapter_id"])
    op.create_table(
        "slips",
        sa.Column("slip_id", sa.String(36), primary_key=True),
        sa.Column("window_id", sa.String(36), nullable=False),
        sa.Column("chapter_id", sa.String(36), nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_slips_window_id", "slips", ["window_id", "chapter_id"])


def downgrade() -> None:
    for table in ("slips", "codes", "urns", "attendance", "chapters", "windows", "regions"):
        op.drop_table(table)
    for table in ("member_keys", "subjects", "requests", "parked", "inbox", "outbox"):
        op.drop_table(table)
