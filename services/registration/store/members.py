"""Members, their sealed aliases, what they accepted, and the ledger of their consents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from services.registration.model.consents import Decision, How, Pair
from services.registration.model.members import Member
from services.registration.store.tables import acceptances, consents, contacts, members
from shared.contracts.base import Channel, ContactPointId, MemberId
from shared.contracts.registration import Purpose, RoleInAttending
from shared.storage.engine import upsert
from shared.storage.sealing import Forgotten, Vault

_MEMBER: Select[Any] = select(members.c.member_id, members.c.agreement, members.c.left_at)


class MemberTable:
    """The repository of members."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self._foreseen: dict[MemberId, Member] = {}

    def foresee(self, member_ids: Collection[MemberId]) -> None:
        """Lock these in the order of their ids, and read them at once, where each is about to be looked for."""
        if member_ids:
            these = _MEMBER.where(members.c.member_id.in_(list(member_ids))).order_by(members.c.member_id)
            found = [_member(row) for row in self._connection.execute(these.with_for_update())]
            self._foreseen = {member.member_id: member for member in found}

    def find(self, member_id: MemberId) -> Member | None:
        """Without the alias."""
        if member_id in self._foreseen:
            return self._foreseen[member_id]
        return self._read(_MEMBER.where(members.c.member_id == member_id))

    def lock(self, member_id: MemberId) -> Member | None:
        """The member, their ledger kept from everybody else until this transaction ends."""
        return self._read(_MEMBER.where(members.c.member_id == member_id).with_for_update())

    def add(self, member: Member, *, alias: str, role: RoleInAttending, at: datetime) -> bool:
        """A new member, alias and role sealed; False where there is one already."""
        inserted = self._connection.execute(
            upsert(self._connection, members)
            .values(member_id=member.member_id, alias=b"", role=b"", agreement=member.agreement, joined_at=at)
            .on_conflict_do_nothing()
            .returning(members.c.member_id)
        ).first()
        if inserted is None:
            return False
        # Sealed after the row is there: only one of two who join at once makes a key.
        sealed = {
            name: self._vault.seal(member.member_id, _place(name, member.member_id), value)
            for name, value in (("alias", alias), ("role", role.value))
        }
        self._connection.execute(update(members).where(members.c.member_id == member.member_id).values(sealed))
        return True

    def alias(self, member_id: MemberId) -> str:
        """The alias, opened; empty where its key was destroyed."""
        return self._opened("alias", member_id)

    def role(self, member_id: MemberId) -> RoleInAttending | None:
        """As whom they attend, opened; None where its key was destroyed."""
        role = self._opened("role", member_id)
        return RoleInAttending(role) if role else None

    def accept(self, member_id: MemberId, version: int, *, locale: str, at: datetime) -> None:
        """A version of the agreement was accepted; once for each version."""
        self._foreseen.pop(member_id, None)
        self._connection.execute(
            upsert(self._connection, acceptances)
            .values(member_id=member_id, version=version, locale=locale, accepted_at=at)
            .on_conflict_do_nothing()
        )
        newer = (members.c.member_id == member_id) & (members.c.agreement < version)
        self._connection.execute(update(members).where(newer).values(agreement=version))

    def standing(self, member_id: MemberId) -> Mapping[Pair, Decision]:
        """The newest decision for each purpose and channel."""
        statement = select(consents).where(consents.c.member_id == member_id).order_by(consents.c.decided)
        return {
            (Purpose(row.purpose), Channel(row.channel)): Decision(
                purpose=Purpose(row.purpose),
                channel=Channel(row.channel),
                granted=row.granted,
                decided=row.decided,
                wording=row.wording,
                locale=row.locale,
                how=How(row.how),
            )
            for row in self._connection.execute(statement)
        }

    def append(self, member_id: MemberId, decisions: Iterable[Decision], at: datetime) -> None:
        """Write lines to the ledger, which knows no change and no removal."""
        rows = [
            {
                "member_id": member_id,
                "purpose": each.purpose,
                "channel": each.channel,
                "decided": each.decided,
                "granted": each.granted,
                "wording": each.wording,
                "locale": each.locale,
                "how": each.how,
                "decided_at": at,
            }
            for each in decisions
        ]
        if rows:
            self._connection.execute(insert(consents), rows)

    def reached_by(self, member_id: MemberId, contact: ContactPointId, channel: Channel, at: datetime) -> None:
        """The member proved that a contact point is theirs: the newest proof stands."""
        statement = upsert(self._connection, contacts).values(
            contact_point_id=contact, member_id=member_id, channel=channel, verified_at=at
        )
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[contacts.c.contact_point_id], set_={"member_id": member_id, "verified_at": at}
            )
        )

    def leave(self, member_id: MemberId, at: datetime) -> bool:
        """The row stays, empty, and says when; where there was none, one is made that says no more."""
        self._foreseen.pop(member_id, None)
        emptied = {"alias": b"", "role": b"", "left_at": at}
        statement = upsert(self._connection, members).values(member_id=member_id, agreement=0, joined_at=at, **emptied)
        left = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[members.c.member_id], set_=emptied, where=members.c.left_at.is_(None)
            ).returning(members.c.member_id)
        ).first()
        if left is None:
            return False
        self._connection.execute(delete(contacts).where(contacts.c.member_id == member_id))
        self._vault.forget(member_id)
        return True

    def _read(self, statement: Select[Any]) -> Member | None:
        row = self._connection.execute(statement).first()
        return _member(row) if row else None

    def _opened(self, column: str, member_id: MemberId) -> str:
        sealed = self._connection.scalar(select(members.c[column]).where(members.c.member_id == member_id))
        try:
            return self._vault.open(member_id, _place(column, member_id), sealed) if sealed else ""
        except Forgotten:
            return ""


def _member(row: Row[Any]) -> Member:
    return Member(MemberId(row.member_id), row.agreement, left=row.left_at is not None)


def _place(column: str, member_id: MemberId) -> str:
    return f"members.{column}.{member_id}"
