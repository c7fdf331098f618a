"""Meetings as other programs read them."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.base import (
    ChapterId,
    GroupId,
    Query,
    View,
)


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
