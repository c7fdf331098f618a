"""The tables that every service has: outbox and what of it is unsent, inbox, parked events, remembered requests,
subjects, member keys.

A service's metadata starts from :func:`service_metadata`; its first migration from :func:`create_core`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint, text

from shared.storage.engine import Moment

_position = BigInteger().with_variant(Integer, "sqlite")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

core = MetaData(naming_convention=NAMING)

outbox = Table(
    "outbox",
    core,
    Column("position", _position, primary_key=True, autoincrement=True),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    # Of the version before, which may still run beside this one: it sends what has no ``sent_at``. The next drops them.
    Column("leased_by", String(36)),
    Column("leased_until", Moment),
    Column("sent_at", Moment),
    Index(
        "ix_outbox_unsent", "position", sqlite_where=text("sent_at IS NULL"), postgresql_where=text("sent_at IS NULL")
    ),
)
"""Every event that was ever said. Rows are written once and never again: the long ones stay where they are."""

unsent = Table(
    "unsent",
    core,
    Column("position", _position, primary_key=True, autoincrement=False),
    Column("leased_by", String(36)),
    Column("leased_until", Moment),
)
"""Which of them the broker has not confirmed yet, and whose they are to send until when (real time)."""

inbox = Table(
    "inbox",
    core,
    Column("event_id", String(36), primary_key=True),
    Column("handled_at", Moment, nullable=False),
)

parked = Table(
    "parked",
    core,
    Column("event_id", String(64), primary_key=True),  # or the body's SHA-256 where it cannot be read
    Column("type", String(100), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("handler", String(100), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", String(100), nullable=False),  # the kind of error, never its text
    Column("parked_at", Moment, nullable=False),
    Column("settled", String(20)),  # replayed or discarded
    Column("settled_at", Moment),
)

requests = Table(
    "requests",
    core,
    Column("request_id", String(64), primary_key=True),
    Column("payload_hash", String(64), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("answered_at", Moment, nullable=False),
)

subjects = Table(
    "subjects",
    core,
    Column("subject", String(64), primary_key=True),
    Column("sequence", Integer, nullable=False),
)

member_keys = Table(
    "member_keys",
    core,
    Column("member_id", String(36), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)


def service_metadata() -> MetaData:
    """A metadata with the core's tables in it, for a service to add its own to."""
    metadata = MetaData(naming_convention=NAMING)
    for table in core.sorted_tables:
        table.to_metadata(metadata)
    return metadata


def create_core(op: Any) -> None:
    """Make the core's tables, version 1, in a service's first migration. A later change is a migration of its own."""
    op.create_table(
        "outbox",
        Column("position", _position, primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False),
        Column("type", String(100), nullable=False),
        Column("subject", String(64), nullable=False),
        Column("sequence", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("recorded_at", Moment, nullable=False),
        Column("leased_by", String(36)),
        Column("leased_until", Moment),
        Column("sent_at", Moment),
        UniqueConstraint("event_id", name="uq_outbox_event_id"),
    )
    unsent = text("sent_at IS NULL")
    op.create_index("ix_outbox_unsent", "outbox", ["position"], sqlite_where=unsent, postgresql_where=unsent)
    op.create_table(
        "inbox",
        Column("event_id", String(36), primary_key=True),
        Column("handled_at", Moment, nullable=False),
    )
    op.create_table(
        "parked",
        Column("event_id", String(64), primary_key=True),
        Column("type", String(100), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("handler", String(100), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("reason", String(100), nullable=False),
        Column("parked_at", Moment, nullable=False),
        Column("settled", String(20)),
        Column("settled_at", Moment),
    )
    op.create_table(
        "requests",
        Column("request_id", String(64), primary_key=True),
        Column("payload_hash", String(64), nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("answered_at", Moment, nullable=False),
    )
    op.create_table(
        "subjects",
        Column("subject", String(64), primary_key=True),
        Column("sequence", Integer, nullable=False),
    )
    op.create_table(
        "member_keys",
        Column("member_id", String(36), primary_key=True),
        Column("wrapped", LargeBinary, nullable=False),
    )


def set_unsent_apart(op: Any) -> None:
    """Version 2: what is unsent has a table of its own. The relay moves what the version before left, and still leaves."""
    op.create_table(
        "unsent",
        Column("position", _position, primary_key=True, autoincrement=False),
        Column("leased_by", String(36)),
        Column("leased_until", Moment),
    )


def put_unsent_back(op: Any) -> None:
    """Back to version 1."""
    op.execute("UPDATE outbox SET sent_at = NULL WHERE position IN (SELECT position FROM unsent)")
    op.drop_table("unsent")
