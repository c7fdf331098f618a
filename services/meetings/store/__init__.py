"""The meetings service's database: tables, and the unit of work that reads and writes them."""

from __future__ import annotations

from sqlalchemy import Connection

from services.meetings.store.imported import ImportedRows
from services.meetings.store.network import Chapters, Groups, Regions, Rooms, Venues
from services.meetings.store.schedule import AllSeries, Meetings
from services.meetings.store.tables import metadata
from shared.runtime.clock import Clock
from shared.runtime.keys import KeyRing
from shared.storage.work import Work

__all__ = ["MeetingsWork", "metadata"]


class MeetingsWork(Work):
    """One transaction of the meetings service."""

    def __init__(self, connection: Connection, clock: Clock, keys: KeyRing) -> None:
        super().__init__(connection, clock, keys)
        self.regions = Regions(connection)
        self.chapters = Chapters(connection)
        self.groups = Groups(connection)
        self.venues = Venues(connection)
        self.rooms = Rooms(connection, self.vault, keys)
        self.series = AllSeries(connection)
        self.meetings = Meetings(connection)
        self.imported = ImportedRows(connection, keys)
