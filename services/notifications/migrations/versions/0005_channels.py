"""Mails and texts are looked up apart."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

_OPEN = text("state IN ('waiting', 'sending')")
_COLUMNS = ["urgency", "chapter_id", "not_before", "notice_id"]


def upgrade() -> None:
    columns = ["state", "channel", *_COLUMNS]
    op.drop_index("ix_notices_open", "notices")
    op.create_index("ix_notices_open", "notices", columns, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_notices_open", "notices")
    op.create_index("ix_notices_open", "notices", ["state", *_COLUMNS], sqlite_where=_OPEN, postgresql_where=_OPEN)
