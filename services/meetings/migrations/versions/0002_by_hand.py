"""A meeting knows whether a person gave it a time or place of its own: a change of its series leaves that."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, false

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("meetings", Column("by_hand", Boolean, nullable=False, server_default=false()))


def downgrade() -> None:
    op.drop_column("meetings", "by_hand")
