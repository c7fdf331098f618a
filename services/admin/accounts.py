"""Accounts of coordinators and regional staff: invited, enrolled, signed in. All of it blocks: call it in a thread.

The command line invites and closes (services.operator.accounts): ``create_invitation`` gives a token for one link,
``<base url>/invitation/<token>``, which works once and for seven days.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from services.admin import throttle
from services.admin.passwords import hash_password, is_password
from services.admin.store import Account, Accounts, AuditEntry, invitations, note, sessions, split, trail
from services.admin.throttle import FREE, FREE_FOR_NETWORK, FREE_FOR_USER
from shared.contracts.base import ChapterId, Role
from shared.contracts.errors import AlreadyDone, Invalid, NotFound, TooMany
from shared.gateway.database import Database
from shared.gateway.sessions import Sessions, hash_token
from shared.runtime.clock import real_now
from shared.runtime.ids import random_id
from shared.runtime.keys import KeyRing
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade

INVITATION = timedelta(days=7)
STEP_SECONDS = 30
RECOVERY_CODES = 10
ISSUER = "Chapterhouse"


@dataclass(frozen=True)
class Invitation:
    """What an invitation allows its bearer to become."""

    role: Role
    chapters: tuple[ChapterId, ...]
    ends_at: datetime


def plain(code: str) -> str:
    """A code as it is compared: spaces, dashes and case do not matter."""
    return "".join(code.split()).replace("-", "").upper()


def new_recovery_code() -> str:
    """50 bits, as ``ABCDE-FGHIJ``."""
    text = base64.b32encode(secrets.token_bytes(7)).decode()[:10]
    return f"{text[:5]}-{text[5:]}"


class Book:
    """The book of accounts, in the admin app's database."""

    def __init__(self, database: Database, keys: KeyRing, now: Callable[[], datetime] = real_now) -> None:
        self.database = database
        self.keys = keys
        self.now = now

    @classmethod
    def open(cls, url: str, keys: KeyRing) -> Book:
        """The book in this database, brought to today's schema."""
        engine = make_engine(url)
        upgrade("admin", engine)
        return cls(Database(engine), keys)

    # -- invitations ---------------------------------------------------------------------------

    def create_invitation(self, role: Role, chapters: Sequence[str] = ()) -> str:
        """Invite someone; the token of their link. A coordinator needs at least one chapter, regional staff none."""
        if role not in (Role.COORDINATOR, Role.REGIONAL):
            raise Invalid("invite a coordinator or regional staff", field="role")
        if (role is Role.COORDINATOR) != bool(chapters):
            raise Invalid("a coordinator has one chapter or more, regional staff none", field="chapters")
        token = secrets.token_urlsafe(32)
        with self.database.writing() as connection:
            connection.execute(delete(invitations).where(invitations.c.ends_at < self.now()))
            connection.execute(
                insert(invitations).values(
                    token_hash=hash_token(token),
                    role=role,
                    chapters="\n".join(chapters),
                    ends_at=self.now() + INVITATION,
                )
            )
        return token

    def invitation(self, token: str) -> Invitation:
        """What this link invites to. Raises NotFound for one that was used, is too old, or never was."""
        with self.database.reading() as connection:
            row = connection.execute(
                select(invitations).where(
                    invitations.c.token_hash == hash_token(token), invitations.c.ends_at > self.now()
                )
            ).one_or_none()
        if row is None:
            raise NotFound("this invitation was used, or is older than seven days")
        return Invitation(Role(row.role), split(row.chapters), row.ends_at)

    def accept(self, token: str, *, shown_name: str, user_name: str, password: str) -> str:
        """Become an account (its id), still without a second factor. Raises NotFound, or AlreadyDone (``user_name``)."""
        invited, hashed, account_id = self.invitation(token), hash_password(password), random_id()
        try:
            with self.database.writing() as connection:
                used = connection.execute(delete(invitations).where(invitations.c.token_hash == hash_token(token)))
                if not used.rowcount:
                    raise NotFound("this invitation was used")
                Accounts(connection, self.keys.kek).add(
                    account_id,
                    role=invited.role,
                    chapters=invited.chapters,
                    user_hash=self._user_hash(user_name),
                    user_name=user_name,
                    shown_name=shown_name,
                    password=hashed,
                    totp=pyotp.random_base32(),
                    at=self.now(),
                )
                note(connection, self.now(), account_id, "accepted_invitation")
        except IntegrityError as error:
            raise AlreadyDone("Choose another user name; this one is in use", field="user_name") from error
        return account_id

    # -- accounts ------------------------------------------------------------------------------

    def get(self, account_id: str) -> Account | None:
        """An account that may sign in."""
        with self.database.reading() as connection:
            account = Accounts(connection, self.keys.kek).get(account_id)
        return None if account is None or account.disabled else account

    def accounts(self) -> list[Account]:
        """All accounts by their user names, the closed ones last."""
        with self.database.reading() as connection:
            return sorted(Accounts(connection, self.keys.kek).all(), key=lambda each: (each.disabled, each.user_name))

    def close(self, user_name: str) -> int:
        """Close an account for good and free its user name; how many sessions ended with it. Raises NotFound."""
        with self.database.writing() as connection:
            rows = Accounts(connection, self.keys.kek)
            account_id = self._open(rows, user_name).account_id
            rows.change(account_id, disabled=True, user_hash=self.keys.keyed_hash("closed", account_id))
            ended = connection.execute(delete(sessions).where(sessions.c.subject == account_id))
            note(connection, self.now(), account_id, "account_closed")
        return ended.rowcount

    def reset(self, user_name: str) -> tuple[str, int]:
        """Close an account, and invite its owner anew to the same rights; the token, and as ``close``. Raises NotFound."""
        with self.database.reading() as connection:
            account = self._open(Accounts(connection, self.keys.kek), user_name)
        return self.create_invitation(account.role, account.chapters), self.close(user_name)

    def change_chapters(
        self, user_name: str, *, give: Sequence[ChapterId] = (), take: Sequence[ChapterId] = ()
    ) -> tuple[ChapterId, ...]:
        """Give and take chapters; those that a coordinator looks after then. Raises NotFound, Invalid."""
        with self.database.writing() as connection:
            rows = Accounts(connection, self.keys.kek)
            account = self._open(rows, user_name)
            if account.role is not Role.COORDINATOR:
                raise Invalid("regional staff see figures of all chapters, and look after none")
            left = tuple(each for each in dict.fromkeys([*account.chapters, *give]) if each not in take)
            if not left:
                raise Invalid("a coordinator has one chapter or more; `chapterhouse account close` ends the account")
            rows.change(account.account_id, chapters="\n".join(left))
            for act, chapters in (("chapter_given", give), ("chapter_taken", take)):
                for each in chapters:
                    note(connection, self.now(), account.account_id, act, chapter_id=each)
        return left

    def _open(self, rows: Accounts, user_name: str) -> Account:
        account = rows.by_user(self._user_hash(user_name))
        if account is None or account.disabled:
            raise NotFound(f"there is no open account called {user_name}; `chapterhouse account list` names them")
        return account

    def provisioning(self, account: Account) -> str:
        """What the QR code says to an authenticator app (otpauth URI)."""
        return pyotp.TOTP(account.totp).provisioning_uri(name=account.user_name, issuer_name=ISSUER)

    def confirm_totp(self, account_id: str, code: str) -> list[str] | None:
        """Turn the second factor on with its first code; the recovery codes, shown this once. None for a wrong code."""
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        with self.database.writing() as connection:
            rows = Accounts(connection, self.keys.kek)
            account = rows.get(account_id)
            if account is None or account.totp_confirmed or not self._totp(rows, account, code):
                return None
            rows.change(account_id, totp_confirmed=True)
            rows.set_recovery(account_id, [self._recovery_hash(account_id, each) for each in codes])
            note(connection, self.now(), account_id, "second_factor_on")
        return codes

    def renew_recovery(self, account_id: str) -> list[str]:
        """Ten new recovery codes; the old ones are void."""
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        with self.database.writing() as connection:
            hashes = [self._recovery_hash(account_id, each) for each in codes]
            Accounts(connection, self.keys.kek).set_recovery(account_id, hashes)
            note(connection, self.now(), account_id, "recovery_codes_renewed")
        return codes

    def recovery_left(self, account_id: str) -> int:
        """How many recovery codes are left."""
        with self.database.reading() as connection:
            return Accounts(connection, self.keys.kek).recovery_left(account_id)

    def change_password(self, account_id: str, password: str) -> None:
        """Set another password. Check the old one and a code before."""
        hashed = hash_password(password)
        with self.database.writing() as connection:
            Accounts(connection, self.keys.kek).change(account_id, password=hashed)
            note(connection, self.now(), account_id, "password_changed")

    # -- signing in ----------------------------------------------------------------------------

    def check_password(self, user_name: str, password: str, network: str) -> Account | None:
        """The account whose password this is. Raises TooMany. An unknown user name is not told from a wrong password."""
        whats = self._tries(f"user {self._user_hash(user_name)}", network)
        self._may_try(whats)
        with self.database.reading() as connection:
            account = Accounts(connection, self.keys.kek).by_user(self._user_hash(user_name))
        right = is_password(account.password if account and not account.disabled else None, password)
        with self.database.writing() as connection:
            if not right:
                throttle.failed(connection, whats, self.now())
                return None
        return account

    def check_code(self, account_id: str, code: str, network: str, act: str = "signed_in") -> bool:
        """Whether it is a TOTP code not used before, or a recovery code (then it is used up). Raises TooMany.

        ``act`` is what the trail says that the code was given for.
        """
        whats = self._tries(f"code {account_id}", network)
        self._may_try(whats)
        with self.database.writing() as connection:
            rows = Accounts(connection, self.keys.kek)
            account = rows.get(account_id)
            if account is None or account.disabled or not account.totp_confirmed:
                return False
            by_code = self._totp(rows, account, code)
            by_recovery = not by_code and rows.use_recovery(account_id, self._recovery_hash(account_id, code))
            if not (by_code or by_recovery):
                throttle.failed(connection, whats, self.now())
                return False
            forgotten = {**whats, **self._tries(f"user {self._user_hash(account.user_name)}", network)}
            throttle.succeeded(connection, [what for what, free in forgotten.items() if free != FREE_FOR_NETWORK])
            note(connection, self.now(), account_id, act if by_code else f"{act}_by_recovery_code")
        return True

    def _totp(self, rows: Accounts, account: Account, code: str) -> bool:
        """Within one step of the present, and each step once (RFC 6238, 5.2)."""
        present = int(self.now().timestamp()) // STEP_SECONDS
        given, totp = plain(code), pyotp.TOTP(account.totp, interval=STEP_SECONDS)
        for step in (present, present - 1, present + 1):
            if pyotp.utils.strings_equal(given, totp.generate_otp(step)):
                return rows.use_step(account.account_id, step)
        return False

    def _may_try(self, whats: dict[str, int]) -> None:
        with self.database.reading() as connection:
            wait = throttle.waiting(connection, whats, self.now())
        if wait:
            raise TooMany(f"Too many tries. Wait {wait} seconds, then try again.", retry_after=wait)

    def _tries(self, whose: str, network: str) -> dict[str, int]:
        """What failures are counted for, as keyed hashes, and how many of them are free."""
        return {
            self.keys.keyed_hash("tries", f"{whose} from {network}"): FREE,
            self.keys.keyed_hash("tries", whose): FREE_FOR_USER,
            self.keys.keyed_hash("tries", f"network {network}"): FREE_FOR_NETWORK,
        }

    def _user_hash(self, user_name: str) -> str:
        return self.keys.keyed_hash("user", user_name.strip().casefold())

    def _recovery_hash(self, account_id: str, code: str) -> str:
        return self.keys.keyed_hash("recovery", f"{account_id} {plain(code)}")

    # -- the trail -----------------------------------------------------------------------------

    def note(self, account_id: str, act: str, *, chapter_id: str | None = None, meeting_id: str | None = None) -> None:
        """Add a line to the audit trail."""
        with self.database.writing() as connection:
            note(connection, self.now(), account_id, act, chapter_id=chapter_id, meeting_id=meeting_id)

    def trail(self, account_id: str | None) -> tuple[list[AuditEntry], dict[str, str]]:
        """The newest lines of one account, or of all, and the names of colleagues by account id."""
        with self.database.reading() as connection:
            return trail(connection, account_id), Accounts(connection, self.keys.kek).names()

    def sessions(self, idle: timedelta, absolute: timedelta) -> Sessions:
        """The sessions of this app."""
        return Sessions(self.database, sessions, idle=idle, absolute=absolute, now=self.now)
