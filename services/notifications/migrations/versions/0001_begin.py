"""The tables of notifications, as they began."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, String, text

from shared.storage.core import create_core
from shared.storage.engine import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_OPEN = text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    create_core(op)
    _people()
    _news()
    _notices()


def _people() -> None:
    op.create_table(
        "contact_points",
        Column("contact_point_id", String(36), primary_key=True),
        Column("member_id", String(36), nullable=False),
        Column("channel", String(10), nullable=False),
        Column("contact_hash", String(64), nullable=False, unique=True),
        Column("address", LargeBinary, nullable=False),
        Column("locale", String(35), nullable=False),
        Column("verified_at", Moment, nullable=False),
    )
    op.create_index("ix_contact_points_member_id", "contact_points", ["member_id"])
    op.create_table(
        "verifications",
        Column("verification_id", String(36), primary_key=True),
        Column("channel", String(10), nullable=False),
        Column("contact_hash", String(64), nullable=False),
        Column("client", String(64), nullable=False),
        Column("locale", String(35), nullable=False),
        Column("code_hash", String(64), nullable=False),
        Column("tries_left", Integer, nullable=False),
        Column("started_at", Moment, nullable=False),
        Column("expires_at", Moment, nullable=False),
        Column("settled", Boolean, nullable=False),
        Column("address", LargeBinary),
        Column("code", LargeBinary),
    )
    op.create_index("ix_verifications_client", "verifications", ["client"])
    op.create_index("ix_verifications_contact_hash", "verifications", ["contact_hash"])
    op.create_index("ix_verifications_expires_at", "verifications", ["expires_at"])
    op.create_table(
        "members",
        Column("member_id", String(36), primary_key=True),
    )
    op.create_table(
        "consents",
        Column("member_id", String(36), nullable=False),
        Column("purpose", String(30), nullable=False),
        Column("channel", String(10), nullable=False),
        Column("granted", Boolean, nullable=False),
        Column("decided", Integer, nullable=False),
        PrimaryKeyConstraint("member_id", "purpose", "channel"),
    )
    op.create_table(
        "preferences",
        Column("member_id", String(36), primary_key=True),
        Column("chosen", LargeBinary, nullable=False),
    )
    op.create_table(
        "suppressions",
        Column("contact_hash", String(64), nullable=False),
        Column("purpose", String(30), nullable=False),
        Column("reason", String(20), nullable=False),
        Column("decided", Integer, nullable=False),
        Column("at", Moment, nullable=False),
        PrimaryKeyConstraint("contact_hash", "purpose", "reason"),
    )


def _news() -> None:
    op.create_table(
        "chapters",
        Column("chapter_id", String(36), primary_key=True),
        Column("name", String(200), nullable=False),
        Column("time_zone", String(64), nullable=False),
    )
    op.create_table(
        "meetings",
        Column("meeting_id", String(36), primary_key=True),
        Column("chapter_id", String(36), nullable=False),
        Column("region_id", String(36), nullable=False),
        Column("group_name", String(200), nullable=False),
        Column("revision", Integer, nullable=False),
        Column("status", String(20), nullable=False),
        Column("starts_at", Moment, nullable=False),
        Column("ends_at", Moment, nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("place", JSON(none_as_null=True)),
        Column("modes", String(60), nullable=False),
    )
    op.create_index("ix_meetings_starts_at", "meetings", ["starts_at"])
    op.create_table(
        "meeting_changes",
        Column("meeting_id", String(36), nullable=False),
        Column("revision", Integer, nullable=False),
        Column("what", String(20), nullable=False),
        PrimaryKeyConstraint("meeting_id", "revision", "what"),
    )
    op.create_table(
        "seats",
        Column("seat_id", String(36), nullable=False),
        Column("change", Integer, nullable=False),
        Column("meeting_id", String(36), nullable=False),
        Column("chapter_id", String(36), nullable=False),
        Column("member_id", String(36), nullable=False),
        Column("mode", String(20), nullable=False),
        Column("state", String(20), nullable=False),
        Column("reason", String(20), nullable=False),
        Column("meeting_revision", Integer, nullable=False),
        Column("heard_at", Moment, nullable=False),
        PrimaryKeyConstraint("seat_id", "change"),
    )
    op.create_index("ix_seats_meeting", "seats", ["meeting_id", "member_id"])
    op.create_index("ix_seats_member_id", "seats", ["member_id"])
    op.create_table(
        "windows",
        Column("window_id", String(36), primary_key=True),
        Column("region_id", String(36), nullable=False),
        Column("opens_at", Moment),
        Column("closes_at", Moment),
        Column("last_slip_at", Moment),
        Column("closed", Boolean, nullable=False),
    )
    op.create_table(
        "attendances",
        Column("seat_id", String(36), primary_key=True),
        Column("member_id", String(36), nullable=False),
        Column("meeting_id", String(36), nullable=False),
        Column("chapter_id", String(36), nullable=False),
        Column("outcome", String(20), nullable=False),
        Column("change", Integer, nullable=False),
        Column("planned", Boolean, nullable=False),
    )
    op.create_index("ix_attendances_meeting_id", "attendances", ["meeting_id"])
    op.create_index("ix_attendances_member_id", "attendances", ["member_id"])


def _notices() -> None:
    op.create_table(
        "notices",
        Column("notice_id", String(64), primary_key=True),
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
        Column("leased_until", Moment),
        Column("first_tried", Moment),
        Column("words", String(64), nullable=False),
        Column("settled_at", Moment),
        Column("code", LargeBinary),
        Column("code_until", Moment),
    )
    op.create_index("ix_notices_meeting", "notices", ["meeting_id", "kind"])
    op.create_index("ix_notices_open", "notices", ["state", "not_before"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "deliveries",
        Column("notice_id", String(64), nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("channel", String(10), nullable=False),
        Column("begun_at", Moment, nullable=False),
        Column("ended_at", Moment),
        Column("outcome", String(10), nullable=False),
        Column("reason", String(30), nullable=False),
        Column("provider_id", String(64), nullable=False),
        Column("status", String(20), nullable=False),
        Column("rank", Integer, nullable=False),
        PrimaryKeyConstraint("notice_id", "attempt"),
    )
    op.create_index("ix_deliveries_provider_id", "deliveries", ["provider_id"])
    op.create_table(
        "answers",
        Column("provider_id", String(64), primary_key=True),
        Column("answer", String(500), nullable=False),
        Column("at", Moment, nullable=False),
    )


def downgrade() -> None:
    core = ("outbox", "inbox", "parked", "requests", "subjects", "member_keys")
    ours = (
        "answers",
        "deliveries",
        "notices",
        "attendances",
        "windows",
        "seats",
        "meeting_changes",
        "meetings",
        "chapters",
        "suppressions",
        "preferences",
        "consents",
        "members",
        "verifications",
        "contact_points",
    )
    for table in (*ours, *core):
        op.drop_table(table)
