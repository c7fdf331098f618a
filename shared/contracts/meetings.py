"""What the meetings service says and answers: region, chapters, groups, places, series, meetings."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    Command,
    Contract,
    Done,
    Event,
    GroupId,
    Instant,
    Line,
    LocalTime,
    MeetingId,
    Mode,
    Query,
    RegionId,
    RoomId,
    Sealed,
    SeriesId,
    VenueId,
    View,
)
from shared.contracts.errors import Refused


class Kind(StrEnum):
    """What a group is."""

    PEER = "peer"
    THERAPEUTIC = "therapeutic"  # led by a licensed professional
    CONDITION_SPECIFIC = "condition_specific"
    FAMILY = "family"
    EDUCATIONAL = "educational"
    MENTORING = "mentoring"  # one to one


class Format(StrEnum):
    """How a group's meetings run."""

    OPEN_DISCUSSION = "open_discussion"
    TOPIC = "topic"
    SHARING_CIRCLE = "sharing_circle"  # equal timed turns
    WORKSHOP = "workshop"


class MembershipPolicy(StrEnum):
    """Who may come."""

    OPEN = "open"
    BY_AGREEMENT = "by_agreement"
    BY_REFERRAL = "by_referral"


class MeetingStatus(StrEnum):
    """Where a meeting stands."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    ENDED = "ended"


class Place(Contract):
    """A venue as others are told of it: where it is and how one gets in. No person's data."""

    venue_id: VenueId
    name: Line
    address: Line  # street and number
    city: Line
    postal_code: str = ""
    country: str = ""  # ISO 3166-1 alpha-2, where known
    access: str = ""  # steps, lift, toilets, hearing loop, in plain words


class ModeOffer(Contract):
    """One way to attend a meeting, with its own number of places."""

    mode: Mode
    capacity: int = Field(ge=0, le=5000)


# -- events -----------------------------------------------------------------------------------


class ChapterOpened(Event):
    """A chapter exists and may hold groups: others need its time zone and languages."""

    type: ClassVar[str] = "meetings.chapter_opened.v1"
    subject: ClassVar[str] = "chapter_id"

    chapter_id: ChapterId
    region_id: RegionId
    name: Line
    slug: str
    time_zone: str  # IANA
    languages: tuple[str, ...]  # BCP 47, the first is the chapter's own


class GroupFounded(Event):
    """A group exists in a chapter."""

    type: ClassVar[str] = "meetings.group_founded.v1"
    subject: ClassVar[str] = "group_id"

    group_id: GroupId
    chapter_id: ChapterId
    name: Line
    kind: Kind
    format: Format
    policy: MembershipPolicy


class MeetingFacts(Event):
    """The whole state of one meeting. Every event about a meeting carries it, so the newest alone suffices.

    An older ``sequence`` of the same meeting is to be ignored.
    """

    subject: ClassVar[str] = "meeting_id"

    meeting_id: MeetingId
    series_id: SeriesId | None
    group_id: GroupId
    group_name: Line
    chapter_id: ChapterId
    region_id: RegionId
    revision: int = Field(ge=1)  # rises on every change of time, place or mode
    status: MeetingStatus
    starts_at: Instant
    ends_at: Instant
    time_zone: str  # IANA, the chapter's
    place: Place | None  # None where nobody meets in a room
    offers: tuple[ModeOffer, ...]  # what can be attended now; one entry a mode
    online_instead: bool = False  # "the venue is shut, we meet online": in_person is off for now

    def capacity(self, mode: Mode) -> int:
        """Places in this mode; 0 where it is not offered."""
        return next((offer.capacity for offer in self.offers if offer.mode == mode), 0)


class MeetingScheduled(MeetingFacts):
    """A meeting was laid out and can be joined."""

    type: ClassVar[str] = "meetings.meeting_scheduled.v1"


class MeetingMoved(MeetingFacts):
    """A meeting has another time or another place."""

    type: ClassVar[str] = "meetings.meeting_moved.v1"


class MeetingMovedOnline(MeetingFacts):
    """The venue is shut: everybody attends online tonight."""

    type: ClassVar[str] = "meetings.meeting_moved_online.v1"


class MeetingMovedBack(MeetingFacts):
    """The venue is open after all: the modes are as they were before."""

    type: ClassVar[str] = "meetings.meeting_moved_back.v1"


class MeetingCancelled(MeetingFacts):
    """The meeting does not take place."""

    type: ClassVar[str] = "meetings.meeting_cancelled.v1"


class MeetingEnded(MeetingFacts):
    """The meeting's end has passed: attendance can be taken, feedback asked."""

    type: ClassVar[str] = "meetings.meeting_ended.v1"


# -- refusals ---------------------------------------------------------------------------------


class MeetingIsOver(Refused):
    """It has ended or was cancelled."""

    code = "meeting_is_over"


class NoRoomOnline(Refused):
    """The meeting has no online room to move to."""

    code = "no_room_online"


# -- commands ---------------------------------------------------------------------------------


class RegionFounded(View):
    """The region's id."""

    region_id: RegionId


class FoundRegion(Command[RegionFounded]):
    """Make the region. Operator. Founding the same slug again answers the same region."""

    type: ClassVar[str] = "meetings.found_region.v1"

    name: Line
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")


class ChapterAnswer(View):
    """The chapter's id."""

    chapter_id: ChapterId


class OpenChapter(Command[ChapterAnswer]):
    """Open a chapter of a region. Operator or regional. The same slug again answers the same chapter."""

    type: ClassVar[str] = "meetings.open_chapter.v1"

    region_id: RegionId
    name: Line
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    time_zone: str
    languages: tuple[str, ...] = ("en",)


class GroupAnswer(View):
    """The group's id."""

    group_id: GroupId


class FoundGroup(Command[GroupAnswer]):
    """Found a group in a chapter. Coordinator of that chapter, or operator."""

    type: ClassVar[str] = "meetings.found_group.v1"

    chapter_id: ChapterId
    name: Line
    purpose: Line
    kind: Kind = Kind.PEER
    format: Format = Format.SHARING_CIRCLE
    audience: str = ""
    languages: tuple[str, ...] = ("en",)
    access: str = ""
    policy: MembershipPolicy = MembershipPolicy.OPEN


class VenueAnswer(View):
    """The venue's id."""

    venue_id: VenueId


class AddVenue(Command[VenueAnswer]):
    """Add a physical place to a chapter. Coordinator of it, or operator."""

    type: ClassVar[str] = "meetings.add_venue.v1"

    chapter_id: ChapterId
    name: Line
    address: Line
    city: Line
    postal_code: str = ""
    country: str = ""
    access: str = ""


class RoomAnswer(View):
    """The online room's id."""

    room_id: RoomId


class AddRoom(Command[RoomAnswer]):
    """Add an online room to a chapter. Link, dial-in and passcode are sealed to meetings, and kept sealed."""

    type: ClassVar[str] = "meetings.add_room.v1"

    chapter_id: ChapterId
    name: Line
    link: Sealed | None = None  # https
    dial_in: Sealed | None = None
    passcode: Sealed | None = None


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
    """Give one meeting another time or venue. ``revision`` is what the person saw."""

    type: ClassVar[str] = "meetings.move_meeting.v1"

    meeting_id: MeetingId
    revision: int
    starts_local: datetime | None = None  # naive, in the chapter's zone
    minutes: int | None = Field(default=None, ge=10, le=600)
    venue_id: VenueId | None = None


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


class RowOutcome(StrEnum):
    """What became of one imported row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class RowReport(Contract):
    """One row of an import: what became of it and, where refused, which field, what is wrong, what would be right."""

    row: int  # counted from 1
    name: str
    outcome: RowOutcome
    field: str | None = None
    why: str | None = None
    notes: tuple[str, ...] = ()  # what was read otherwise than written ("time zone taken from the chapter")


class ImportReport(View):
    """One report a row, in order; their number is the number of rows sent."""

    rows: tuple[RowReport, ...]


class ImportMeetings(Command[ImportReport]):
    """Import a slice of a Meeting Guide list (code4recovery/spec) into a chapter. Slices of 50 rows at most.

    ``rows_json`` is a JSON array of the rows as found; ``first_row`` is the number of its first row
    in the whole list. A bad row is refused alone. The same slug again updates, but not within one list: ``taken`` are
    slugs of this slice that an earlier slice of the list had, with their row.
    """

    type: ClassVar[str] = "meetings.import_meetings.v1"

    chapter_id: ChapterId
    first_row: int = Field(ge=1)
    rows_json: str
    taken: dict[str, int] = Field(default_factory=dict)
    in_person_capacity: int = Field(default=20, ge=1, le=5000)
    online_capacity: int = Field(default=100, ge=1, le=5000)


# -- queries ----------------------------------------------------------------------------------


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


class ChapterHoldings(View):
    """What a coordinator can schedule with."""

    chapter: ChapterView
    groups: tuple[GroupView, ...]
    venues: tuple[Place, ...]
    rooms: tuple[RoomView, ...]


class ChapterPage(Query[ChapterHoldings]):
    """Groups, venues and rooms of a chapter. Coordinator of it, or operator."""

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


class JoinLink(View):
    """How to enter an online room, sealed to the asking service's public key."""

    link: Sealed | None
    dial_in: Sealed | None
    passcode: Sealed | None


class AskJoinLink(Query[JoinLink]):
    """The online room of a meeting. Only another service may ask (role SERVICE)."""

    type: ClassVar[str] = "meetings.ask_join_link.v1"

    meeting_id: MeetingId


class Feed(View):
    """A feed as it is served."""

    content_type: str
    body: str
    etag: str


class MeetingGuideFeed(Query[Feed]):
    """The region's meetings as Meeting Guide JSON, one record a weekday and series. Anyone."""

    type: ClassVar[str] = "meetings.meeting_guide_feed.v1"

    chapter_id: ChapterId | None = None
    site: str  # public base URL of the portal, without a slash at its end


class CalendarFeed(Query[Feed]):
    """Coming meetings as iCalendar (RFC 5545). Anyone. Never a join link."""

    type: ClassVar[str] = "meetings.calendar_feed.v1"

    chapter_id: ChapterId | None = None
    group_id: GroupId | None = None
    site: str
