"""The tables of registration. What a person chose to be called is sealed; all the rest is opaque ids and numbers."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from shared.storage.core import service_metadata
from shared.storage.engine import Moment

metadata = service_metadata()

meetings = Table(
    "meetings",
    metadata,
    Column("meeting_id", String(36), primary_key=True),
    Column("chapter_id", String(36), nullable=False),
    Column("group_id", String(36), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
    Column("closed_at", Moment),  # when the attendance sheet was closed first
    Column("claims", Integer, nullable=False),  # the last claim given out
    Column("guests", Integer, nullable=False),  # the last guest number given out
    Column("counted", Integer, nullable=False),  # how often its attendance was counted and told
)

modes = Table(
    "modes",
    metadata,
    Column("meeting_id", String(36), ForeignKey("meetings.meeting_id"), primary_key=True),
    Column("mode", String(12), primary_key=True),
    Column("capacity", Integer),  # NULL: not offered
    Column("confirmed", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("guests_gone", Integer, nullable=False),  # guests who attended and are forgotten
    CheckConstraint("confirmed >= 0 AND waiting >= 0", name="counted"),
    CheckConstraint("confirmed <= coalesce(capacity, 0)", name="never_oversold"),
)

seats = Table(
    "seats",
    metadata,
    Column("seat_id", String(36), primary_key=True),
    Column("meeting_id", String(36), ForeignKey("meetings.meeting_id"), nullable=False),
    Column("member_id", String(36), nullable=False, index=True),
    Column("mode", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("claim", Integer, nullable=False),
    Column("change", Integer, nullable=False),
    Column("had_mode", String(12)),
    Column("had_confirmed", Boolean, nullable=False),
    UniqueConstraint("meeting_id", "member_id"),
    Index("ix_seats_line", "meeting_id", "mode", "state", "claim"),
)

marks = Table(
    "marks",
    metadata,
    Column("seat_id", String(36), ForeignKey("seats.seat_id"), primary_key=True),
    Column("meeting_id", String(36), nullable=False, index=True),
    Column("member_id", String(36), nullable=False, index=True),
    Column("outcome", String(12)),
    Column("mode", String(12), nullable=False),
    Column("told_outcome", String(12)),
    Column("told_mode", String(12)),
    Column("change", Integer, nullable=False),
)

guests = Table(
    "guests",
    metadata,
    Column("guest_id", String(36), primary_key=True),
    Column("meeting_id", String(36), ForeignKey("meetings.meeting_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("alias", LargeBinary),  # sealed, owner = the guest
    Column("mode", String(12), nullable=False),
    Column("outcome", String(12)),
)

members = Table(
    "members",
    metadata,
    Column("member_id", String(36), primary_key=True),
    Column("alias", LargeBinary, nullable=False),  # sealed, owner = the member
    Column("role", LargeBinary, nullable=False),  # sealed: as whom one attends tells of one's health
    Column("agreement", Integer, nullable=False),  # the newest version accepted
    Column("joined_at", Moment, nullable=False),
    Column("left_at", Moment),  # for good: alias and role are empty, their key is destroyed
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("member_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("locale", String(35), nullable=False),
    Column("accepted_at", Moment, nullable=False),
)

consents = Table(
    "consents",  # append-only: the code that writes it knows INSERT alone
    metadata,
    Column("member_id", String(36), primary_key=True),
    Column("purpose", String(40), primary_key=True),
    Column("channel", String(12), primary_key=True),
    Column("decided", Integer, primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("wording", Integer, nullable=False),
    Column("locale", String(35), nullable=False),
    Column("how", String(12), nullable=False),
    Column("decided_at", Moment, nullable=False),
)

contacts = Table(
    "contacts",  # which channels a member has proved; addresses and numbers are known to notifications alone
    metadata,
    Column("contact_point_id", String(36), primary_key=True),
    Column("member_id", String(36), nullable=False, index=True),
    Column("channel", String(12), nullable=False),
    Column("verified_at", Moment, nullable=False),
)
