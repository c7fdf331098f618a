"""The first schema: accounts, invitations, sessions, tries, audit trail."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, Integer, LargeBinary, String, Text

from shared.gateway.sessions import create_sessions
from shared.storage.engine import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_keys",
        Column("member_id", String(36), primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
    )
    create_sessions(op)
    op.create_table(
        "invitations",
        Column("token_hash", String(64), primary_key=True),
        Column("role", String(20), nullable=False),
        Column("chapters", Text, nullable=False),
        Column("ends_at", Moment, nullable=False),
    )
    op.create_table(
        "accounts",
        Column("account_id", String(36), primary_key=True),
        Column("user_hash", String(64), nullable=False, unique=True),
        Column("user_name", LargeBinary, nullable=False),
        Column("shown_name", LargeBinary, nullable=False),
        Column("role", String(20), nullable=False),
        Column("chapters", Text, nullable=False),
        Column("password", String(200), nullable=False),
        Column("totp", LargeBinary, nullable=False),
        Column("totp_confirmed", Boolean, nullable=False),
        Column("totp_step", Integer, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("made_at", Moment, nullable=False),
    )
    op.create_table(
        "recovery_codes",
        Column("code_hash", String(64), primary_key=True),
        Column("account_id", String(36), nullable=False),
    )
    op.create_index("ix_recovery_codes_account_id", "recovery_codes", ["account_id"])
    op.create_table(
        "tries",
        Column("what", String(64), primary_key=True),
        Column("failures", Integer, nullable=False),
        Column("last_at", Moment, nullable=False),
        Column("wait_until", Moment, nullable=False),
    )
    op.create_table(
        "audit",
        Column("entry_id", String(36), primary_key=True),
        Column("at", Moment, nullable=False),
        Column("account_id", String(36), nullable=False),
        Column("act", String(60), nullable=False),
        Column("chapter_id", String(36)),
        Column("meeting_id", String(36)),
    )
    op.create_index("ix_audit_account_id", "audit", ["account_id", "entry_id"])


def downgrade() -> None:
    for table in ("audit", "tries", "recovery_codes", "accounts", "invitations", "sessions", "member_keys"):
        op.drop_table(table)
