"""Members: that they exist, what they consented to, how they wish to be written to, and who not to write to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, delete, func, select, union_all

from services.notifications.model.records import Consent, ContactPoint, Suppression
from services.notifications.store.tables import consents, contact_points, members, preferences, seats, suppressions
from shared.contracts.base import Channel, MemberId
from shared.contracts.notifications import Preferences
from shared.contracts.registration import ConsentDecided, Purpose
from shared.runtime.clock import Clock
from shared.storage.engine import upsert
from shared.storage.sealing import Forgotten, Vault

_SUPPRESSION = (suppressions.c.contact_hash, suppressions.c.purpose, suppressions.c.reason, suppressions.c.decided)
_CONSENTS = select(consents).where(consents.c.member_id.in_(bindparam("these", expanding=True)))
_CHOSEN = select(preferences).where(preferences.c.member_id.in_(bindparam("these", expanding=True)))
_SUPPRESSED = select(*_SUPPRESSION).where(suppressions.c.contact_hash.in_(bindparam("these", expanding=True)))


class Members:
    """See services.notifications.work.Members."""

    def __init__(self, connection: Connection, vault: Vault, clock: Clock) -> None:
        self._connection = connection
        self._vault = vault
        self._clock = clock
        self._consents: dict[str, dict[tuple[str, str], Consent]] = {}
        self._chosen: dict[str, bytes | None] = {}
        self._suppressions: dict[str, list[Suppression]] = {}

    def foresee(self, contacts: Sequence[ContactPoint]) -> None:
        """Read what is known of who is reached there at once; from now on it is answered for from memory."""
        self._consents = {contact.member_id: {} for contact in contacts}
        self._chosen = dict.fromkeys(self._consents)
        self._suppressions = {contact.contact_hash: [] for contact in contacts}
        for row in self._connection.execute(_CONSENTS, {"these": list(self._consents)}):
            self._consents[row.member_id][row.purpose, row.channel] = Consent(row.granted, row.decided)
        for row in self._connection.execute(_CHOSEN, {"these": list(self._chosen)}):
            self._chosen[row.member_id] = row.chosen
        for row in self._connection.execute(_SUPPRESSED, {"these": list(self._suppressions)}):
            self._suppressions[row.contact_hash].append(Suppression(*row))

    def join(self, member_id: MemberId) -> None:
        """Someone became a member."""
        self._connection.execute(upsert(self._connection, members).values(member_id=member_id).on_conflict_do_nothing())

    def leave(self, member_id: MemberId) -> None:
        """Destroy the member's key and preferences; only that this id left is kept. The first time stands."""
        statement = upsert(self._connection, members).values(member_id=member_id, left_at=self._clock.now())
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[members.c.member_id],
                set_={"left_at": func.coalesce(members.c.left_at, statement.excluded.left_at)},
            )
        )
        self._connection.execute(delete(preferences).where(preferences.c.member_id == member_id))
        self._vault.forget(member_id)

    def has_left(self, member_id: MemberId | None) -> bool:
        """Whether this id left. Nobody (None) never does."""
        return member_id is not None and self._left_at(select(members.c.left_at), member_id) is not None

    def stays(self, member_id: MemberId) -> bool:
        """Whether this id has not left; its row, made where there is none, keeps it from leaving for now."""
        self.join(member_id)
        return self._left_at(select(members.c.left_at).with_for_update(), member_id) is None

    def _left_at(self, statement: Select[datetime | None], member_id: MemberId) -> datetime | None:
        return self._connection.scalar(statement.where(members.c.member_id == member_id))

    def known(self, member_id: MemberId) -> bool:
        """Whether anything here belongs to this id: such an id cannot be given to someone new."""
        tables = (members, contact_points, consents, preferences, seats)
        found = union_all(*(select(table.c.member_id).where(table.c.member_id == member_id) for table in tables))
        return self._connection.execute(found).first() is not None

    def decide(self, event: ConsentDecided) -> bool:
        """Keep a consent decision; False where a newer one is known."""
        statement = upsert(self._connection, consents).values(
            member_id=event.member_id,
            purpose=event.purpose.value,
            channel=event.channel.value,
            granted=event.granted,
            decided=event.decided,
        )
        kept = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[consents.c.member_id, consents.c.purpose, consents.c.channel],
                set_={"granted": statement.excluded.granted, "decided": statement.excluded.decided},
                where=consents.c.decided < statement.excluded.decided,
            ).returning(consents.c.decided)
        )
        return kept.first() is not None

    def consent(self, member_id: MemberId, purpose: Purpose, channel: Channel) -> Consent | None:
        """The newest decision, None where none was heard."""
        if member_id in self._consents:
            return self._consents[member_id].get((purpose.value, channel.value))
        row = self._connection.execute(
            select(consents.c.granted, consents.c.decided).where(
                consents.c.member_id == member_id,
                consents.c.purpose == purpose.value,
                consents.c.channel == channel.value,
            )
        ).one_or_none()
        return Consent(row.granted, row.decided) if row else None

    def has_decided(self, member_id: MemberId) -> bool:
        """Whether any decision of this member was heard, for whatever purpose and channel."""
        if member_id in self._consents:
            return bool(self._consents[member_id])
        known = select(consents.c.member_id).where(consents.c.member_id == member_id).limit(1)
        return self._connection.scalar(known) is not None

    def preferences(self, member_id: MemberId) -> Preferences | None:
        """What the member chose; None where they never did."""
        sealed = (
            self._chosen[member_id]
            if member_id in self._chosen
            else self._connection.scalar(select(preferences.c.chosen).where(preferences.c.member_id == member_id))
        )
        if sealed is None:
            return None
        try:
            return Preferences.model_validate_json(self._vault.open(member_id, _place(member_id), sealed))
        except Forgotten:
            return None

    def prefer(self, member_id: MemberId, preferences_: Preferences) -> None:
        """Keep the member's choice, sealed."""
        sealed = self._vault.seal(member_id, _place(member_id), preferences_.model_dump_json())
        statement = upsert(self._connection, preferences).values(member_id=member_id, chosen=sealed)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[preferences.c.member_id], set_={"chosen": sealed})
        )

    def suppress(self, suppression: Suppression) -> None:
        """Write to this contact no more. It is known by its keyed hash, so that it outlives the contact point."""
        statement = upsert(self._connection, suppressions).values(
            contact_hash=suppression.contact_hash,
            purpose=suppression.purpose,
            reason=suppression.reason,
            decided=suppression.decided,
            at=self._clock.now(),
        )
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[suppressions.c.contact_hash, suppressions.c.purpose, suppressions.c.reason],
                set_={"decided": suppression.decided},
            )
        )

    def suppressions(self, contact_hash: str) -> tuple[Suppression, ...]:
        """Why this contact is written to no more, if so."""
        if contact_hash in self._suppressions:
            return tuple(self._suppressions[contact_hash])
        rows = self._connection.execute(select(*_SUPPRESSION).where(suppressions.c.contact_hash == contact_hash))
        return tuple(Suppression(*row) for row in rows)

    def lift(
        self, contact_hash: str, *, reason: str, purpose: str | None = None, decided_before: int | None = None
    ) -> None:
        """Take a suppression back."""
        statement = delete(suppressions).where(
            suppressions.c.contact_hash == contact_hash, suppressions.c.reason == reason
        )
        if purpose is not None:
            statement = statement.where(suppressions.c.purpose == purpose)
        if decided_before is not None:
            statement = statement.where(suppressions.c.decided < decided_before)
        self._connection.execute(statement)


def _place(member_id: MemberId) -> str:
    return f"preferences.chosen.{member_id}"
