"""Calendar entries (RFC 5545) as mail invitations (iTIP, RFC 5546; iMIP, RFC 6047).

Calendars are shared with partners and employers and shown on lock screens. So below the level "open" an entry
says nothing but its time: a plain title, no description, and no LOCATION either; the address of a weekly place
tells where someone goes, week after week, and the mail beside it has said it already. The one thing that is
left is a link to the member's own page, which asks them to sign in; at "silent" not even that.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

from icalendar import Calendar as ICalendar
from icalendar import Event, vCalAddress, vUri
from icalendar.parser import Contentline

from services.notifications.messages import Calendar, Facts
from services.notifications.wording.languages import Language
from services.notifications.wording.saying import common, sayable, secret
from shared.contracts.notifications import Discretion, NoticeKind
from shared.runtime.vtimezone import vtimezone

Method = Literal["REQUEST", "CANCEL"]

_EVENT = "BEGIN:VEVENT\r\n"

METHODS: dict[NoticeKind, Method] = {
    NoticeKind.SEAT_CONFIRMED: "REQUEST",
    NoticeKind.SEAT_PROMOTED: "REQUEST",
    NoticeKind.MEETING_CHANGED: "REQUEST",
    NoticeKind.SEAT_RELEASED: "CANCEL",
    NoticeKind.MEETING_CANCELLED: "CANCEL",
}
"""Which notices enter, update or take out an entry. Someone in line has none; a reminder changes none."""


def uid(member_ref: str, meeting_id: str) -> str:
    """The same for one member and meeting for ever, and different for two members (RFC 7986 asks for a UUID).

    Were it the meeting's alone, two leaked calendars would prove that their owners sat in one room.
    """
    digest = hashlib.sha256(f"calendar\0{member_ref}\0{meeting_id}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def calendar(
    method: Method,
    level: Discretion,
    tongue: Language,
    facts: Facts,
    *,
    organizer: str,
    attendee: str,
    now: datetime,
) -> Calendar:
    """One entry with one attendee: the reader. ``organizer`` and ``attendee`` are mail addresses."""
    guest = vCalAddress(f"mailto:{attendee}")
    # They hold a seat already: the entry asks for no answer, and a calendar sends none.
    guest.params.update({"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
    return Calendar(method, _filled(method, level, tongue, facts, now, organizer=organizer, guest=guest))


def published(level: Discretion, tongue: Language, facts: Facts, *, now: datetime) -> str:
    """The entry as a file of one's own (METHOD PUBLISH): neither organizer nor attendee."""
    return _filled("PUBLISH", level, tongue, facts, now)


def _filled(
    method: str,
    level: Discretion,
    tongue: Language,
    facts: Facts,
    now: datetime,
    *,
    organizer: str = "",
    guest: vCalAddress | None = None,
) -> str:
    """The entry with the lines that only this reader's has."""
    entry = _entry if secret(facts) else _kept_entry
    own = [
        f"UID:{uid(facts.member_ref, facts.meeting_id or '')}",
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{facts.revision}",
    ]
    if guest is not None:
        own.append(Contentline.from_parts("ATTENDEE", guest.params, guest).to_ical().decode())
    text = entry(method, level, tongue, *common(facts), organizer)
    return text.replace(_EVENT, _EVENT + "".join(f"{line}\r\n" for line in own), 1)


def _entry(method: str, level: Discretion, tongue: Language, facts: Facts, _clock: str, organizer: str) -> str:
    """What the entries of all who hold a seat have in common."""
    event = _event(level, tongue, facts, cancelled=method == "CANCEL")
    if organizer:
        event["organizer"] = vCalAddress(f"mailto:{organizer}")
    return _written(method, event, facts)


_kept_entry = lru_cache(maxsize=128)(_entry)
"""Written once for ten thousand people: it costs more than all the rest of a mail."""


def _event(level: Discretion, tongue: Language, facts: Facts, *, cancelled: bool) -> Event:
    if facts.starts is None:
        raise ValueError("a calendar entry needs the meeting's start")
    said = sayable(facts, level, tongue)
    event = Event()
    event.add("dtstart", facts.starts)
    _end(event, facts.starts, facts.ends or facts.starts)
    event.add("summary", tongue.block("invitation.txt", "title", said).strip())
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")  # a request only; hence the words above
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    if level is not Discretion.SILENT:
        event["url"] = vUri(str(said["my"]))
    if level is Discretion.OPEN and not cancelled:
        if said["place"]:
            event.add("location", said["place"])
        lines = tongue.block("invitation.txt", "description", said).split("\n")
        event.add("description", "\n".join(line.strip() for line in lines).strip())
    return event


def _end(event: Event, starts: datetime, ends: datetime) -> None:
    """By the clock; as a length on the night on which the clock is changed meanwhile and may show that end twice."""
    if starts.utcoffset() == ends.utcoffset():
        event.add("dtend", ends)
    else:
        event.add("duration", ends.astimezone(UTC) - starts.astimezone(UTC))


def _written(method: str, event: Event, facts: Facts) -> str:
    """The object as text: lines end in CRLF and are folded at 75 octets by the library."""
    calendar = ICalendar()
    calendar.add("prodid", "-//Appointments//EN")  # no product's name
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    text = str(calendar.to_ical().decode())
    key = getattr(facts.starts.tzinfo, "key", None) if facts.starts else None
    if not key or key == "UTC" or not facts.starts:
        return text
    return text.replace(_EVENT, _timezone(key, facts.starts.year) + _EVENT, 1)


@lru_cache(maxsize=256)
def _timezone(key: str, year: int) -> str:
    """The zone's rules around that year, written once: they cost more than the entry itself."""
    return "".join(f"{line}\r\n" for line in vtimezone(key, date(year - 1, 7, 1), date(year + 1, 7, 1)))
