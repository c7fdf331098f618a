"""Schedule a series, and change one meeting."""

from __future__ import annotations

from datetime import date, datetime
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


class MeetingIsOver(Refused):
    """It has ended or was cancelled."""

    code = "meeting_is_over"


class NoRoomOnline(Refused):
    """The meeting has no online room to move to."""

    code = "no_room_online"


class SeriesRule(Contract):
    """When a group meets: a weekly or monthly rule in the chapter's zone (RFC 5545 recurrence).

    ``rrule`` is the value of an RRULE with FREQ=WEEKLY or MONTHLY, INTERVAL, BYDAY (with an
    ordinal for monthly: ``1TU``, ``-1FR``), COUNT or UNTIL. Local times that a change of the clock
    skips or doubles are resolved as RFC 5545 section 3.3.5 says.
    """

    rrule: str
    starts_on: date  # local; the first date on or after it that fits the rule is the first meeting
    starts: LocalTime
    minutes: int = Field(ge=10, le=600)
    skip: tuple[date, ...] = ()


class SeriesView(View):
    """A series and the meetings it has laid out so far."""

    series_id: SeriesId
    meetings: tuple[MeetingId, ...]


class ScheduleSeries(Command[SeriesView]):
    """Schedule a series for a group. It is laid out some weeks ahead at once, and on by itself."""

    type: ClassVar[str] = "meetings.schedule_series.v1"

    group_id: GroupId
    rule: SeriesRule
    offers: tuple[ModeOffer, ...] = Field(min_length=1)
    venue_id: VenueId | None = None
    room_id: RoomId | None = None


class MoveMeeting(Command[Done]):
    """Give one meeting another time, venue or online room. ``revision`` is what the person saw."""

    type: ClassVar[str] = "meetings.move_meeting.v1"

    meeting_id: MeetingId
    revision: int
    starts_local: datetime | None = None  # naive, in the chapter's zone
    minutes: int | None = Field(default=None, ge=10, le=600)
    venue_id: VenueId | None = None
    room_id: RoomId | None = None


class MoveOnline(Command[Done]):
    """The venue is shut, we meet online: in_person goes, online holds both. ``revision`` is what the person saw."""

    type: ClassVar[str] = "meetings.move_online.v1"

    meeting_id: MeetingId
    revision: int


class MoveBack(Command[Done]):
    """The venue is open after all: the modes are as before the move."""

    type: ClassVar[str] = "meetings.move_back.v1"

    meeting_id: MeetingId
    revision: int


class CancelMeeting(Command[Done]):
    """The meeting does not take place."""

    type: ClassVar[str] = "meetings.cancel_meeting.v1"

    meeting_id: MeetingId
    revision: int


class SeriesPreview(View):
    """The first dates that a rule gives."""

    starts: tuple[Instant, ...]
    time_zone: str
    notes: tuple[str, ...] = ()  # "on 29 March the clocks change; the meeting stays at 19:00"


class PreviewSeries(Query[SeriesPreview]):
    """What a rule would lay out, before it is scheduled. Refuses (Invalid, field ``rrule``) a rule it cannot keep."""

    type: ClassVar[str] = "meetings.preview_series.v1"

    chapter_id: ChapterId
    rule: SeriesRule
    most: int = Field(default=12, ge=1, le=60)
