"""A code that a member asked for ends when they leave, also where its address was never theirs."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("verifications", Column("member_id", String(36)))


def downgrade() -> None:
    op.drop_column("verifications", "member_id")
