"""Someone who leaves is forgotten; that they left is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column

from shared.storage.engine import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("members", Column("left_at", Moment))


def downgrade() -> None:
    op.drop_column("members", "left_at")
