"""The calendar feed (RFC 5545): one VEVENT a meeting, so that a move or a cancellation is simply that meeting's.

UIDs never change; SEQUENCE is the revision. Ends are given as DURATION: on the night when an hour comes twice
an end by the clock would be an hour off. No join link: whoever holds a place is sent it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from services.meetings.model.meeting import Gathering
from services.meetings.recurrence.zones import zone
from shared.contracts.base import Mode
from shared.contracts.meetings import MeetingStatus

CONTENT_TYPE = "text/calendar"
REFRESH = timedelta(hours=1)


def calendar(gatherings: Sequence[Gathering], *, name: str, site: str) -> str:
    """The calendar as text with CRLF line ends. The same meetings give the same text, whatever the hour."""
    found = Calendar()
    found.add("prodid", "-//Chapterhouse//Meetings//EN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("name", name)  # RFC 7986
    found.add("x-wr-calname", name)
    found.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for zone_name in sorted({gathering.meeting.time_zone for gathering in gatherings}):
        found.add_component(_timezone(zone_name, gatherings))
    for gathering in gatherings:
        found.add_component(_event(gathering, site))
    return str(found.to_ical().decode())


def _timezone(zone_name: str, gatherings: Sequence[Gathering]) -> Timezone:
    """The zone's rules over the calendar's time, with half a year to spare on both sides."""
    years = {one.meeting.starts_at.year for one in gatherings}
    return Timezone.from_tzid(zone_name, first_date=date(min(years) - 1, 7, 1), last_date=date(max(years) + 1, 7, 1))


def _event(gathering: Gathering, site: str) -> Event:
    meeting, page = gathering.meeting, f"{site}/meetings/{gathering.meeting.meeting_id}"
    there: ZoneInfo = zone(meeting.time_zone)
    event = Event()
    event.add("uid", f"{meeting.meeting_id}@chapterhouse")
    event.add("dtstamp", meeting.changed_at)
    event.add("last-modified", meeting.changed_at)
    event.add("sequence", meeting.revision)
    event.add("status", "CANCELLED" if meeting.status == MeetingStatus.CANCELLED else "CONFIRMED")
    event.add("dtstart", meeting.starts_at.astimezone(there))
    event.add("duration", meeting.ends_at - meeting.starts_at)
    event.add("summary", gathering.group.name)
    event.add("location", _location(gathering))
    event.add("description", f"{gathering.group.purpose}\n{_how(gathering)}\nTake a place: {page}")
    event.add("url", page)
    return event


def _location(gathering: Gathering) -> str:
    """Where one goes, if one can go anywhere."""
    meeting, venue = gathering.meeting, gathering.venue
    if venue is None or not meeting.offers_mode(Mode.IN_PERSON):
        return "Online" if meeting.offers_mode(Mode.ONLINE) else "By phone"
    state = f"{venue.state} {venue.postal_code}".strip()
    return ", ".join(part for part in (venue.name, venue.address, venue.city, state, venue.country) if part)


_WORDS = {Mode.IN_PERSON: "in person", Mode.ONLINE: "online", Mode.PHONE: "by phone"}


def _how(gathering: Gathering) -> str:
    meeting = gathering.meeting
    if meeting.status == MeetingStatus.CANCELLED:
        return "This meeting does not take place."
    if meeting.online_instead:
        return "The venue is shut: everybody meets online."
    said = [_WORDS[offer.mode] for offer in meeting.offers]
    return f"Attend {' or '.join(said)}."
