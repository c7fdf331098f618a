"""The Meeting Guide feed (code4recovery/spec): one record a series and weekday, as far as the format can say it.

The format knows weekly meetings only. A series that is not plainly weekly is given without day and time (the
format's "by appointment"), with its rule in the notes: a finder must not send anyone on a wrong day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.meetings.feeds import codes
from services.meetings.model.meeting import Gathering
from services.meetings.model.network import Chapter, Group, Venue
from services.meetings.model.series import Series, offers_mode
from services.meetings.recurrence.dates import spoken
from services.meetings.recurrence.words import in_words
from services.meetings.recurrence.zones import local
from shared.contracts.base import Mode
from shared.contracts.meetings import MeetingStatus

CONTENT_TYPE = "application/json"
MOST_EXCEPTIONS = 4
"""Dates out of the ordinary that a record's notes name at most."""
HOW_TO_JOIN = "Opens the meeting's page. Take a place there; how to enter is sent to those who hold one."


@dataclass(frozen=True)
class Listing:
    """A series with all that its records need.

    ``coming``: of its meetings that are not over the next, and those that were changed or cancelled, by start.
    """

    series: Series
    group: Group
    chapter: Chapter
    venue: Venue | None
    near: str  # about where it is at home, for those who meet in no room
    coming: Sequence[Gathering]

    @property
    def next(self) -> Gathering | None:
        """The next one that takes place."""
        return next((one for one in self.coming if one.meeting.status == MeetingStatus.SCHEDULED), None)


def meeting_guide(listings: Sequence[Listing], *, region_name: str, site: str) -> str:
    """The feed as JSON text. The same meetings give the same text, whatever the hour."""
    records = [record for listing in listings for record in _records(listing, region_name, site)]
    records.sort(key=lambda record: str(record["slug"]))
    return json.dumps(records, ensure_ascii=False, separators=(",", ":"))


def _records(listing: Listing, region_name: str, site: str) -> Iterator[dict[str, Any]]:
    """None for a series that has nothing coming and is not merely paused."""
    if not listing.coming and not listing.series.paused:
        return
    record = {
        "name": listing.group.name,
        "timezone": listing.series.timing.zone,
        **_place(listing),
        **_joining(listing, site),
        "types": _types(listing),
        "notes": " ".join(_notes(listing)),
        "region": listing.chapter.name,
        "group": listing.group.name,
        "updated": f"{_updated(listing):%Y-%m-%d %H:%M:%S}",
        "entity": region_name,
        "entity_website_url": site,
        "entity_url": site,  # the name that tsml-ui reads
    }
    timing = listing.series.timing
    if not timing.rule.is_plainly_weekly:
        yield {"slug": listing.series.series_id, **record}
        return
    ends = (datetime.combine(timing.starts_on, timing.starts) + timedelta(minutes=timing.minutes)).time()
    for weekday in _weekdays(listing.series):
        day = (weekday + 1) % 7  # 0 = Sunday
        yield {
            "slug": f"{listing.series.series_id}-{day}",
            "day": day,
            "time": f"{timing.starts:%H:%M}",
            "end_time": f"{ends:%H:%M}",
            **record,
        }


def _weekdays(series: Series) -> list[int]:
    """0 = Monday. One record each: lists of days break the pages of a finder that is much used."""
    return sorted({day.weekday for day in series.timing.rule.days}) or [series.timing.starts_on.weekday()]


def _in_person_planned(listing: Listing) -> bool:
    return listing.venue is not None and offers_mode(listing.series.offers, Mode.IN_PERSON)


def _shown_venue(listing: Listing) -> Venue | None:
    """Where one goes next time; a venue that is shut stays in the record, marked TC."""
    if not _in_person_planned(listing):
        return None
    return (listing.next.venue if listing.next else None) or listing.venue


def _closed_for_now(listing: Listing) -> bool:
    return listing.next is None or listing.next.meeting.online_instead


def _place(listing: Listing) -> dict[str, str]:
    """A finder drops a record without an address; without ``approximate`` it guesses. So both always stand."""
    venue = _shown_venue(listing)
    if venue is None:
        return {"formatted_address": listing.near, "approximate": "yes"}
    parts = {
        "address": venue.address,
        "city": venue.city,
        "state": venue.state,
        "postal_code": venue.postal_code,
        "country": venue.country,
    }
    state = f"{venue.state} {venue.postal_code}".strip()
    line = ", ".join(part for part in (venue.address, venue.city, state, venue.country) if part)
    return {
        "location": venue.name,
        "formatted_address": line,
        **{name: value for name, value in parts.items() if value},
        "approximate": "no",
        **({"location_notes": venue.access} if venue.access else {}),
    }


def _joining(listing: Listing, site: str) -> dict[str, str]:
    """The meeting's page in place of the room's link, which is for those who hold a place."""
    if listing.next is None:
        return {}
    meeting = listing.next.meeting
    page = f"{site}/meetings/{meeting.meeting_id}"
    if meeting.offers_mode(Mode.ONLINE) or meeting.offers_mode(Mode.PHONE):
        return {"url": page, "conference_url": page, "conference_url_notes": HOW_TO_JOIN}
    return {"url": page}


def _types(listing: Listing) -> list[str]:
    """Each once, and nothing of a building where nobody meets in one."""
    group = listing.group
    found: list[str | None] = [codes.policy_code(group.policy)]
    if not listing.series.codes:  # a list that gave codes said all it had to say of how they meet
        found.append(codes.format_code(group.format))
    found += [codes.language_code(language) for language in group.languages]
    found += [code for code in listing.series.codes if code not in ("O", "C")]
    closed = _closed_for_now(listing)
    if closed or not _in_person_planned(listing):
        found = [code for code in found if code not in codes.IN_PERSON_ONLY]
    if closed:
        found.append(codes.CLOSED_FOR_NOW)
    return list(dict.fromkeys(code for code in found if code is not None))


def _notes(listing: Listing) -> Iterator[str]:
    group, timing = listing.group, listing.series.timing
    yield group.purpose if group.purpose.endswith((".", "!", "?")) else f"{group.purpose}."
    if group.audience:
        yield f"For: {group.audience}."
    if group.access:
        yield f"Access: {group.access}."
    if not timing.rule.is_plainly_weekly:
        yield f"Not weekly: {in_words(timing)} ({timing.zone})."
    if listing.series.paused:
        yield "Does not meet for now."
    if listing.next is not None:
        if not timing.rule.is_plainly_weekly or listing.next is not listing.coming[0]:
            yield f"Next: {spoken(listing.next.meeting.starts_local.date())}."
        if listing.next.meeting.online_instead:
            yield f"The venue is shut: on {spoken(listing.next.meeting.starts_local.date())} everybody meets online."
    yield from list(_exceptions(listing))[:MOST_EXCEPTIONS]


def _exceptions(listing: Listing) -> Iterator[str]:
    timing = listing.series.timing
    if listing.next is not None:
        first, last = listing.next.meeting.starts_local.date(), local(listing.series.laid_out_to, timing.zone).date()
        yield from (f"No meeting on {spoken(day)}." for day in sorted(timing.skip) if first <= day <= last)
    for one in listing.coming:
        meeting, planned = one.meeting, one.meeting.series_date
        if planned is None:
            continue
        if meeting.status == MeetingStatus.CANCELLED:
            yield f"No meeting on {spoken(planned)}."
        elif meeting.starts_local.date() != planned:
            yield f"Not on {spoken(planned)}, but on {spoken(meeting.starts_local.date())} at {meeting.starts_local:%H:%M}."
        elif meeting.starts_local.time() != timing.starts:
            yield f"On {spoken(planned)} at {meeting.starts_local:%H:%M}."


def _updated(listing: Listing) -> datetime:
    moments = [listing.series.changed_at, listing.group.changed_at]
    return max(moments + [one.meeting.changed_at for one in listing.coming]).astimezone(UTC)
