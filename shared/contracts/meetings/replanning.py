"""Change a series from a day on, or stop it: what becomes of the meetings that are laid out already."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    Command,
    Contract,
    Done,
    GroupId,
    Instant,
    LocalTime,
    MeetingId,
    Query,
    RoomId,
    SeriesId,
    VenueId,
    View,
)
from shared.contracts.errors import Refused
from shared.contracts.meetings.events import ModeOffer
from shared.contracts.meetings.finding import MeetingView


class SeriesIsOver(Refused):
    """The series has no date left, or its list says that it does not meet for now."""

    code = "series_is_over"


class SeriesChange(Contract):
    """A series as it shall be: all of it, not only what is otherwise. The days that it skips stay."""

    rrule: str | None = None  # as in SeriesRule; None keeps the days as they are
    starts: LocalTime
    minutes: int = Field(ge=10, le=600)
    offers: tuple[ModeOffer, ...] = Field(min_length=1)
    venue_id: VenueId | None = None
    room_id: RoomId | None = None


class ChangeSeries(Command[Done]):
    """Change a series from a local day on. Coordinator of its chapter, or operator.

    A meeting that is laid out keeps its seats where the new rule has one on the same day, else in the same week
    (of a monthly rule: month); the others are cancelled. What a person changed by hand stays. ``from_date`` lies within the eight weeks that
    are laid out. ``as_of`` is what the person saw.
    """

    type: ClassVar[str] = "meetings.change_series.v1"

    series_id: SeriesId
    as_of: Instant
    from_date: date
    change: SeriesChange


class StopSeries(Command[Done]):
    """A series meets no more from a local day on: what is laid out from then on is cancelled."""

    type: ClassVar[str] = "meetings.stop_series.v1"

    series_id: SeriesId
    as_of: Instant
    from_date: date


class DateOutcome(StrEnum):
    """What becomes of one date."""

    STAYS = "stays"
    RESIZED = "resized"  # more or fewer places; nobody is written to
    MOVED = "moved"  # in time or place; who holds a seat is told
    CANCELLED = "cancelled"  # who holds a seat is told
    ADDED = "added"


class DatePreview(Contract):
    """One date of a series, before and after the change."""

    outcome: DateOutcome
    meeting_id: MeetingId | None  # None: it is laid out anew
    before: Instant | None
    after: Instant | None  # None: it is cancelled
    ends: Instant | None
    by_hand: bool = False  # a person changed this meeting before, and that stays


class SeriesChangePreview(View):
    """All dates from the day of the change on that are laid out, or will be."""

    dates: tuple[DatePreview, ...]
    time_zone: str
    notes: tuple[str, ...] = ()


class PreviewSeriesChange(Query[SeriesChangePreview]):
    """What a change would do, before it is made. ``change`` None: the series stops. Refuses as the command would."""

    type: ClassVar[str] = "meetings.preview_series_change.v1"

    series_id: SeriesId
    from_date: date
    change: SeriesChange | None = None


class SeriesPlan(View):
    """A series as it stands, with its coming meetings, cancelled ones too."""

    series_id: SeriesId
    group_id: GroupId
    group_name: str
    chapter_id: ChapterId
    chapter_name: str
    time_zone: str
    days: str  # "every second week on Tuesday"
    starts: LocalTime
    minutes: int
    offers: tuple[ModeOffer, ...]
    venue_id: VenueId | None
    room_id: RoomId | None
    over: bool  # no date is left, or it is paused: it cannot be changed
    as_of: Instant  # when it was changed last
    meetings: tuple[MeetingView, ...]


class SeriesPage(Query[SeriesPlan]):
    """One series. Coordinator of its chapter, or operator."""

    type: ClassVar[str] = "meetings.series_page.v1"

    series_id: SeriesId
