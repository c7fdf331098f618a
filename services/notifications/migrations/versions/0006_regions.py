"""The meetings within a feedback window are found by their region and time."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index("ix_meetings_region", "meetings", ["region_id", "starts_at"])


def downgrade() -> None:
    op.drop_index("ix_meetings_region", "meetings")
