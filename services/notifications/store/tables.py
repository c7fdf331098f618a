"""The tables. A sealed column is bytes; nothing else here says who a person is."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, text

from shared.storage.core import service_metadata
from shared.storage.engine import Moment

metadata = service_metadata()

contact_points = Table(
    "contact_points",
    metadata,
    Column("contact_point_id", String(36), primary_key=True),
    Column("member_id", String(36), nullable=False, index=True),
    Column("channel", String(10), nullable=False),
    Column("contact_hash", String(64), nullable=False, unique=True),
    Column("address", LargeBinary, nullable=False),  # sealed with the member's key
    Column("locale", String(35), nullable=False),
    Column("verified_at", Moment, nullable=False),
)

verifications = Table(
    "verifications",
    metadata,
    Column("verification_id", String(36), primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("contact_hash", String(64), nullable=False, index=True),
    Column("client", String(64), nullable=False, index=True),
    Column("locale", String(35), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("tries_left", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),  # real time
    Column("expires_at", Moment, nullable=False, index=True),  # real time
    Column("settled", Boolean, nullable=False),
    Column("member_id", String(36)),  # who was signed in and began it, while it is under way
    Column("address", LargeBinary),  # sealed with a key of the verification's own; erased with it
    Column("code", LargeBinary),
)

members = Table(
    "members",
    metadata,
    Column("member_id", String(36), primary_key=True),
    Column("left_at", Moment),  # for good: nothing else of them is here, and nothing may come back
)

consents = Table(
    "consents",
    metadata,
    Column("member_id", String(36), nullable=False),
    Column("purpose", String(30), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("decided", Integer, nullable=False),
    PrimaryKeyConstraint("member_id", "purpose", "channel"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("member_id", String(36), primary_key=True),
    Column("chosen", LargeBinary, nullable=False),  # sealed: that one is silent is telling
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("contact_hash", String(64), nullable=False),
    Column("purpose", String(30), nullable=False),  # empty: every purpose
    Column("reason", String(20), nullable=False),
    Column("decided", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("contact_hash", "purpose", "reason"),
)

chapters = Table(
    "chapters",
    metadata,
    Column("chapter_id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("time_zone", String(64), nullable=False),
)

meetings = Table(
    "meetings",
    metadata,
    Column("meeting_id", String(36), primary_key=True),
    Column("chapter_id", String(36), nullable=False),
    Column("region_id", String(36), nullable=False),
    Column("group_name", String(200), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("starts_at", Moment, nullable=False, index=True),
    Column("ends_at", Moment, nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("place", JSON(none_as_null=True)),
    Column("modes", String(60), nullable=False),  # by commas
    Index("ix_meetings_region", "region_id", "starts_at"),
)

meeting_changes = Table(
    "meeting_changes",
    metadata,
    Column("meeting_id", String(36), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("what", String(20), nullable=False),
    PrimaryKeyConstraint("meeting_id", "revision", "what"),
)

seats = Table(
    "seats",
    metadata,
    Column("seat_id", String(36), nullable=False),
    Column("change", Integer, nullable=False),
    Column("meeting_id", String(36), nullable=False),
    Column("chapter_id", String(36), nullable=False),
    Column("member_id", String(36), nullable=False, index=True),
    Column("mode", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("meeting_revision", Integer, nullable=False),
    Column("heard_at", Moment, nullable=False),
    PrimaryKeyConstraint("seat_id", "change"),
    Index("ix_seats_meeting", "meeting_id", "member_id"),
)

windows = Table(
    "windows",
    metadata,
    Column("window_id", String(36), primary_key=True),
    Column("region_id", String(36), nullable=False),
    Column("opens_at", Moment),
    Column("closes_at", Moment),
    Column("last_slip_at", Moment),
    Column("closed", Boolean, nullable=False),
)

attendances = Table(
    "attendances",
    metadata,
    Column("seat_id", String(36), primary_key=True),
    Column("member_id", String(36), nullable=False, index=True),
    Column("meeting_id", String(36), nullable=False, index=True),
    Column("chapter_id", String(36), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("change", Integer, nullable=False),
    Column("planned", Boolean, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", String(64), primary_key=True),  # the natural key's SHA-256
    Column("kind", String(20), nullable=False),
    Column("member_id", String(36)),
    Column("channel", String(10)),
    Column("contact_point_id", String(36)),
    Column("chapter_id", String(36)),
    Column("meeting_id", String(36)),
    Column("version", String(20), nullable=False),
    Column("revision", Integer),
    Column("seat_change", Integer),
    Column("window_id", String(36)),
    Column("verification_id", String(36)),
    Column("urgency", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("state", String(10), nullable=False),
    Column("reason", String(30), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unknowns", Integer, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("leased_by", String(36)),
    Column("leased_until", Moment),  # real time
    Column("first_tried", Moment),  # real time
    Column("words", String(64), nullable=False),  # keyed hash of the text last tried
    Column("settled_at", Moment),
    Column("code", LargeBinary),  # a feedback code, sealed with the notice's own key, until the outcome is known
    Column("code_until", Moment),
    Index(
        "ix_notices_open",
        "state",
        "channel",
        "urgency",
        "chapter_id",
        "not_before",
        "notice_id",
        sqlite_where=text("state IN ('waiting', 'sending')"),
        postgresql_where=text("state IN ('waiting', 'sending')"),
    ),
    Index("ix_notices_meeting", "meeting_id", "kind"),
    Index(
        "ix_notices_undecided",
        "member_id",
        sqlite_where=text("reason = 'no_consent' AND state = 'waiting'"),
        postgresql_where=text("reason = 'no_consent' AND state = 'waiting'"),
    ),
    Index("ix_notices_held", "state", sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'")),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("notice_id", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", String(10), nullable=False),  # sending, accepted, transient, permanent, unknown
    Column("reason", String(30), nullable=False),
    Column("provider_id", String(64), nullable=False, index=True),
    Column("status", String(20), nullable=False),  # the provider's last receipt
    Column("rank", Integer, nullable=False),
    PrimaryKeyConstraint("notice_id", "attempt"),
)

answers = Table(
    "answers",
    metadata,
    Column("provider_id", String(64), primary_key=True),  # an inbound text
    Column("answer", String(500), nullable=False),
    Column("at", Moment, nullable=False),
)
