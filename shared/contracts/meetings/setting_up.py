"""Found the region, open chapters, and add what they meet with."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    Command,
    GroupId,
    Line,
    RegionId,
    RoomId,
    Sealed,
    VenueId,
    View,
)
from shared.contracts.meetings.events import Format, Kind, MembershipPolicy


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
