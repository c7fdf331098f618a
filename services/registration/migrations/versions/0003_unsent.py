"""What is unsent stands beside the outbox, whose rows are not written again."""

from __future__ import annotations

from alembic import op

from shared.storage.core import put_unsent_back, set_unsent_apart

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    set_unsent_apart(op)


def downgrade() -> None:
    put_unsent_back(op)
