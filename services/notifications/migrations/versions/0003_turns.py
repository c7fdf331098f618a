"""What is sent next is read off the index of open notices, in its order: nothing is sorted."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"

_OPEN = text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    columns = ["state", "urgency", "chapter_id", "not_before", "notice_id"]
    op.drop_index("ix_notices_open", "notices")
    op.create_index("ix_notices_open", "notices", columns, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_notices_open", "notices")
    op.create_index("ix_notices_open", "notices", ["state", "not_before"], sqlite_where=_OPEN, postgresql_where=_OPEN)
