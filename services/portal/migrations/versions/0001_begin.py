"""The portal begins: member sessions, and ways in."""

from alembic import op

from services.portal.store import create_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_tables(op)


def downgrade() -> None:
    op.drop_table("ways")
    op.drop_table("sessions")
