"""The tables of the meetings service. No person's data stands in them, but sealed: rooms' secrets."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    false,
    text,
)

from shared.storage.core import service_metadata
from shared.storage.engine import Moment

metadata = service_metadata()

regions = Table(
    "regions",
    metadata,
    Column("region_id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("slug", String(63), nullable=False, unique=True),
)

chapters = Table(
    "chapters",
    metadata,
    Column("chapter_id", String(36), primary_key=True),
    Column("region_id", String(36), ForeignKey("regions.region_id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("languages", JSON, nullable=False),
    UniqueConstraint("region_id", "slug"),
)

groups = Table(
    "groups",
    metadata,
    Column("group_id", String(36), primary_key=True),
    Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("format", String(30), nullable=False),
    Column("audience", String(500), nullable=False),
    Column("languages", JSON, nullable=False),
    Column("access", String(500), nullable=False),
    Column("policy", String(30), nullable=False),
    Column("searchable", Text, nullable=False),  # name, purpose and audience, case folded
    Column("changed_at", Moment, nullable=False),
)

venues = Table(
    "venues",
    metadata,
    Column("venue_id", String(36), primary_key=True),
    Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("address", String(200), nullable=False),
    Column("city", String(200), nullable=False),
    Column("state", String(100), nullable=False),
    Column("postal_code", String(20), nullable=False),
    Column("country", String(60), nullable=False),
    Column("access", String(500), nullable=False),
)

rooms = Table(
    "rooms",
    metadata,
    Column("room_id", String(36), primary_key=True),
    Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("link", LargeBinary),  # sealed
    Column("dial_in", LargeBinary),  # sealed
    Column("passcode", LargeBinary),  # sealed
    Column("fingerprint", String(64), nullable=False),  # keyed hash of the three
    Index("ix_rooms_fingerprint", "chapter_id", "fingerprint"),
)

series = Table(
    "series",
    metadata,
    Column("series_id", String(36), primary_key=True),
    Column("group_id", String(36), ForeignKey("groups.group_id"), nullable=False, index=True),
    Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), nullable=False, index=True),
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
    Index("ix_series_laid_out_to", "laid_out_to", sqlite_where=text("open"), postgresql_where=text("open")),
)

meetings = Table(
    "meetings",
    metadata,
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
    Column("weekday", Integer, nullable=False),  # local, 0 = Monday
    Column("venue_id", String(36), ForeignKey("venues.venue_id")),
    Column("room_id", String(36), ForeignKey("rooms.room_id")),
    Column("offers", JSON, nullable=False),
    Column("offers_before", JSON(none_as_null=True)),
    Column("in_person", Boolean, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("phone", Boolean, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("by_hand", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("series_id", "series_date"),
    Index("ix_meetings_starts_at", "starts_at"),
    Index("ix_meetings_chapter_starts_at", "chapter_id", "starts_at"),
    Index("ix_meetings_group_starts_at", "group_id", "starts_at"),
    Index(
        "ix_meetings_scheduled_ends_at",
        "ends_at",
        sqlite_where=text("status = 'scheduled'"),
        postgresql_where=text("status = 'scheduled'"),
    ),
)

imported = Table(
    "imported",
    metadata,
    Column("chapter_id", String(36), ForeignKey("chapters.chapter_id"), primary_key=True),
    Column("slug", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("group_id", String(36), ForeignKey("groups.group_id"), nullable=False),
    Column("series", JSON, nullable=False),  # weekday (0 = Monday) -> series id
)
