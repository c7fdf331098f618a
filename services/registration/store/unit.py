"""The unit of work of registration."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Connection

from services.registration.agreement import Agreements, published
from services.registration.store.meetings import MeetingTable
from services.registration.store.members import MemberTable
from services.registration.store.seats import SeatTable
from services.registration.store.sheet import SheetTable
from shared.contracts.base import Sealed
from shared.runtime.clock import Clock
from shared.runtime.keys import CannotOpen, KeyRing
from shared.storage.work import Work


class RegistrationStoreWork(Work):
    """One transaction of registration, with its repositories."""

    agreements: ClassVar[Agreements] = published()

    def __init__(self, connection: Connection, clock: Clock, keys: KeyRing) -> None:
        super().__init__(connection, clock, keys)
        self.meetings = MeetingTable(connection)
        self.seats = SeatTable(connection)
        self.members = MemberTable(connection, self.vault)
        self.sheet = SheetTable(connection, self.vault)

    def open_sealed(self, sealed: Sealed) -> str | None:
        """What a gateway sealed to this service; None where it cannot be opened."""
        try:
            return self.unseal(sealed)
        except CannotOpen:
            return None
