"""Begin: the core's tables, and those of registration."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Integer, LargeBinary, String, UniqueConstraint

from shared.storage.core import create_core
from shared.storage.engine import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_core(op)
    op.create_table(
        "meetings",
        Column("meeting_id", String(36), primary_key=True),
        Column("chapter_id", String(36), nullable=False),
        Column("group_id", String(36), nullable=False),
        Column("revision", Integer, nullable=False),
        Column("status", String(12), nullable=False),
        Column("starts_at", Moment, nullable=False),
        Column("ends_at", Moment, nullable=False),
        Column("closed_at", Moment),
        Column("claims", Integer, nullable=False),
        Column("guests", Integer, nullable=False),
        Column("counted", Integer, nullable=False),
    )
    op.create_index("ix_meetings_group_id", "meetings", ["group_id"])
    op.create_index("ix_meetings_ends_at", "meetings", ["ends_at"])
    op.create_table(
        "modes",
        Column(
            "meeting_id", String(36), ForeignKey("meetings.meeting_id", name="fk_modes_meeting_id"), primary_key=True
        ),
        Column("mode", String(12), primary_key=True),
        Column("capacity", Integer),
        Column("confirmed", Integer, nullable=False),
        Column("waiting", Integer, nullable=False),
        Column("guests_gone", Integer, nullable=False),
        CheckConstraint("confirmed >= 0 AND waiting >= 0", name="counted"),
        CheckConstraint("confirmed <= coalesce(capacity, 0)", name="never_oversold"),
    )

    op.create_table(
        "seats",
        Column("seat_id", String(36), primary_key=True),
        Column("meeting_id", String(36), ForeignKey("meetings.meeting_id", name="fk_seats_meeting_id"), nullable=False),
        Column("member_id", String(36), nullable=False),
        Column("mode", String(12), nullable=False),
        Column("state", String(12), nullable=False),
        Column("reason", String(20), nullable=False),
        Column("claim", Integer, nullable=False),
        Column("change", Integer, nullable=False),
        Column("had_mode", String(12)),
        Column("had_confirmed", Boolean, nullable=False),
        UniqueConstraint("meeting_id", "member_id", name="uq_seats_meeting_id"),
    )
    op.create_index("ix_seats_member_id", "seats", ["member_id"])
    op.create_index("ix_seats_line", "seats", ["meeting_id", "mode", "state", "claim"])
    op.create_table(
        "marks",
        Column("seat_id", String(36), ForeignKey("seats.seat_id", name="fk_marks_seat_id"), primary_key=True),
        Column("meeting_id", String(36), nullable=False),
        Column("member_id", String(36), nullable=False),
        Column("outcome", String(12)),
        Column("mode", String(12), nullable=False),
        Column("told_outcome", String(12)),
        Column("told_mode", String(12)),
        Column("change", Integer, nullable=False),
    )
    op.create_index("ix_marks_meeting_id", "marks", ["meeting_id"])
    op.create_index("ix_marks_member_id", "marks", ["member_id"])
    op.create_table(
        "guests",
        Column("guest_id", String(36), primary_key=True),
        Column(
            "meeting_id", String(36), ForeignKey("meetings.meeting_id", name="fk_guests_meeting_id"), nullable=False
        ),
        Column("number", Integer, nullable=False),
        Column("alias", LargeBinary),
        Column("mode", String(12), nullable=False),
        Column("outcome", String(12)),
    )
    op.create_index("ix_guests_meeting_id", "guests", ["meeting_id"])
    op.create_table(
        "members",
        Column("member_id", String(36), primary_key=True),
        Column("alias", LargeBinary, nullable=False),
        Column("role", LargeBinary, nullable=False),
        Column("agreement", Integer, nullable=False),
        Column("joined_at", Moment, nullable=False),
    )

    op.create_table(
        "acceptances",
        Column("member_id", String(36), primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("locale", String(35), nullable=False),
        Column("accepted_at", Moment, nullable=False),
    )

    op.create_table(
        "consents",
        Column("member_id", String(36), primary_key=True),
        Column("purpose", String(40), primary_key=True),
        Column("channel", String(12), primary_key=True),
        Column("decided", Integer, primary_key=True),
        Column("granted", Boolean, nullable=False),
        Column("wording", Integer, nullable=False),
        Column("locale", String(35), nullable=False),
        Column("how", String(12), nullable=False),
        Column("decided_at", Moment, nullable=False),
    )

    op.create_table(
        "contacts",
        Column("contact_point_id", String(36), primary_key=True),
        Column("member_id", String(36), nullable=False),
        Column("channel", String(12), nullable=False),
        Column("verified_at", Moment, nullable=False),
    )
    op.create_index("ix_contacts_member_id", "contacts", ["member_id"])


def downgrade() -> None:
    for table in (
        "contacts",
        "consents",
        "acceptances",
        "members",
        "guests",
        "marks",
        "seats",
        "modes",
        "meetings",
        "member_keys",
        "subjects",
        "requests",
        "parked",
        "inbox",
        "outbox",
    ):
        op.drop_table(table)
