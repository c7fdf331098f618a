"""What anyone, and what a coordinator may see."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    GroupId,
    Instant,
    LocalTime,
    MeetingId,
    Mode,
    Query,
    RegionId,
    RoomId,
    Sealed,
    SeriesId,
    View,
)
from shared.contracts.meetings.events import Format, Kind, MeetingStatus, MembershipPolicy, ModeOffer, Place


class ChapterView(View):
    """A chapter, for lists and pages."""

    chapter_id: ChapterId
    region_id: RegionId
    name: str
    slug: str
    time_zone: str
    languages: tuple[str, ...]


class Chapters(View):
    """Chapters, by name."""

    region_name: str | None
    region_id: RegionId | None
    chapters: tuple[ChapterView, ...]


class ListChapters(Query[Chapters]):
    """All chapters of the region. Anyone: that a chapter exists is public."""

    type: ClassVar[str] = "meetings.list_chapters.v1"


class GroupView(View):
    """A group, for lists and pages."""

    group_id: GroupId
    chapter_id: ChapterId
    name: str
    purpose: str
    kind: Kind
    format: Format
    audience: str
    languages: tuple[str, ...]
    access: str
    policy: MembershipPolicy


class RoomView(View):
    """An online room without its link."""

    room_id: RoomId
    name: str
    has_link: bool
    has_dial_in: bool


class SeriesLine(View):
    """A series that still meets, for lists."""

    series_id: SeriesId
    group_id: GroupId
    days: str  # "every second week on Tuesday"
    starts: LocalTime


class ChapterHoldings(View):
    """What a coordinator can schedule with, and what is scheduled."""

    chapter: ChapterView
    groups: tuple[GroupView, ...]
    venues: tuple[Place, ...]
    rooms: tuple[RoomView, ...]
    series: tuple[SeriesLine, ...] = ()


class ChapterPage(Query[ChapterHoldings]):
    """Groups, venues, rooms and series of a chapter. Coordinator of it, or operator."""

    type: ClassVar[str] = "meetings.chapter_page.v1"

    chapter_id: ChapterId


class MeetingView(View):
    """One meeting as pages show it. No link: that is asked for by who may give it."""

    meeting_id: MeetingId
    series_id: SeriesId | None
    group_id: GroupId
    chapter_id: ChapterId
    chapter_name: str
    group_name: str
    purpose: str
    kind: Kind
    format: Format
    audience: str
    languages: tuple[str, ...]
    access: str
    policy: MembershipPolicy
    revision: int
    status: MeetingStatus
    starts_at: Instant
    ends_at: Instant
    time_zone: str
    place: Place | None
    offers: tuple[ModeOffer, ...]
    online_instead: bool
    has_room: bool  # an online room is known, so that it can be moved online


class Meetings(View):
    """Meetings by start; ``more`` says that the limit cut the list."""

    meetings: tuple[MeetingView, ...]
    more: bool = False


class MeetingPage(Query[MeetingView]):
    """One meeting. Anyone; a cancelled one is shown as such."""

    type: ClassVar[str] = "meetings.meeting_page.v1"

    meeting_id: MeetingId


class FindMeetings(Query[Meetings]):
    """Meetings that start in [``after``, ``before``), for the finder, for pages and for lists. Anyone."""

    type: ClassVar[str] = "meetings.find_meetings.v1"

    after: Instant
    before: Instant
    chapter_ids: tuple[ChapterId, ...] = ()  # none means all
    meeting_ids: tuple[MeetingId, ...] = ()  # none means all
    weekday: int | None = Field(default=None, ge=0, le=6)  # local; 0 = Monday
    mode: Mode | None = None
    text: str = Field(default="", max_length=200)  # found in the group's name, purpose or audience
    include_over: bool = False  # also those that are cancelled or ended
    limit: int = Field(default=50, ge=1, le=500)


class JoinLink(View):
    """How to enter an online room, sealed to the asking service's public key."""

    link: Sealed | None
    dial_in: Sealed | None
    passcode: Sealed | None


class AskJoinLink(Query[JoinLink]):
    """The online room of a meeting. Only another service may ask (role SERVICE)."""

    type: ClassVar[str] = "meetings.ask_join_link.v1"

    meeting_id: MeetingId
