"""Feeds for meeting finders and calendars. Anyone may read them: they say nothing that the pages do not."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from urllib.parse import urlsplit

from services.meetings.feeds import calendar as ical
from services.meetings.feeds import meeting_guide as guide
from services.meetings.model.meeting import Gathering
from services.meetings.model.network import Chapter, Region, Venue
from services.meetings.model.series import Series
from services.meetings.work import Work
from shared.contracts.base import Actor, ChapterId, GroupId, SeriesId
from shared.contracts.errors import Invalid, NotFound
from shared.contracts.meetings import CalendarFeed, Feed, MeetingGuideFeed


def meeting_guide_feed(query: MeetingGuideFeed, actor: Actor, work: Work) -> Feed:
    """The region's, or one chapter's, meetings as Meeting Guide JSON."""
    site = _site(query.site)
    region, chapters = _chapters(query.chapter_id, work)
    coming: dict[SeriesId, list[Gathering]] = defaultdict(list)
    for gathering in work.meetings.headlines(work.now, query.chapter_id):
        if gathering.meeting.series_id is not None:
            coming[gathering.meeting.series_id].append(gathering)
    near = {chapter_id: _near(chapter, region, work) for chapter_id, chapter in chapters.items()}
    listings = [
        _listing(series, chapters[series.chapter_id], near[series.chapter_id], coming[series.series_id], work)
        for series in work.series.listed(query.chapter_id)
    ]
    return _feed(guide.CONTENT_TYPE, guide.meeting_guide(listings, region_name=region.name, site=site))


def calendar_feed(query: CalendarFeed, actor: Actor, work: Work) -> Feed:
    """Coming meetings of the region, a chapter or a group as iCalendar."""
    site = _site(query.site)
    region, chapters = _chapters(query.chapter_id, work)
    name = chapters[query.chapter_id].name if query.chapter_id else region.name
    if query.group_id is not None:
        name = _group_name(query.group_id, query.chapter_id, work)
    coming = work.meetings.coming(work.now, query.chapter_id, query.group_id, limit=ical.MOST_EVENTS)
    return _feed(ical.CONTENT_TYPE, ical.calendar(coming, name=name, site=site))


def _site(site: str) -> str:
    """The portal's base URL. Raises Invalid: everything in a feed links there."""
    parts = urlsplit(site)
    if parts.scheme not in ("http", "https") or not parts.netloc or site.endswith("/"):
        raise Invalid("the site is the portal's address without a slash at its end: https://…", field="site")
    return site


def _chapters(chapter_id: ChapterId | None, work: Work) -> tuple[Region, dict[ChapterId, Chapter]]:
    region = work.regions.the_one()
    chapters = {chapter.chapter_id: chapter for chapter in work.chapters.all()}
    if region is None or (chapter_id is not None and chapter_id not in chapters):
        raise NotFound("there is no such chapter", field="chapter_id")
    return region, chapters


def _group_name(group_id: GroupId, chapter_id: ChapterId | None, work: Work) -> str:
    group = work.groups.get(group_id)
    if group is None or (chapter_id is not None and group.chapter_id != chapter_id):
        raise NotFound("there is no such group", field="group_id")
    return group.name


def _near(chapter: Chapter, region: Region, work: Work) -> str:
    """About where a chapter is: the town of its first venue, else its own name."""
    venue = next(iter(work.venues.of(chapter.chapter_id)), None)
    parts = (venue.city, venue.state, venue.country) if venue else (chapter.name, region.name, "")
    return ", ".join(part for part in parts if part)


def _listing(series: Series, chapter: Chapter, near: str, coming: list[Gathering], work: Work) -> guide.Listing:
    group = coming[0].group if coming else work.groups.get(series.group_id)
    if group is None:
        raise LookupError("a series without its group")
    return guide.Listing(
        series=series,
        group=group,
        chapter=chapter,
        venue=_venue(series, coming, work),
        near=series.area or near,
        coming=coming,
    )


def _venue(series: Series, coming: list[Gathering], work: Work) -> Venue | None:
    if series.venue_id is None:
        return None
    known = (one.venue for one in coming if one.venue is not None and one.venue.venue_id == series.venue_id)
    return next(known, None) or work.venues.get(series.venue_id)


def _feed(content_type: str, body: str) -> Feed:
    """With an entity tag as HTTP has it, in quotation marks (RFC 9110 section 8.8.3)."""
    return Feed(content_type=content_type, body=body, etag=f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"')
