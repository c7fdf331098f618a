"""The unit of work of registration."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from sqlalchemy import Connection

from services.registration.agreement import Agreements, published
from services.registration.store.desk import Desk
from services.registration.store.meetings import MeetingTable
from services.registration.store.members import MemberTable
from services.registration.store.seats import SeatTable
from services.registration.store.sheet import SheetTable
from shared.contracts.base import MeetingId, MemberId, Sealed
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
        self.desk = Desk(connection, self.meetings)
        self.members = MemberTable(connection, self.vault)
        self.sheet = SheetTable(connection, self.vault)

    def foresee(
        self,
        meeting_ids: Collection[MeetingId],
        pairs: Collection[tuple[MeetingId, MemberId]],
        member_ids: Collection[MemberId],
    ) -> None:
        """Lock these meetings, then these members, each in their order; read at once what it takes to take these seats."""
        self.desk.foresee(meeting_ids, pairs)
        self.members.foresee(member_ids)

    def remember(self) -> Callable[[], None]:
        """What brings back all that waits to be written as it is now, seats included."""
        rows, desk = super().remember(), self.desk.remember()

        def bring_back() -> None:
            rows()
            desk()

        return bring_back

    def write_out(self) -> None:
        """Write the seats that were taken, and the rows added."""
        self.desk.write_out()
        super().write_out()

    def open_sealed(self, sealed: Sealed) -> str | None:
        """What a gateway sealed to this service; None where it cannot be opened."""
        try:
            return self.unseal(sealed)
        except CannotOpen:
            return None
