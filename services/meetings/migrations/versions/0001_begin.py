"""Region, chapters, groups, places, series, meetings, imported rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    Time,
    UniqueConstraint,
    text,
)

from shared.storage.core import create_core
from shared.storage.engine import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_core(op)
    _make_network()
    _make_schedule()


def _make_network() -> None:
    op.create_table(
        "regions",
        Column("region_id", String(36), primary_key=True),
        Column("name", String(200), nullable=False),
        Column("slug", String(63), nullable=False),
        UniqueConstraint("slug", name="uq_regions_slug"),
    )
    op.create_table(
        "chapters",
        Column("chapter_id", String(36), primary_key=True),
        Column("region_id", String(36), ForeignKey("regions.region_id"), nullable=False),
        Column("name", String(200), nullable=False),
        Column("slug", String(63), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("languages", JSON, nullable=False),
        UniqueConstraint("region_id", "slug", name="uq_chapters_region_id"),
    )
    op.create_table(
        "groups",
        Column("group_id", String(36), primary_key=True),
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
        Column("name", String(200), nullable=False),
        Column("purpose", String(200), nullable=False),
        Column("kind", String(30), nullable=False),
        Column("format", String(30), nullable=False),
        Column("audience", String(500), nullable=False),
        Column("languages", JSON, nullable=False),
        Column("access", String(500), nullable=False),
        Column("policy", String(30), nullable=False),
        Column("searchable", Text, nullable=False),
        Column("changed_at", Moment, nullable=False),
    )
    op.create_index("ix_groups_chapter_id", "groups", ["chapter_id"])
    op.create_table(
        "venues",
        Column("venue_id", String(36), primary_key=True),
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
        Column("name", String(200), nullable=False),
        Column("address", String(200), nullable=False),
        Column("city", String(200), nullable=False),
        Column("state", String(100), nullable=False),
        Column("postal_code", String(20), nullable=False),
        Column("country", String(60), nullable=False),
        Column("access", String(500), nullable=False),
    )
    op.create_index("ix_venues_chapter_id", "venues", ["chapter_id"])
    op.create_table(
        "rooms",
        Column("room_id", String(36), primary_key=True),
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
        Column("name", String(200), nullable=False),
        Column("link", LargeBinary),
        Column("dial_in", LargeBinary),
        Column("passcode", LargeBinary),
        Column("fingerprint", String(64), nullable=False),
    )
    op.create_index("ix_rooms_fingerprint", "rooms", ["chapter_id", "fingerprint"])


def _make_schedule() -> None:
    op.create_table(
        "series",
        Column("series_id", String(36), primary_key=True),
        Column("group_id", String(36), ForeignKey("groups.group_id"), nullable=False),
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
        Column("rrule", String(300), nullable=False),
        Column("starts_on", Date, nullable=False),
        Column("starts", Time, nullable=False),
        Column("minutes", Integer, nullable=False),
        Column("skip", JSON, nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("offers", JSON, nullable=False),
        Column("venue_id", String(36), ForeignKey("venues.venue_id")),
        Column("room_id", String(36), ForeignKey("rooms.room_id")),
        Column("laid_out_to", Moment, nullable=False),
        Column("open", Boolean, nullable=False),
        Column("shut", Boolean, nullable=False),
        Column("paused", Boolean, nullable=False),
        Column("codes", JSON, nullable=False),
        Column("area", String(200), nullable=False),
        Column("changed_at", Moment, nullable=False),
    )
    op.create_index(
        "ix_series_laid_out_to", "series", ["laid_out_to"], sqlite_where=text("open"), postgresql_where=text("open")
    )
    op.create_index("ix_series_group_id", "series", ["group_id"])
    op.create_index("ix_series_chapter_id", "series", ["chapter_id"])
    op.create_table(
        "meetings",
        Column("meeting_id", String(36), primary_key=True),
        Column("series_id", String(36), ForeignKey("series.series_id")),
        Column("series_date", Date),
        Column("group_id", String(36), ForeignKey("groups.group_id"), nullable=False),
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
        Column("region_id", String(36), ForeignKey("regions.region_id"), nullable=False),
        Column("revision", Integer, nullable=False),
        Column("status", String(20), nullable=False),
        Column("starts_at", Moment, nullable=False),
        Column("ends_at", Moment, nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("weekday", Integer, nullable=False),
        Column("venue_id", String(36), ForeignKey("venues.venue_id")),
        Column("room_id", String(36), ForeignKey("rooms.room_id")),
        Column("offers", JSON, nullable=False),
        Column("offers_before", JSON(none_as_null=True)),
        Column("in_person", Boolean, nullable=False),
        Column("online", Boolean, nullable=False),
        Column("phone", Boolean, nullable=False),
        Column("changed_at", Moment, nullable=False),
        UniqueConstraint("series_id", "series_date", name="uq_meetings_series_id"),
    )
    op.create_index("ix_meetings_starts_at", "meetings", ["starts_at"])
    op.create_index("ix_meetings_chapter_starts_at", "meetings", ["chapter_id", "starts_at"])
    op.create_index("ix_meetings_group_starts_at", "meetings", ["group_id", "starts_at"])
    op.create_index(
        "ix_meetings_scheduled_ends_at",
        "meetings",
        ["ends_at"],
        sqlite_where=text("status = 'scheduled'"),
        postgresql_where=text("status = 'scheduled'"),
    )
    op.create_table(
        "imported",
        Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), primary_key=True),
        Column("slug", String(200), primary_key=True),
        Column("digest", String(64), nullable=False),
        Column("group_id", String(36), ForeignKey("groups.group_id"), nullable=False),
        Column("series", JSON, nullable=False),
    )


def downgrade() -> None:
    for table in ("imported", "meetings", "series", "rooms", "venues", "groups", "chapters", "regions"):
        op.drop_table(table)
    for table in ("outbox", "inbox", "parked", "requests", "subjects", "member_keys"):
        op.drop_table(table)
