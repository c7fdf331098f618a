"""What the use cases of notifications need of their unit of work. The store fills it; tests may too."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from services.notifications.model.records import Notice
from services.notifications.work.facts import Calendar, Feedback
from services.notifications.work.notices import Notices
from services.notifications.work.people import Contacts, Members
from shared.contracts.base import Event, Sealed
from shared.runtime.keys import KeyRing

__all__ = ["Calendar", "Contacts", "Feedback", "Members", "Notices", "Work"]


class Work(Protocol):
    """One open transaction of notifications."""

    @property
    def contacts(self) -> Contacts:
        """Contact points and codes."""
        ...

    @property
    def members(self) -> Members:
        """Consents, preferences, suppressions."""
        ...

    @property
    def calendar(self) -> Calendar:
        """Meetings and seats."""
        ...

    @property
    def feedback(self) -> Feedback:
        """Windows and attendance."""
        ...

    @property
    def notices(self) -> Notices:
        """Notices and deliveries."""
        ...

    @property
    def keys(self) -> KeyRing:
        """This service's keys: for keyed hashes."""
        ...

    @property
    def now(self) -> datetime:
        """Domain time."""
        ...

    @property
    def real_now(self) -> datetime:
        """The machine's time."""
        ...

    def new_id(self) -> str:
        """A time-ordered id."""
        ...

    def publish(self, event: Event) -> None:
        """Say that something happened, if this transaction commits."""
        ...

    def unseal(self, sealed: Sealed) -> str:
        """Open what was sealed to this service."""
        ...

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text to another service or gateway."""
        ...

    def foresee(self, notices: Sequence[Notice]) -> None:
        """Read all that the gate looks at of these notices, in a statement a table and not one by one.

        From now on this work answers from memory for it: nothing of it may be written in the same transaction.
        """
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """What is done inside is undone when it raises."""
        ...
