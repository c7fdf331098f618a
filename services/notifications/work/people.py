"""Whom notifications knows: where they can be reached, what they wish, and who is not to be written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.notifications.model.records import (
    Consent,
    ContactPoint,
    Suppression,
    Verification,
)
from shared.contracts.base import (
    Channel,
    ContactPointId,
    MemberId,
)
from shared.contracts.notifications import Preferences
from shared.contracts.registration import ConsentDecided, Purpose


class Contacts(Protocol):
    """Contact points and codes under way: the only place where an address or number is stored, sealed."""

    def get(self, contact_point_id: ContactPointId) -> ContactPoint | None:
        """The contact point with this id."""
        ...

    def by_hash(self, contact_hash: str) -> ContactPoint | None:
        """The contact point of this address, whoever's it is."""
        ...

    def of(self, member_id: MemberId) -> list[ContactPoint]:
        """A member's contact points, email first."""
        ...

    def of_all(self, member_ids: Sequence[MemberId]) -> dict[MemberId, list[ContactPoint]]:
        """The contact points of each of these members, email first; an empty list for who has none."""
        ...

    def add(self, contact: ContactPoint, address: str) -> None:
        """Keep a verified contact point, its address sealed with the member's key."""
        ...

    def address(self, contact: ContactPoint) -> str | None:
        """The address in the clear; None where its key was destroyed."""
        ...

    def remove(self, contact_point_id: ContactPointId) -> None:
        """Forget a contact point."""
        ...

    def forget(self, member_id: MemberId) -> None:
        """Forget a member's contact points and the verifications of these; what else the member began is over."""
        ...

    def start(self, verification: Verification, address: str, code: str) -> None:
        """Keep a verification; address and code sealed with a key of its own."""
        ...

    def verification(self, verification_id: str, *, lock: bool = False) -> Verification | None:
        """The verification with this id, locked for this transaction where asked."""
        ...

    def under_way(self, verification: Verification) -> str | None:
        """The address that is being verified, in the clear; None once it is erased."""
        ...

    def code(self, verification: Verification) -> str | None:
        """The code in the clear, None once it was sent or is over."""
        ...

    def erase_code(self, verification_id: str) -> None:
        """The code left, or never will: only its hash stays."""
        ...

    def missed(self, verification_id: str, tries_left: int) -> None:
        """A try failed."""
        ...

    def settle(self, verification_id: str) -> None:
        """The code is used: address and code are erased, the row stays for the limits."""
        ...

    def started_since(self, *, contact_hash: str = "", client: str = "", since: datetime) -> list[datetime]:
        """When codes were asked for since then (real time), for this contact or from this client, oldest first."""
        ...

    def prune(self, now: datetime, keep_after: datetime) -> None:
        """Erase what has expired by ``now``, and drop rows that began before ``keep_after`` (both real time)."""
        ...


class Members(Protocol):
    """What is known of members: that they exist, their consents, preferences and suppressions."""

    def join(self, member_id: MemberId) -> None:
        """Someone became a member."""
        ...

    def leave(self, member_id: MemberId) -> None:
        """Destroy the member's key and preferences; only that this id left is kept."""
        ...

    def has_left(self, member_id: MemberId | None) -> bool:
        """Whether this id left. Nobody (None) never does."""
        ...

    def stays(self, member_id: MemberId) -> bool:
        """Whether this id has not left, and does not until this transaction ends. It is taken from now on."""
        ...

    def known(self, member_id: MemberId) -> bool:
        """Whether anything here belongs to this id: such an id cannot be given to someone new."""
        ...

    def decide(self, event: ConsentDecided) -> bool:
        """Keep a consent decision; False where a newer one is known."""
        ...

    def consent(self, member_id: MemberId, purpose: Purpose, channel: Channel) -> Consent | None:
        """The newest decision, None where none was heard."""
        ...

    def has_decided(self, member_id: MemberId) -> bool:
        """Whether any decision of this member was heard, for whatever purpose and channel."""
        ...

    def preferences(self, member_id: MemberId) -> Preferences | None:
        """What the member chose; None where they never did."""
        ...

    def prefer(self, member_id: MemberId, preferences_: Preferences) -> None:
        """Keep the member's choice, sealed."""
        ...

    def suppress(self, suppression: Suppression) -> None:
        """Write to this contact no more. It is known by its keyed hash, so that it outlives the contact point."""
        ...

    def suppressions(self, contact_hash: str) -> tuple[Suppression, ...]:
        """Why this contact is written to no more, if so."""
        ...

    def lift(
        self, contact_hash: str, *, reason: str, purpose: str | None = None, decided_before: int | None = None
    ) -> None:
        """Take a suppression back."""
        ...
