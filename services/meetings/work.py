"""What the handlers need of the unit of work. The store fills it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from services.meetings.model.imported import Imported
from services.meetings.model.meeting import Gathering, Meeting
from services.meetings.model.network import Chapter, Group, Region, Room, RoomSecrets, Venue
from services.meetings.model.series import Series
from shared.contracts.base import (
    ChapterId,
    Event,
    GroupId,
    MeetingId,
    RegionId,
    RoomId,
    Sealed,
    SeriesId,
    VenueId,
)
from shared.contracts.meetings import FindMeetings


class Regions(Protocol):
    """There is one region in a cell."""

    def the_one(self) -> Region | None:
        """The region, if it was founded."""
        ...

    def add(self, region: Region) -> None:
        """Keep a new one."""
        ...


class Chapters(Protocol):
    """The region's chapters."""

    def get(self, chapter_id: ChapterId) -> Chapter | None:
        """One chapter."""
        ...

    def hold(self, chapter_id: ChapterId) -> None:
        """Lock it until the transaction ends, so that two imports of one list come one after the other."""
        ...

    def by_slug(self, region_id: RegionId, slug: str) -> Chapter | None:
        """The chapter of this name in addresses."""
        ...

    def all(self) -> Sequence[Chapter]:
        """All, by name."""
        ...

    def add(self, chapter: Chapter) -> None:
        """Keep a new one."""
        ...


class Groups(Protocol):
    """The chapters' groups."""

    def get(self, group_id: GroupId) -> Group | None:
        """One group."""
        ...

    def of(self, chapter_id: ChapterId) -> Sequence[Group]:
        """All of a chapter, by name."""
        ...

    def add(self, group: Group) -> None:
        """Keep a new one."""
        ...

    def change(self, group: Group) -> None:
        """Keep it as it is now."""
        ...


class Venues(Protocol):
    """The chapters' physical places."""

    def get(self, venue_id: VenueId) -> Venue | None:
        """One venue."""
        ...

    def of(self, chapter_id: ChapterId) -> Sequence[Venue]:
        """All of a chapter, by name."""
        ...

    def same(self, venue: Venue) -> Venue | None:
        """One of the chapter that is the same but for its id."""
        ...

    def add(self, venue: Venue) -> None:
        """Keep a new one."""
        ...


class Rooms(Protocol):
    """The chapters' online rooms; what lets one in is sealed at rest."""

    def get(self, room_id: RoomId) -> Room | None:
        """One room, without its secrets."""
        ...

    def of(self, chapter_id: ChapterId) -> Sequence[Room]:
        """All of a chapter, by name."""
        ...

    def same(self, chapter_id: ChapterId, secrets: RoomSecrets) -> Room | None:
        """One of the chapter with the same secrets, found by their keyed hash."""
        ...

    def add(self, room: Room, secrets: RoomSecrets) -> None:
        """Keep a new one, its secrets sealed."""
        ...

    def secrets(self, room_id: RoomId) -> RoomSecrets:
        """What lets one in."""
        ...


class AllSeries(Protocol):
    """The rules that make meetings."""

    def get(self, series_id: SeriesId) -> Series | None:
        """One series, locked until the transaction ends."""
        ...

    def add(self, series: Series) -> None:
        """Keep a new one."""
        ...

    def change(self, series: Series) -> None:
        """Keep it as it is now."""
        ...

    def to_lay_out(self, covered: datetime, limit: int) -> Sequence[Series]:
        """Open ones that are laid out less far than ``covered``, the least far first, locked."""
        ...

    def listed(self, chapter_id: ChapterId | None) -> Sequence[Series]:
        """Those that still meet, or are paused."""
        ...


class Meetings(Protocol):
    """The meetings."""

    def get(self, meeting_id: MeetingId) -> Gathering | None:
        """One meeting."""
        ...

    def to_change(self, meeting_id: MeetingId) -> Gathering | None:
        """One meeting, locked until the transaction ends."""
        ...

    def add(self, meetings: Sequence[Meeting]) -> None:
        """Keep new ones."""
        ...

    def change(self, meeting: Meeting) -> None:
        """Keep it as it is now."""
        ...

    def of_series(self, series_id: SeriesId) -> Sequence[MeetingId]:
        """The meetings that a series has laid out, by start."""
        ...

    def coming_of(self, series_id: SeriesId, now: datetime) -> Sequence[Gathering]:
        """A series' scheduled meetings that have not begun, by start, locked."""
        ...

    def dates_of(self, series_id: SeriesId, since: date) -> set[date]:
        """The dates from this local day on that are taken by a meeting of the series, whatever became of it."""
        ...

    def of_series_from(self, series_id: SeriesId, now: datetime) -> Sequence[Gathering]:
        """A series' meetings that are not over, also cancelled ones, by start."""
        ...

    def past_their_end(self, now: datetime, limit: int) -> Sequence[Gathering]:
        """Scheduled meetings whose end has passed, the longest first, locked."""
        ...

    def find(self, query: FindMeetings) -> Sequence[Gathering]:
        """The meetings that a query asks for, by start; one more than its limit where there are more."""
        ...

    def headlines(self, now: datetime, chapter_id: ChapterId | None) -> Sequence[Gathering]:
        """Of each series the next meeting, and those of its coming ones that were changed or cancelled, by start."""
        ...

    def coming(
        self,
        now: datetime,
        chapter_id: ChapterId | None,
        group_id: GroupId | None = None,
        *,
        limit: int | None = None,
    ) -> Sequence[Gathering]:
        """Meetings that are not over, also cancelled ones, by start; the first ``limit``."""
        ...


class ImportedRows(Protocol):
    """Which rows of which list made what."""

    def digest(self, content: str) -> str:
        """A keyed hash of what a row says, which may be secret."""
        ...

    def get(self, chapter_id: ChapterId, slug: str) -> Imported | None:
        """What this slug made."""
        ...

    def put(self, imported: Imported) -> None:
        """Keep what it makes now."""
        ...


class Work(Protocol):
    """One transaction of the meetings service."""

    @property
    def regions(self) -> Regions: ...  # noqa: D102
    @property
    def chapters(self) -> Chapters: ...  # noqa: D102
    @property
    def groups(self) -> Groups: ...  # noqa: D102
    @property
    def venues(self) -> Venues: ...  # noqa: D102
    @property
    def rooms(self) -> Rooms: ...  # noqa: D102
    @property
    def series(self) -> AllSeries: ...  # noqa: D102
    @property
    def meetings(self) -> Meetings: ...  # noqa: D102
    @property
    def imported(self) -> ImportedRows: ...  # noqa: D102

    @property
    def now(self) -> datetime:
        """Domain time, aware, UTC."""
        ...

    def new_id(self) -> str:
        """A fresh id."""
        ...

    def publish(self, event: Event) -> None:
        """Say that something happened."""
        ...

    def unseal(self, sealed: Sealed) -> str:
        """Open what was sealed to this service. Raises shared.runtime.keys.CannotOpen."""
        ...

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text to another service. Raises KeyError where there is none of this name."""
        ...
