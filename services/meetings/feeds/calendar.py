"""The calendar feed (RFC 5545): one VEVENT a meeting, so that a move or a cancellation is simply that meeting's.

UIDs never change; SEQUENCE is the revision. Ends are given as DURATION: on the night when an hour comes twice
an end by the clock would be an hour off. No join link: whoever holds a place is sent it.

Written line by line here: the icalendar library takes some 0.5 ms for an event, which for a region's thousands is
longer than anyone waits, and its VTIMEZONE begins a spring an hour late. It reads all of this back in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from services.meetings.model.meeting import Gathering
from services.meetings.recurrence.zones import zone
from shared.contracts.base import Mode
from shared.contracts.meetings import MeetingStatus
from shared.runtime.vtimezone import vtimezone

CONTENT_TYPE = "text/calendar; charset=utf-8"
MOST_EVENTS = 5000
"""The nearest ones; who wants more asks for a chapter's or a group's calendar."""


def calendar(gatherings: Sequence[Gathering], *, name: str, site: str) -> str:
    """The calendar as text with CRLF line ends. The same meetings give the same text, whatever the hour."""
    shown = gatherings[:MOST_EVENTS]
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Chapterhouse//Meetings//EN",
        "METHOD:PUBLISH",
        f"NAME:{_escaped(name)}",  # RFC 7986
        f"X-WR-CALNAME:{_escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    text = "".join(_folded(line) for line in lines)
    zones = sorted({one.meeting.time_zone for one in shown})
    text += "".join(_folded(line) for zone_name in zones for line in _zone_lines(zone_name, shown))
    text += "".join(_folded(line) for one in shown for line in _event(one, site))
    return f"{text}END:VCALENDAR\r\n"


def _zone_lines(zone_name: str, gatherings: Sequence[Gathering]) -> Iterator[str]:
    """A VTIMEZONE with each change of the clock over the calendar's time, half a year to spare on both sides."""
    years = {one.meeting.starts_at.year for one in gatherings}
    yield from vtimezone(zone_name, date(min(years) - 1, 7, 1), date(max(years) + 1, 7, 1))


def _event(gathering: Gathering, site: str) -> Iterator[str]:
    meeting, page = gathering.meeting, f"{site}/meetings/{gathering.meeting.meeting_id}"
    yield "BEGIN:VEVENT"
    yield f"UID:{meeting.meeting_id}@chapterhouse"
    yield f"DTSTAMP:{_utc(meeting.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(meeting.changed_at)}"
    yield f"SEQUENCE:{meeting.revision}"
    yield f"STATUS:{'CANCELLED' if meeting.status == MeetingStatus.CANCELLED else 'CONFIRMED'}"
    yield _start(meeting.starts_at, meeting.time_zone)
    yield f"DURATION:PT{(meeting.ends_at - meeting.starts_at) // timedelta(minutes=1)}M"
    yield f"SUMMARY:{_escaped(gathering.group.name)}"
    yield f"LOCATION:{_escaped(_location(gathering))}"
    said = f"{gathering.group.purpose}\n{_how(gathering)}\nTake a place: {page}"
    yield f"DESCRIPTION:{_escaped(said)}"
    yield f"URL:{page}"
    yield "END:VEVENT"


def _start(moment: datetime, zone_name: str) -> str:
    return f"DTSTART;TZID={zone_name}:{moment.astimezone(zone(zone_name)):%Y%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """A TEXT value (RFC 5545 section 3.3.11)."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return text


def _folded(line: str) -> str:
    """A content line of 75 octets at most, its rest on lines that begin with a space (RFC 5545 section 3.1)."""
    if len(line) < 19 or len(line.encode()) <= 75:
        return f"{line}\r\n"
    pieces, piece, octets = [], "", 0
    for letter in line:
        size = len(letter.encode())
        if octets + size > 74:  # one less than allowed: the next line's space counts too
            pieces.append(piece)
            piece, octets = "", 0
        piece, octets = piece + letter, octets + size
    return "\r\n ".join([*pieces, piece]) + "\r\n"


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
