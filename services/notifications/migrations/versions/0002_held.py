"""Held notices are counted every minute, among millions that are not."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    held = text("state = 'held'")
    op.create_index("ix_notices_held", "notices", ["state"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    op.drop_index("ix_notices_held", "notices")
