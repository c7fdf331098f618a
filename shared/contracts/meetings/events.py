"""The words of a meeting, and what is said when one changes."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    Contract,
    Event,
    GroupId,
    Instant,
    Line,
    MeetingId,
    Mode,
    RegionId,
    SeriesId,
    VenueId,
)


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


class MeetingResized(MeetingFacts):
    """The meeting has more or fewer places, or other ways to attend; when and where it is stays as it was.

    Nobody is written to for it. Whose own seat it changes hears of that.
    """

    type: ClassVar[str] = "meetings.meeting_resized.v1"


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
