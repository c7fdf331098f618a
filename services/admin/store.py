"""The admin app's own tables: accounts of coordinators and regional staff, invitations, sessions, audit trail.

A colleague's name and user name are sealed like a member's; looking an account up goes by a keyed hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from shared.contracts.base import ChapterId, Role
from shared.gateway.sessions import session_table
from shared.runtime.ids import new_id
from shared.storage.core import NAMING, member_keys
from shared.storage.engine import Moment
from shared.storage.sealing import Vault

metadata = MetaData(naming_convention=NAMING)

member_keys.to_metadata(metadata)
sessions = session_table(metadata)

invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("chapters", Text, nullable=False),  # ids, one a line
    Column("ends_at", Moment, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(36), primary_key=True),
    Column("user_hash", String(64), nullable=False, unique=True),
    Column("user_name", LargeBinary, nullable=False),  # sealed
    Column("shown_name", LargeBinary, nullable=False),  # sealed
    Column("role", String(20), nullable=False),
    Column("chapters", Text, nullable=False),
    Column("password", String(200), nullable=False),  # argon2id
    Column("totp", LargeBinary, nullable=False),  # sealed secret
    Column("totp_confirmed", Boolean, nullable=False),
    Column("totp_step", Integer, nullable=False),  # the last time step used: a code works once
    Column("disabled", Boolean, nullable=False),
    Column("made_at", Moment, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", String(64), primary_key=True),
    Column("account_id", String(36), nullable=False),
    Index("ix_recovery_codes_account_id", "account_id"),
)

tries = Table(
    "tries",
    metadata,
    Column("what", String(64), primary_key=True),  # a keyed hash of a user name or a network address
    Column("failures", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("wait_until", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("entry_id", String(36), primary_key=True),  # time-ordered
    Column("at", Moment, nullable=False),
    Column("account_id", String(36), nullable=False),
    Column("act", String(60), nullable=False),
    Column("chapter_id", String(36)),
    Column("meeting_id", String(36)),
    Index("ix_audit_account_id", "account_id", "entry_id"),
)


@dataclass(frozen=True)
class Account:
    """A coordinator or a member of the regional staff."""

    account_id: str
    role: Role
    chapters: tuple[ChapterId, ...]
    shown_name: str
    user_name: str
    password: str
    totp: str
    totp_confirmed: bool
    totp_step: int
    disabled: bool


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, and where. Never of whom: no person's data stands in the trail."""

    at: datetime
    account_id: str
    act: str
    chapter_id: str | None
    meeting_id: str | None


def split(chapters: str) -> tuple[ChapterId, ...]:
    """Chapter ids as they are kept."""
    return tuple(ChapterId(line) for line in chapters.splitlines() if line)


class Accounts:
    """The rows of accounts, in one transaction."""

    def __init__(self, connection: Connection, kek: bytes) -> None:
        self.connection = connection
        self.vault = Vault(connection, kek)

    def add(
        self, account_id: str, *, role: Role, chapters: Sequence[str], user_hash: str, user_name: str, shown_name: str,
        password: str, totp: str, at: datetime,
    ) -> None:  # fmt: skip
        """Add an account that has not confirmed its TOTP yet. Raises IntegrityError for a user name in use."""
        self.connection.execute(
            insert(accounts).values(
                account_id=account_id,
                user_hash=user_hash,
                user_name=self.vault.seal(account_id, f"accounts.user_name.{account_id}", user_name),
                shown_name=self.vault.seal(account_id, f"accounts.shown_name.{account_id}", shown_name),
                role=role,
                chapters="\n".join(chapters),
                password=password,
                totp=self.vault.seal(account_id, f"accounts.totp.{account_id}", totp),
                totp_confirmed=False,
                totp_step=0,
                disabled=False,
                made_at=at,
            )
        )

    def get(self, account_id: str) -> Account | None:
        """By id."""
        return self._read(
            self.connection.execute(select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
        )

    def by_user(self, user_hash: str) -> Account | None:
        """By the keyed hash of the user name."""
        return self._read(
            self.connection.execute(select(accounts).where(accounts.c.user_hash == user_hash)).one_or_none()
        )

    def all(self) -> list[Account]:
        """All of them."""
        return [account for row in self.connection.execute(select(accounts)) if (account := self._read(row))]

    def names(self) -> dict[str, str]:
        """The shown names of all colleagues, by account id."""
        rows = self.connection.execute(select(accounts.c.account_id, accounts.c.shown_name)).all()
        return {key: self.vault.open(key, f"accounts.shown_name.{key}", sealed) for key, sealed in rows}

    def change(self, account_id: str, **values: Any) -> None:
        """Write these columns."""
        self.connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(**values))

    def use_step(self, account_id: str, step: int) -> bool:
        """Use a TOTP time step, once; whether it was free."""
        used = self.connection.execute(
            update(accounts)
            .where(accounts.c.account_id == account_id, accounts.c.totp_step < step)
            .values(totp_step=step)
        )
        return bool(used.rowcount)

    def set_recovery(self, account_id: str, hashes: Sequence[str]) -> None:
        """Replace the recovery codes."""
        self.connection.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
        self.connection.execute(
            insert(recovery_codes), [{"code_hash": each, "account_id": account_id} for each in hashes]
        )

    def use_recovery(self, account_id: str, code_hash: str) -> bool:
        """Use a recovery code up; whether there was one."""
        used = self.connection.execute(
            delete(recovery_codes).where(
                recovery_codes.c.account_id == account_id, recovery_codes.c.code_hash == code_hash
            )
        )
        return bool(used.rowcount)

    def recovery_left(self, account_id: str) -> int:
        """How many recovery codes are left."""
        return len(
            self.connection.execute(
                select(recovery_codes.c.code_hash).where(recovery_codes.c.account_id == account_id)
            ).all()
        )

    def _read(self, row: Row[Any] | None) -> Account | None:
        if row is None:
            return None
        key = row.account_id

        def opened(column: str) -> str:
            return self.vault.open(key, f"accounts.{column}.{key}", getattr(row, column))

        return Account(
            account_id=key,
            role=Role(row.role),
            chapters=split(row.chapters),
            shown_name=opened("shown_name"),
            user_name=opened("user_name"),
            password=row.password,
            totp=opened("totp"),
            totp_confirmed=row.totp_confirmed,
            totp_step=row.totp_step,
            disabled=row.disabled,
        )


def note(
    connection: Connection,
    at: datetime,
    account_id: str,
    act: str,
    *,
    chapter_id: str | None = None,
    meeting_id: str | None = None,
) -> None:
    """Add a line to the audit trail. There is no way to change or remove one."""
    connection.execute(
        insert(audit).values(
            entry_id=new_id(), at=at, account_id=account_id, act=act, chapter_id=chapter_id, meeting_id=meeting_id
        )
    )


def trail(connection: Connection, account_id: str | None, most: int = 200) -> list[AuditEntry]:
    """The newest lines, of one account or of all."""
    statement = select(audit.c.at, audit.c.account_id, audit.c.act, audit.c.chapter_id, audit.c.meeting_id)
    if account_id is not None:
        statement = statement.where(audit.c.account_id == account_id)
    rows = connection.execute(statement.order_by(audit.c.entry_id.desc()).limit(most)).all()
    return [AuditEntry(**row._asdict()) for row in rows]
