"""Calendar entries that enter, update and leave a member's calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar as ICalendar
from icalendar import Event

from services.notifications.messages import Calendar, Facts
from services.notifications.wording import Wordings
from services.notifications.wording.invitations import uid
from shared.contracts.base import Mode
from shared.contracts.notifications import Discretion, NoticeKind
from shared.runtime.clock import SteppedClock

FACTS = Facts(
    portal_url="https://portal.example.org",
    group_name="Zoë's Evening; with, commas \\ and a very long name that has to be folded somewhere 🙂 é",
    starts=datetime(2026, 11, 3, 19, 0, tzinfo=ZoneInfo("America/New_York")),
    ends=datetime(2026, 11, 3, 20, 30, tzinfo=ZoneInfo("America/New_York")),
    mode=Mode.IN_PERSON,
    place="Library, 12 Elm Street",
    meeting_id="m1",
    member_ref="ref1",
    revision=4,
)
CLOCK = SteppedClock(datetime(2026, 11, 1, 12, 0, tzinfo=UTC))


def invited(kind: NoticeKind, level: Discretion = Discretion.DISCREET, **facts: object) -> Calendar:
    calendar = Wordings(CLOCK).calendar(
        kind,
        level,
        "en",
        replace(FACTS, **facts),
        organizer="hello@example.org",
        attendee="reader@example.org",  # type: ignore[arg-type]
    )
    assert calendar is not None
    return calendar


def event_of(body: str) -> Event:
    [event] = ICalendar.from_ical(body).walk("VEVENT")
    return event


@pytest.mark.parametrize(
    ("kind", "method", "status"),
    [
        (NoticeKind.SEAT_CONFIRMED, "REQUEST", "CONFIRMED"),
        (NoticeKind.SEAT_PROMOTED, "REQUEST", "CONFIRMED"),
        (NoticeKind.MEETING_CHANGED, "REQUEST", "CONFIRMED"),
        (NoticeKind.SEAT_RELEASED, "CANCEL", "CANCELLED"),
        (NoticeKind.MEETING_CANCELLED, "CANCEL", "CANCELLED"),
    ],
)
def test_each_kind_enters_updates_or_takes_out(kind: NoticeKind, method: str, status: str) -> None:
    """RFC 5546: the method, the status, the sequence that rises with the meeting's revision, and one attendee."""
    calendar = invited(kind)
    event = event_of(calendar.body)
    assert calendar.method == method == ICalendar.from_ical(calendar.body)["METHOD"]
    assert event["STATUS"] == status
    assert event["SEQUENCE"] == 4
    assert event["ATTENDEE"] == "mailto:reader@example.org"
    assert event["ORGANIZER"] == "mailto:hello@example.org"
    assert event.decoded("DTSTAMP") == CLOCK.now()
    assert event.decoded("DTSTART") == FACTS.starts
    assert event.decoded("DTEND") == FACTS.ends


@pytest.mark.parametrize(
    "kind", [NoticeKind.CODE, NoticeKind.REMINDER, NoticeKind.FEEDBACK_ASK, NoticeKind.SEAT_WAITLISTED]
)
def test_other_kinds_bring_no_entry(kind: NoticeKind) -> None:
    """Who waits in line has no place to put into a calendar."""
    assert Wordings(CLOCK).calendar(kind, Discretion.OPEN, "en", FACTS, organizer="a@b.org", attendee="c@d.org") is None


def test_one_member_and_meeting_have_one_uid_for_ever() -> None:
    """Whatever happens to the meeting; and two members' calendars share none."""
    first = event_of(invited(NoticeKind.SEAT_CONFIRMED).body)["UID"]
    assert event_of(invited(NoticeKind.MEETING_CANCELLED, Discretion.OPEN, revision=9).body)["UID"] == first
    assert event_of(invited(NoticeKind.SEAT_CONFIRMED, member_ref="ref2").body)["UID"] != first
    assert event_of(invited(NoticeKind.SEAT_CONFIRMED, meeting_id="m2").body)["UID"] != first
    assert "m1" not in first
    assert "ref1" not in first


def test_only_open_names_the_group_and_the_place() -> None:
    """Calendars are shared; a weekly address tells where someone goes."""
    opened = event_of(invited(NoticeKind.SEAT_CONFIRMED, Discretion.OPEN).body)
    assert opened["SUMMARY"] == FACTS.group_name
    assert opened["LOCATION"] == "Library, 12 Elm Street"
    assert "https://portal.example.org/my/meetings/m1" in opened["DESCRIPTION"]
    assert event_of(invited(NoticeKind.SEAT_CONFIRMED).body)["SUMMARY"] == "Appointment"
    assert event_of(invited(NoticeKind.SEAT_CONFIRMED, Discretion.SILENT).body)["SUMMARY"] == "Busy"


@pytest.mark.parametrize("level", Discretion)
def test_lines_end_in_crlf_and_are_no_longer_than_75_octets(level: Discretion) -> None:
    """RFC 5545, 3.1; a character of several octets is not cut in two."""
    body = invited(NoticeKind.SEAT_CONFIRMED, level).body.encode()
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert body.count(b"\n") == body.count(b"\r\n") == body.count(b"\r")
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()


def test_the_zone_comes_along() -> None:
    """With its rules for the meeting's year, so that a reader without our zones shows the right hour."""
    calendar = ICalendar.from_ical(invited(NoticeKind.SEAT_CONFIRMED).body)
    [zone] = calendar.walk("VTIMEZONE")
    assert zone["TZID"] == "America/New_York"
    assert zone.to_tz().utcoffset(datetime(2026, 7, 1)) != zone.to_tz().utcoffset(datetime(2026, 12, 1))
    assert not ICalendar.from_ical(invited(NoticeKind.SEAT_CONFIRMED, starts=CLOCK.now(), ends=None).body).walk(
        "VTIMEZONE"
    )


def test_a_file_to_download_names_nobody() -> None:
    """METHOD PUBLISH, and the same UID as the invitation: a calendar that has both shows one."""
    body = Wordings(CLOCK).calendar_file(Discretion.DISCREET, "en", FACTS)
    event = event_of(body)
    assert "METHOD:PUBLISH" in body
    assert "ATTENDEE" not in event
    assert event["UID"] == event_of(invited(NoticeKind.SEAT_CONFIRMED).body)["UID"]


def test_an_entry_that_is_written_once_for_all_names_its_own_reader() -> None:
    """Uid, sequence, stamp and attendee, once each, also where the address is longer than a line."""
    for who in ("ana", "ben" + "x" * 90):
        facts = replace(FACTS, member_ref=who, revision=len(who))
        body = Wordings(CLOCK).calendar(
            NoticeKind.SEAT_CONFIRMED, Discretion.OPEN, "en", facts, organizer="us@example.org", attendee=f"{who}@e.org"
        )
        assert body is not None
        event = event_of(body.body)
        assert event["attendee"] == f"mailto:{who}@e.org"
        assert event["sequence"] == len(who)
        assert event["uid"] == uid(who, "m1")
        assert body.body.count("UID:") == body.body.count("DTSTAMP:") == 1
        assert max(len(line.encode()) for line in body.body.split("\r\n")) <= 75
