"""Contact points and codes under way, sealed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, bindparam, case, delete, insert, or_, select, update

from services.notifications.model.records import ContactPoint, Verification
from services.notifications.store.slices import slices
from services.notifications.store.tables import contact_points, verifications
from shared.contracts.base import Channel, ContactPointId, MemberId
from shared.storage.sealing import Forgotten, Vault

_CONTACT = (
    contact_points.c.contact_point_id,
    contact_points.c.member_id,
    contact_points.c.channel,
    contact_points.c.contact_hash,
    contact_points.c.locale,
    contact_points.c.verified_at,
)
_WITH_ADDRESS = select(*_CONTACT, contact_points.c.address).where(
    contact_points.c.contact_point_id.in_(bindparam("these", expanding=True))
)
_VERIFICATION = tuple(column for column in verifications.c if column.name not in ("address", "code"))


class Contacts:
    """See services.notifications.work.Contacts."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self._foreseen: dict[str, tuple[ContactPoint, bytes] | None] = {}

    def foresee(self, contact_point_ids: Collection[str]) -> list[ContactPoint]:
        """Read these at once; from now on they, and their addresses, are answered for from memory."""
        rows = self._connection.execute(_WITH_ADDRESS, {"these": list(contact_point_ids)}).all()
        found = {row.contact_point_id: (_contact(row), row.address) for row in rows}
        self._foreseen = {each: found.get(each) for each in contact_point_ids}
        self._vault.fetch([contact.member_id for contact, _ in found.values()])
        return [contact for contact, _ in found.values()]

    def get(self, contact_point_id: ContactPointId) -> ContactPoint | None:
        """The contact point with this id."""
        if contact_point_id in self._foreseen:
            known = self._foreseen[contact_point_id]
            return known[0] if known else None
        return self._one(contact_points.c.contact_point_id == contact_point_id)

    def by_hash(self, contact_hash: str) -> ContactPoint | None:
        """The contact point of this address, whoever's it is."""
        return self._one(contact_points.c.contact_hash == contact_hash)

    def of(self, member_id: MemberId) -> list[ContactPoint]:
        """A member's contact points, email first."""
        return self.of_all([member_id])[member_id]

    def of_all(self, member_ids: Sequence[MemberId]) -> dict[MemberId, list[ContactPoint]]:
        """The contact points of each of these members, email first; an empty list for who has none."""
        found: dict[MemberId, list[ContactPoint]] = {member_id: [] for member_id in member_ids}
        email_first = case((contact_points.c.channel == Channel.EMAIL.value, 0), else_=1)
        for some in slices(member_ids):
            rows = self._connection.execute(
                select(*_CONTACT)
                .where(contact_points.c.member_id.in_(some))
                .order_by(email_first, contact_points.c.contact_point_id)
            )
            for row in rows:
                found[row.member_id].append(_contact(row))
        return found

    def add(self, contact: ContactPoint, address: str) -> None:
        """Keep a verified contact point, its address sealed with the member's key."""
        self._connection.execute(
            insert(contact_points).values(
                contact_point_id=contact.contact_point_id,
                member_id=contact.member_id,
                channel=contact.channel.value,
                contact_hash=contact.contact_hash,
                address=self._vault.seal(contact.member_id, _place(contact), address),
                locale=contact.locale,
                verified_at=contact.verified_at,
            )
        )

    def address(self, contact: ContactPoint) -> str | None:
        """The address in the clear; None where its key was destroyed."""
        known = self._foreseen.get(contact.contact_point_id)
        sealed = (
            known[1]
            if known
            else self._connection.scalar(
                select(contact_points.c.address).where(contact_points.c.contact_point_id == contact.contact_point_id)
            )
        )
        if sealed is None:
            return None
        try:
            return self._vault.open(contact.member_id, _place(contact), sealed)
        except Forgotten:
            return None

    def remove(self, contact_point_id: ContactPointId) -> None:
        """Forget a contact point."""
        self._connection.execute(delete(contact_points).where(contact_points.c.contact_point_id == contact_point_id))

    def forget(self, member_id: MemberId) -> None:
        """Forget a member's contact points and the verifications of these; what else the member began is over.

        Its row stays for the limits, and does not name them.
        """
        hashes = [contact.contact_hash for contact in self.of(member_id)]
        theirs = or_(verifications.c.contact_hash.in_(hashes), verifications.c.client == member_id)
        begun = delete(verifications).where(theirs).returning(verifications.c.verification_id)
        for verification_id in self._connection.scalars(begun).all():
            self._vault.forget(verification_id)
        under_way = select(verifications.c.verification_id).where(verifications.c.member_id == member_id)
        self._erase(list(self._connection.scalars(under_way)))
        self._connection.execute(delete(contact_points).where(contact_points.c.member_id == member_id))

    def start(self, verification: Verification, address: str, code: str) -> None:
        """Keep a verification; address and code sealed with a key of its own."""
        owner = verification.verification_id
        self._connection.execute(
            insert(verifications).values(
                verification_id=owner,
                channel=verification.channel.value,
                contact_hash=verification.contact_hash,
                client=verification.client,
                locale=verification.locale,
                code_hash=verification.code_hash,
                tries_left=verification.tries_left,
                started_at=verification.started_at,
                expires_at=verification.expires_at,
                settled=False,
                member_id=verification.member_id,
                address=self._vault.seal(owner, f"verifications.address.{owner}", address),
                code=self._vault.seal(owner, f"verifications.code.{owner}", code),
            )
        )

    def verification(self, verification_id: str, *, lock: bool = False) -> Verification | None:
        """The verification with this id, locked for this transaction where asked."""
        statement = select(*_VERIFICATION).where(verifications.c.verification_id == verification_id)
        if lock:
            statement = statement.with_for_update()
        row = self._connection.execute(statement).one_or_none()
        return Verification(**{**row._mapping, "channel": Channel(row.channel)}) if row else None  # noqa: SLF001

    def under_way(self, verification: Verification) -> str | None:
        """The address that is being verified, in the clear; None once it is erased."""
        return self._open(verification, verifications.c.address)

    def code(self, verification: Verification) -> str | None:
        """The code in the clear, None once it was sent or is over."""
        return self._open(verification, verifications.c.code)

    def erase_code(self, verification_id: str) -> None:
        """The code left, or never will: only its hash stays."""
        self._connection.execute(
            update(verifications).where(verifications.c.verification_id == verification_id).values(code=None)
        )

    def _open(self, verification: Verification, column: Column[bytes]) -> str | None:
        owner = verification.verification_id
        sealed = self._connection.scalar(select(column).where(verifications.c.verification_id == owner))
        if sealed is None:
            return None
        try:
            return self._vault.open(owner, f"verifications.{column.name}.{owner}", sealed)
        except Forgotten:
            return None

    def missed(self, verification_id: str, tries_left: int) -> None:
        """A try failed."""
        self._connection.execute(
            update(verifications)
            .where(verifications.c.verification_id == verification_id)
            .values(tries_left=tries_left)
        )

    def settle(self, verification_id: str) -> None:
        """The code is used: address and code are erased, the row stays for the limits."""
        self._erase([verification_id])

    def started_since(self, *, contact_hash: str = "", client: str = "", since: datetime) -> list[datetime]:
        """When codes were asked for since then (real time), for this contact or from this client, oldest first."""
        whose = verifications.c.contact_hash == contact_hash if contact_hash else verifications.c.client == client
        statement = select(verifications.c.started_at).where(whose, verifications.c.started_at > since)
        return list(self._connection.scalars(statement.order_by(verifications.c.started_at)))

    def prune(self, now: datetime, keep_after: datetime) -> None:
        """Erase what has expired by ``now``, and drop rows that began before ``keep_after`` (both real time)."""
        expired = select(verifications.c.verification_id).where(
            verifications.c.expires_at <= now, or_(verifications.c.address.is_not(None), ~verifications.c.settled)
        )
        self._erase(list(self._connection.scalars(expired)))
        self._connection.execute(delete(verifications).where(verifications.c.started_at < keep_after))

    def _erase(self, verification_ids: list[str]) -> None:
        if not verification_ids:
            return
        self._connection.execute(
            update(verifications)
            .where(verifications.c.verification_id.in_(verification_ids))
            .values(settled=True, member_id=None, address=None, code=None)
        )
        for verification_id in verification_ids:
            self._vault.forget(verification_id)

    def _one(self, condition: Any) -> ContactPoint | None:
        row = self._connection.execute(select(*_CONTACT).where(condition)).one_or_none()
        return _contact(row) if row else None


def _place(contact: ContactPoint) -> str:
    return f"contact_points.address.{contact.contact_point_id}"


def _contact(row: Any) -> ContactPoint:
    return ContactPoint(
        row.contact_point_id,
        row.member_id,
        Channel(row.channel),
        row.contact_hash,
        row.locale,
        row.verified_at,
    )
