"""Invitations and mails as other people's programs read them."""

from __future__ import annotations

import email
import email.policy
import io
import re
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage

import pytest
import recurring_ical_events
from dateutil import tz
from icalendar import Calendar

from services.notifications.channels.mail_message import build, from_header
from services.notifications.messages import Facts, Message
from services.notifications.wording import Wordings
from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Channel, Mode
from shared.runtime.vtimezone import vtimezone
from tests.support.region import Region, region

ZONES = (
    "Europe/London",
    "America/Chicago",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kolkata",
)


def as_read(message: Message) -> EmailMessage:
    """The mail, as Python's own modern policy reads it from the bytes that go out."""
    envelope = build(message, from_header("Notes", "notes@post.example"), datetime(2026, 11, 2, tzinfo=UTC))
    assert all(len(line) <= 998 for line in envelope.body.split(b"\r\n")), "a line is longer than RFC 5321 allows"
    assert b"\n" not in envelope.body.replace(b"\r\n", b"")
    assert b"\r" not in envelope.body.replace(b"\r\n", b"")
    read = email.message_from_bytes(envelope.body, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    for part in read.walk():
        assert not part.defects, part.defects
        assert all(not value.defects for value in part.values()), [value.defects for value in part.values()]
    return read


def events(mails: list[Message]) -> list[tuple[str, Calendar]]:
    """(METHOD, the object) of each invitation, from the part that calendars act on; the file says the same."""
    found = []
    for mail in mails:
        if mail.calendar is None:
            continue
        read = as_read(mail)
        (part,) = [each for each in read.walk() if each.get_content_type() == "text/calendar"]
        (file,) = read.iter_attachments()
        assert part.get_content().replace("\r\n", "\n") == file.get_content().decode().replace("\r\n", "\n")
        calendar = Calendar.from_ical(part.get_content())
        assert part.get_param("method") == calendar["method"]
        assert part.get_content_charset() == "utf-8"
        found.append((str(calendar["method"]), calendar))
    return found


def seated(network: Region, **more: object) -> tuple[object, str]:
    """Ana holds a seat at a weekly meeting."""
    place = network.found()
    (meeting,) = place.schedule(date(2026, 11, 5), **more)  # type: ignore[arg-type]
    ana = network.join("ana")
    network.settle()
    network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
    network.settle()
    return place, meeting


def test_one_entry_is_entered_updated_and_taken_out() -> None:
    """Every invitation about one meeting has one UID, and a SEQUENCE that rises with each change, the last a CANCEL."""
    with region() as network:
        place, meeting = seated(network)
        place.change(m.MoveOnline, meeting)  # type: ignore[attr-defined]
        network.step(seconds=120)
        place.change(m.MoveBack, meeting)  # type: ignore[attr-defined]
        network.step(seconds=120)
        place.change(m.MoveMeeting, meeting, starts_local=datetime(2026, 11, 6, 20, 0))  # type: ignore[attr-defined]
        network.step(seconds=120)
        place.change(m.CancelMeeting, meeting)  # type: ignore[attr-defined]
        network.step(seconds=120)
        found = events(network.mail.taken)
        assert [method for method, _ in found] == ["REQUEST"] * 4 + ["CANCEL"]
        entries = [calendar.walk("VEVENT")[0] for _, calendar in found]
        assert len({str(entry["uid"]) for entry in entries}) == 1
        sequences = [int(entry["sequence"]) for entry in entries]
        assert sequences == sorted(set(sequences)), sequences
        assert [str(entry["status"]) for entry in entries] == ["CONFIRMED"] * 4 + ["CANCELLED"]
        assert entries[3].start == datetime(2026, 11, 6, 20, 0, tzinfo=tz.gettz("Europe/London"))
        for _, calendar in found[:4]:
            begins = calendar.walk("VEVENT")[0].start
            (shown,) = recurring_ical_events.of(calendar).between(date(2026, 11, 1), date(2026, 12, 1))
            assert shown.start == begins


def test_taking_back_a_seat_outranks_every_entry_before_it() -> None:
    """Given up and taken again: CANCEL and REQUEST alternate, and each has a higher SEQUENCE than the one before."""
    with region() as network:
        _, meeting = seated(network)
        from tests.support.world import member  # noqa: PLC0415

        network.registration.send(r.GiveUpSeat(meeting_id=meeting), member("ana"))
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.ONLINE), member("ana"))
        network.settle()
        found = events(network.mail.taken)
        assert [method for method, _ in found] == ["REQUEST", "CANCEL", "REQUEST"]
        sequences = [int(calendar.walk("VEVENT")[0]["sequence"]) for _, calendar in found]
        assert sequences == sorted(set(sequences))


@pytest.mark.parametrize("name", ZONES)
def test_another_programs_clock_agrees_with_our_time_zone(name: str) -> None:
    """A VTIMEZONE read by dateutil shows every hour of two years as the IANA zone does, the nights of change included."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        *vtimezone(name, date(2025, 7, 1), date(2027, 7, 1)),
        "END:VCALENDAR",
        "",
    ]
    theirs, ours = tz.tzical(io.StringIO("\r\n".join(lines))).get(name), tz.gettz(name)
    hour, wrong = datetime(2025, 7, 2), []
    while hour < datetime(2027, 6, 30):
        clear = not tz.datetime_ambiguous(hour, ours) and tz.datetime_exists(hour, ours)
        if clear and hour.replace(tzinfo=theirs).utcoffset() != hour.replace(tzinfo=ours).utcoffset():
            wrong.append(hour)
        hour += timedelta(minutes=30)
    assert not wrong, wrong[:4]


@pytest.mark.parametrize(("day", "at"), [(date(2027, 3, 28), time(1, 30)), (date(2027, 3, 28), time(0, 30)),
                                         (date(2026, 10, 25), time(0, 30)), (date(2026, 10, 25), time(1, 30))])  # fmt: skip
def test_a_meeting_in_the_night_of_the_change_has_its_length(day: date, at: time) -> None:
    """On the nights when the clocks change an invitation begins when the meeting does and lasts 90 minutes."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from shared.runtime.clock import SteppedClock  # noqa: PLC0415

    zone = ZoneInfo("Europe/London")
    starts = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    ends = starts + timedelta(minutes=90)
    facts = Facts(
        portal_url="https://portal.example",
        starts=starts.astimezone(zone),
        ends=ends.astimezone(zone),
        meeting_id="m1",
        member_ref="x",
        group_name="G",
        chapter_name="C",
    )
    wordings = Wordings(SteppedClock(starts))
    made = wordings.calendar(
        n.NoticeKind.SEAT_CONFIRMED, n.Discretion.DISCREET, "en", facts, organizer="a@b.example", attendee="c@d.example"
    )
    assert made is not None
    theirs = tz.tzical(io.StringIO(made.body[made.body.index("BEGIN:VTIMEZONE") : made.body.index("BEGIN:VEVENT")]))
    entry = Calendar.from_ical(made.body).walk("VEVENT")[0]
    begins = entry["dtstart"].dt.replace(tzinfo=theirs.get("Europe/London"), fold=0)
    assert begins.astimezone(UTC) == starts
    if "DURATION" in entry:
        assert entry["duration"].dt == timedelta(minutes=90)
    else:
        finish = entry["dtend"].dt.replace(tzinfo=theirs.get("Europe/London"), fold=0)
        assert finish.astimezone(UTC) - begins.astimezone(UTC) == timedelta(minutes=90)


def test_every_mail_of_a_life_can_be_read() -> None:
    """Text, HTML, headers: every mail is read without a defect, bears its unsubscribe, and its id comes once."""
    with region(
        mail_from="Nötizen für alle, die länger heißen als man denkt und noch länger <notes@post.example>"
    ) as network:
        place, meeting = seated(network)
        place.change(m.MoveOnline, meeting)  # type: ignore[attr-defined]
        network.step(days=2, hours=12)
        network.step(days=2)
        mails = network.mail.taken
        assert {re.sub(r"\d+", "0", mail.words.subject or "") for mail in mails}
        ids = set()
        for mail in mails:
            read = as_read(mail)
            plain, html = read.get_body(("plain",)), read.get_body(("html",))
            assert plain is not None
            assert html is not None
            assert plain.get_content_charset() == html.get_content_charset() == "utf-8"
            assert plain.get_content().splitlines() == mail.words.text.splitlines()
            assert len(read.get_all("message-id")) == 1
            ids.add(read["message-id"])
            if "unsubscribe" in (mail.unsubscribe_url or "") or mail.unsubscribe_url:
                assert read["list-unsubscribe"] == f"<{mail.unsubscribe_url}>"
                assert read["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
            assert read["to"].addresses[0].addr_spec == "ana@example.org"
        assert len(ids) == len(mails)


def test_long_names_that_are_not_ascii_survive() -> None:
    """A sender's name and a subject of 300 characters in other scripts arrive as they were written."""
    name, subject = "Begegnung für Ängstliche und Überforderte " * 3, "Ἡ συνάντησις — Встреча — 集まり " * 10
    message = Message(
        notice_id="1",
        channel=Channel.EMAIL,
        to="ana@example.org",
        words=_words(subject.strip(), "x" * 3000 + "\nΩ" * 500 + "\n.\n..\nFrom me\n"),
        message_id="a@b.example",
    )
    envelope = build(message, from_header(name.strip(), "notes@post.example"), datetime(2026, 11, 2, tzinfo=UTC))
    assert all(len(line) <= 998 for line in envelope.body.split(b"\r\n"))
    read = email.message_from_bytes(envelope.body, policy=email.policy.default)
    assert read["subject"] == subject.strip()
    assert read["from"].addresses[0].display_name == name.strip()
    body = read.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == message.words.text.splitlines()


def _words(subject: str, text: str) -> object:
    from services.notifications.messages import Worded  # noqa: PLC0415

    return Worded(text=text, subject=subject)
