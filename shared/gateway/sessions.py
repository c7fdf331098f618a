"""Server-side sessions. The browser holds a random token of 256 bit; only its SHA-256 is stored.

Time-outs are in real time: the domain clock may be moved, a session may not.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from sqlalchemy import Column, Index, MetaData, String, Table, delete, insert, select, update

from shared.gateway.database import Database
from shared.runtime.clock import real_now
from shared.runtime.ids import random_id
from shared.storage.engine import Moment

TOUCH = timedelta(seconds=60)
"""How exact "last seen" is: one write a minute and session, not one a request."""


def _columns() -> tuple[Any, ...]:
    return (
        Column("token_hash", String(64), primary_key=True),
        Column("session_id", String(36), nullable=False, unique=True),
        Column("subject", String(64), nullable=False),
        Column("stage", String(20), nullable=False),
        Column("client", String(60), nullable=False),
        Column("began_at", Moment, nullable=False),
        Column("seen_at", Moment, nullable=False),
        Column("ends_at", Moment, nullable=False),
        Index("ix_sessions_subject", "subject"),
    )


def session_table(metadata: MetaData) -> Table:
    """The table of sessions, for a gateway's metadata."""
    return Table("sessions", metadata, *_columns())


def create_sessions(op: Any) -> None:
    """Make the table, version 1, in a gateway's first migration. A later change is a migration of its own."""
    op.create_table("sessions", *_columns())


@dataclass(frozen=True)
class Session:
    """One browser that is signed in (``stage`` "full"), or on its way there (another stage)."""

    session_id: str  # names it in lists; opens nothing
    subject: str  # an account or member id
    stage: str
    client: str  # "Firefox on Android": so that its owner recognises it
    began_at: datetime
    seen_at: datetime
    ends_at: datetime


def hash_token(token: str) -> str:
    """SHA-256 in hex. A token has 256 bit of its own, so it needs neither salt nor stretching."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """The sessions of one gateway. All methods block: call them through :func:`shared.gateway.database.in_thread`."""

    def __init__(
        self,
        database: Database,
        table: Table,
        *,
        idle: timedelta,
        absolute: timedelta,
        now: Callable[[], datetime] = real_now,
    ) -> None:
        self._database = database
        self._table = table
        self._idle = idle
        self._absolute = absolute
        self._now = now

    def begin(self, subject: str, *, stage: str = "full", client: str = "", lasts: timedelta | None = None) -> str:
        """Begin a session; its token, which is shown to the browser and to nobody else."""
        token, now = secrets.token_urlsafe(32), self._now()
        with self._database.writing() as connection:
            connection.execute(delete(self._table).where(self._table.c.ends_at < now))
            connection.execute(
                insert(self._table).values(
                    token_hash=hash_token(token),
                    session_id=random_id(),
                    subject=subject,
                    stage=stage,
                    client=client[:60],
                    began_at=now,
                    seen_at=now,
                    ends_at=now + (lasts or self._absolute),
                )
            )
        return token

    def find(self, token: str | None, *, touch: bool = True) -> Session | None:
        """The session of this token, if it is neither idle too long nor past its end.

        It counts as seen now, unless ``touch`` is False: a page that refreshes itself is nobody's presence.
        """
        if not token:
            return None
        digest, now, at = hash_token(token), self._now(), self._table.c
        with self._database.reading() as connection:
            row = connection.execute(
                select(at.session_id, at.subject, at.stage, at.client, at.began_at, at.seen_at, at.ends_at).where(
                    at.token_hash == digest
                )
            ).one_or_none()
        if row is None:
            return None
        session = Session(**row._asdict())
        if now >= session.ends_at or now - session.seen_at >= self._idle:
            self.end(token)
            return None
        if touch and now - session.seen_at >= TOUCH:
            with self._database.writing() as connection:
                connection.execute(update(self._table).where(at.token_hash == digest).values(seen_at=now))
        return session

    def end(self, token: str | None) -> None:
        """End the session of this token, if there is one."""
        if token:
            with self._database.writing() as connection:
                connection.execute(delete(self._table).where(self._table.c.token_hash == hash_token(token)))

    def end_one(self, subject: str, session_id: str) -> bool:
        """End one session of this subject; whether there was one."""
        at = self._table.c
        with self._database.writing() as connection:
            ended = connection.execute(delete(self._table).where(at.subject == subject, at.session_id == session_id))
        return bool(ended.rowcount)

    def end_all(self, subject: str, *, but: str | None = None) -> int:
        """End all sessions of this subject, save the one with this session id; how many there were."""
        at = self._table.c
        with self._database.writing() as connection:
            ended = connection.execute(delete(self._table).where(at.subject == subject, at.session_id != (but or "")))
        return int(ended.rowcount)

    def of(self, subject: str) -> list[Session]:
        """The live sessions of this subject, newest first."""
        at, now = self._table.c, self._now()
        with self._database.reading() as connection:
            rows = connection.execute(
                select(at.session_id, at.subject, at.stage, at.client, at.began_at, at.seen_at, at.ends_at)
                .where(at.subject == subject, at.ends_at > now, at.seen_at > now - self._idle)
                .order_by(at.began_at.desc())
            ).all()
        return [Session(**row._asdict()) for row in rows]


@dataclass(frozen=True)
class Cookie:
    """How a token is kept in the browser: ``__Host-`` and Secure over https, a plain name on a development machine."""

    name: str
    secure: bool
    seconds: int | None = None  # None: until the browser is closed

    @property
    def key(self) -> str:
        """The cookie's full name."""
        return f"__Host-{self.name}" if self.secure else self.name

    def read(self, request: Request) -> str | None:
        """The token that came with this request."""
        return request.cookies.get(self.key)

    def set(self, response: Response, token: str) -> None:
        """Hand the token to the browser."""
        response.set_cookie(
            self.key, token, max_age=self.seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def clear(self, response: Response) -> None:
        """Take it back."""
        response.delete_cookie(self.key, path="/", secure=self.secure, httponly=True, samesite="lax")


def describe_client(agent: str) -> str:
    """A user agent as its owner would say it; never the string itself, which tells machines apart."""
    text = agent.lower()
    browsers = (
        ("edg", "Edge"),
        ("firefox", "Firefox"),
        ("fxios", "Firefox"),
        ("crios", "Chrome"),
        ("chrome", "Chrome"),
    )
    systems = (("android", "Android"), ("iphone", "iPhone"), ("ipad", "iPad"), ("windows", "Windows"), ("mac", "Mac"))
    browser = next((name for mark, name in browsers if mark in text), "Safari" if "safari" in text else "A browser")
    system = next((name for mark, name in systems if mark in text), "Linux" if "linux" in text else "")
    return f"{browser} on {system}" if system else browser
