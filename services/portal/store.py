"""The portal's own database: who is signed in, and how far someone has come on their way in.

Neither holds a name, an address or a number in the clear: what a person typed stands here sealed to the
service that will receive it, and goes when the way ends or after an hour.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, MetaData, String, Table, Text, delete, insert, select, update

from shared.contracts.base import Channel, MeetingId, MemberId, Mode, Sealed
from shared.gateway.database import Database
from shared.gateway.sessions import create_sessions, hash_token, session_table
from shared.runtime.clock import real_now
from shared.storage.core import NAMING
from shared.storage.engine import Moment

LASTS = timedelta(hours=1)
"""How long a way may take. The code in it lives ten minutes; a person may ask for another."""

metadata = MetaData(naming_convention=NAMING)
sessions = session_table(metadata)


def _way_columns() -> tuple[Any, ...]:
    return (
        Column("token_hash", String(64), primary_key=True),
        Column("state", Text, nullable=False),
        Column("ends_at", Moment, nullable=False),
    )


ways = Table("ways", metadata, *_way_columns())


def create_tables(op: Any) -> None:
    """Make the portal's tables, version 1."""
    create_sessions(op)
    op.create_table("ways", *_way_columns())


class Purpose(StrEnum):
    """What a way leads to."""

    JOIN = "join"
    SIGN_IN = "sign_in"
    ADD_CONTACT = "add_contact"


class Way(BaseModel):
    """How far one person has come between the first page and the last. Nothing of it is in an address."""

    model_config = ConfigDict(frozen=True)

    purpose: Purpose = Purpose.JOIN
    meeting_id: MeetingId | None = None  # the meeting they came from
    mode: Mode | None = None
    wanted: str | None = None  # the page of their own that they asked for before they were signed in
    proposed: MemberId  # the id that someone new will have
    channel: Channel | None = None
    contact: Sealed | None = None  # sealed to notifications, to send another code
    country: str = "US"
    alias: Sealed | None = None  # sealed to registration
    verification_id: str | None = None
    member_id: MemberId | None = None  # who they turned out to be


@dataclass(frozen=True)
class Ways:
    """The ways of one portal. All methods block: call them through :func:`shared.gateway.database.in_thread`."""

    database: Database
    now: Callable[[], datetime] = real_now

    def begin(self, way: Way) -> str:
        """Begin a way; its token, for a cookie. Ways that have ended are forgotten."""
        token = secrets.token_urlsafe(32)
        with self.database.writing() as connection:
            connection.execute(delete(ways).where(ways.c.ends_at < self.now()))
            connection.execute(
                insert(ways).values(
                    token_hash=hash_token(token), state=way.model_dump_json(), ends_at=self.now() + LASTS
                )
            )
        return token

    def find(self, token: str | None) -> Way | None:
        """The way of this token, if it has not ended."""
        if not token:
            return None
        with self.database.reading() as connection:
            state = connection.scalar(
                select(ways.c.state).where(ways.c.token_hash == hash_token(token), ways.c.ends_at > self.now())
            )
        return Way.model_validate_json(state) if state else None

    def keep(self, token: str, way: Way) -> None:
        """Remember how far they have come."""
        with self.database.writing() as connection:
            connection.execute(
                update(ways).where(ways.c.token_hash == hash_token(token)).values(state=way.model_dump_json())
            )

    def end(self, token: str | None) -> None:
        """Forget a way."""
        if token:
            with self.database.writing() as connection:
                connection.execute(delete(ways).where(ways.c.token_hash == hash_token(token)))

    def end_all(self, member_id: str) -> None:
        """Forget every way that this member is on, or would have come in by."""
        with self.database.writing() as connection:
            connection.execute(delete(ways).where(ways.c.state.contains(f'"{member_id}"', autoescape=True)))
