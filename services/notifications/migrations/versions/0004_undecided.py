"""What waits for a member's decision is found by the member when the decision comes."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"

_UNDECIDED = text("reason = 'no_consent' AND state = 'waiting'")


def upgrade() -> None:
    columns = ["member_id"]
    op.create_index("ix_notices_undecided", "notices", columns, sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED)


def downgrade() -> None:
    op.drop_index("ix_notices_undecided", "notices")
