"""The feeds, read back by others' libraries and held against what their readers need."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import jsonschema
import pytest
import recurring_ical_events
from sqlalchemy import Engine

from services.meetings.store import metadata
from shared.contracts import meetings as said
from shared.contracts.errors import Invalid, NotFound
from shared.storage.engine import make_engine
from tests.component.meetings.conftest import House, house, offers, world  # noqa: F401 - fixtures
from tests.support.world import OPERATOR, VISITOR

SITE = "https://portal.example.org"
SECRETS = ("quiet-harbour", "7946 0000", "sesame")
RECORD = {
    "type": "object",
    "required": ["name", "slug", "timezone", "formatted_address", "approximate", "types", "entity"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 255},
        "slug": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
        "day": {"type": "integer", "minimum": 0, "maximum": 6},
        "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        "end_time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        "timezone": {"type": "string", "pattern": "^[A-Za-z_]+(/[A-Za-z_]+)*$"},
        "formatted_address": {"type": "string", "minLength": 1},
        "approximate": {"enum": ["yes", "no"]},
        "types": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "updated": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"},
        "conference_url": {"type": "string", "pattern": "^https?://"},
        "url": {"type": "string", "pattern": "^https?://"},
    }
    | {
        name: {"type": "string", "minLength": 1}
        for name in (
            "address", "city", "state", "postal_code", "country", "region", "conference_url_notes", "notes",
            "location", "location_notes", "group", "entity", "entity_url", "entity_website_url",
        )
    },
}  # fmt: skip
"""A record as code4recovery/spec has it, with what its readers were seen to need: zone, address, approximate."""


@pytest.fixture
def engine() -> Any:
    """Feeds are text: one kind of database is enough here."""
    engine: Engine = make_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def guide(house: House, **more: Any) -> list[dict[str, Any]]:  # noqa: F811
    feed = house.world.ask(said.MeetingGuideFeed(site=SITE, **more), VISITOR)
    assert feed.content_type == "application/json"
    records: list[dict[str, Any]] = json.loads(feed.body)
    for record in records:
        jsonschema.validate(record, RECORD)
    assert not any(secret in feed.body for secret in SECRETS)
    return records


def calendar(house: House, **more: Any) -> icalendar.Calendar:  # noqa: F811
    feed = house.world.ask(said.CalendarFeed(site=SITE, **more), VISITOR)
    assert feed.content_type == "text/calendar; charset=utf-8"
    assert not any(secret in feed.body for secret in SECRETS)
    assert feed.body.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 and "\n" not in line for line in feed.body.split("\r\n"))
    found = icalendar.Calendar.from_ical(feed.body)
    assert not [part.errors for part in found.walk() if part.errors]
    return found


# -- Meeting Guide --------------------------------------------------------------------------------


def test_a_hybrid_meeting_has_its_full_address_and_the_portals_page(house: House) -> None:  # noqa: F811
    """In person and online: address, approximate no, conference_url, no TC. The link is the page's, not the room's."""
    meeting = house.schedule()[0]
    (record,) = guide(house)
    assert (record["day"], record["time"], record["end_time"]) == (2, "19:00", "20:30")
    assert (record["timezone"], record["approximate"]) == ("Europe/London", "no")
    assert record["formatted_address"] == "1 Quay Street, London, GB"
    assert record["conference_url"] == f"{SITE}/meetings/{meeting.meeting_id}"
    assert record["types"] == ["O", "EN"]


def test_a_meeting_in_a_room_has_no_conference(house: House) -> None:  # noqa: F811
    """Even where a room online is kept in reserve."""
    house.schedule(offers=offers(in_person=12))
    (record,) = guide(house)
    assert "conference_url" not in record
    assert record["approximate"] == "no"


def test_an_online_meeting_has_an_approximate_address(house: House) -> None:  # noqa: F811
    """Without any address a finder drops it; a full one would say that one can go there."""
    house.schedule(offers=offers(online=60))
    (record,) = guide(house)
    assert (record["formatted_address"], record["approximate"]) == ("London, GB", "yes")
    assert "conference_url" in record
    assert "address" not in record


def test_a_shut_venue_shows_at_once_and_goes_again(house: House) -> None:  # noqa: F811
    """Temporarily online: the address stays, with TC and the page; and the entity tag tells that the feed changed."""
    meeting = house.schedule()[0]
    tags = [house.world.ask(said.MeetingGuideFeed(site=SITE), VISITOR).etag]
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    (record,) = guide(house)
    assert "TC" in record["types"]
    assert "conference_url" in record
    assert record["address"] == "1 Quay Street"
    assert "on 3 November 2026 everybody meets online" in record["notes"]
    tags.append(house.world.ask(said.MeetingGuideFeed(site=SITE), VISITOR).etag)
    house.world.send(said.MoveBack(meeting_id=meeting.meeting_id, revision=2), OPERATOR)
    assert "TC" not in guide(house)[0]["types"]
    assert tags[0] != tags[1]
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_the_same_meetings_give_the_same_feed(house: House) -> None:  # noqa: F811
    """An hour later, nothing changed: the same entity tag, so that nobody fetches it again."""
    house.schedule()
    for query in (said.MeetingGuideFeed(site=SITE), said.CalendarFeed(site=SITE)):
        before = house.world.ask(query, VISITOR)
        house.world.clock.step(hours=1)
        assert house.world.ask(query, VISITOR) == before


def test_a_series_of_many_days_has_a_record_for_each(house: House) -> None:  # noqa: F811
    """Never a list of days: two of them break the page of a finder that is much used."""
    house.schedule("FREQ=WEEKLY;BYDAY=SU,TU,FR")
    records = guide(house)
    assert [record["day"] for record in records] == [0, 2, 5]
    assert len({record["slug"] for record in records}) == 3


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("FREQ=MONTHLY;BYDAY=1TU", "Not weekly: on the first Tuesday of the month at 19:00 (Europe/London)."),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "Not weekly: every second week on Tuesday at 19:00 (Europe/London)."),
    ],
)
def test_what_is_not_weekly_is_not_given_as_weekly(house: House, rrule: str, words: str) -> None:  # noqa: F811
    """No day and no time, and the rule in words with its next date."""
    house.schedule(rrule)
    (record,) = guide(house)
    assert "day" not in record
    assert "time" not in record
    assert words in record["notes"]
    assert "Next: 3 November 2026." in record["notes"]


def test_dates_out_of_the_ordinary_stand_in_the_notes(house: House) -> None:  # noqa: F811
    """Skipped, cancelled, moved to another day."""
    meetings = house.schedule(skip=(date(2026, 11, 10),))
    house.world.send(said.CancelMeeting(meeting_id=meetings[0].meeting_id, revision=1), OPERATOR)
    wall = datetime(2026, 11, 18, 18, 0)
    house.world.send(said.MoveMeeting(meeting_id=meetings[1].meeting_id, revision=1, starts_local=wall), OPERATOR)
    notes = guide(house)[0]["notes"]
    assert "No meeting on 3 November 2026." in notes
    assert "Not on 17 November 2026, but on 18 November 2026 at 18:00." in notes


def test_a_series_with_no_date_left_is_not_listed(house: House) -> None:  # noqa: F811
    """Nobody is sent to a group that is over."""
    house.schedule("FREQ=WEEKLY;BYDAY=TU;COUNT=1")
    house.world.tick(days=3)
    assert guide(house) == []


def test_an_import_comes_out_of_the_feed_as_it_went_in(house: House) -> None:  # noqa: F811
    """The truth table's five states, by what the row says."""
    place = {"address": "1 Hill Road", "city": "Leeds", "country": "UK", "day": 1, "time": "12:00", "types": ["O", "X"]}
    link = {"conference_url": "https://zoom.example.org/j/1"}
    rows = {
        "in person": place,
        "hybrid": place | link,
        "online": link | {"day": 1, "time": "12:00", "formatted_address": "Leeds, UK", "approximate": "yes"},
        "shut": place | link | {"types": ["X", "TC"]},
        "closed": place | {"types": ["X", "TC"]},
    }
    rows_json = json.dumps([row | {"slug": name, "name": name} for name, row in rows.items()])
    house.world.send(said.ImportMeetings(chapter_id=house.chapter, first_row=1, rows_json=rows_json), OPERATOR)
    states = {
        record["name"]: (
            record["approximate"],
            "TC" in record["types"],
            "conference_url" in record,
            "X" in record["types"],
        )
        for record in guide(house)
    }
    assert states == {
        "in person": ("no", False, False, True),
        "hybrid": ("no", False, True, True),
        "online": ("yes", False, True, False),
        "shut": ("no", True, True, False),
        "closed": ("no", True, False, False),
    }


def test_a_feed_of_one_chapter_holds_nothing_else(house: House) -> None:  # noqa: F811
    """And of no chapter that does not exist."""
    house.schedule()
    other = house.open_chapter(name="Hill")
    assert guide(house, chapter_id=other) == []
    assert len(guide(house, chapter_id=house.chapter)) == 1
    with pytest.raises(NotFound):
        guide(house, chapter_id="nothing")
    with pytest.raises(Invalid) as refused:
        house.world.ask(said.MeetingGuideFeed(site="javascript:alert(1)"), VISITOR)
    assert refused.value.field == "site"


# -- iCalendar ------------------------------------------------------------------------------------


def test_a_calendar_reads_back_as_the_meetings_that_were_laid_out(house: House) -> None:  # noqa: F811
    """Through the change of the clocks, in a zone with its own VTIMEZONE."""
    sydney = house.open_chapter("Australia/Lord_Howe", "Island")
    meetings = house.schedule() + house.schedule(
        "FREQ=WEEKLY;BYDAY=SU", group_id=house.found_group(sydney), venue_id=house.add_venue(sydney),
        room_id=house.add_room(sydney), starts=time(1, 45),
    )  # fmt: skip
    found = calendar(house)
    assert {str(zone["TZID"]) for zone in found.walk("VTIMEZONE")} == {"Europe/London", "Australia/Lord_Howe"}
    read = recurring_ical_events.of(found).between(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    assert sorted((e["DTSTART"].dt.astimezone(UTC), e["DTEND"].dt.astimezone(UTC)) for e in read) == sorted(
        (m.starts_at, m.ends_at) for m in meetings
    )


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
def test_the_zones_of_a_calendar_are_right_without_any_other_source(house: House, zone: str) -> None:  # noqa: F811
    """A reader who takes only our VTIMEZONE finds every hour round the changes of the clock (RFC 5545 section 3.6.5)."""
    chapter = house.open_chapter(zone, "Elsewhere")
    house.schedule(
        group_id=house.found_group(chapter), venue_id=house.add_venue(chapter), room_id=house.add_room(chapter)
    )
    (rules,) = calendar(house, chapter_id=chapter).walk("VTIMEZONE")
    theirs = rules.to_tz(lookup_tzid=False)
    moment, end = datetime(2026, 8, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    while moment < end:
        wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        ours = wall.replace(tzinfo=ZoneInfo(zone))
        if ours.utcoffset() == ours.replace(fold=1).utcoffset():
            assert wall.replace(tzinfo=theirs).utcoffset() == ours.utcoffset(), wall
        moment += timedelta(minutes=30)


def test_a_change_keeps_the_uid_and_raises_the_sequence(house: House) -> None:  # noqa: F811
    """So that a subscriber's entry follows; a cancelled one stays, as cancelled, until it would have ended."""
    meeting = house.schedule("FREQ=WEEKLY;BYDAY=TU;COUNT=1")[0]

    def entry() -> Any:
        (event,) = calendar(house).walk("VEVENT")
        return event

    first = entry()
    assert (str(first["STATUS"]), first["SEQUENCE"]) == ("CONFIRMED", 1)
    assert str(first["LOCATION"]) == "Library, 1 Quay Street, London, GB"
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    assert (entry()["SEQUENCE"], str(entry()["LOCATION"])) == (2, "Online")
    house.world.send(said.CancelMeeting(meeting_id=meeting.meeting_id, revision=2), OPERATOR)
    last = entry()
    assert (str(last["STATUS"]), last["SEQUENCE"], last["UID"]) == ("CANCELLED", 3, first["UID"])
    house.world.tick(days=3)
    assert calendar(house).walk("VEVENT") == []


def test_words_with_commas_line_ends_and_umlauts_survive(house: House) -> None:  # noqa: F811
    """Escaped and folded by octets, read back as they were."""
    name = "Grüße; aus, \\ dem Süden — " + "日本語のグループ" * 12
    house.schedule(group_id=house.found_group(name=name))
    event = calendar(house).walk("VEVENT")[0]
    assert str(event["SUMMARY"]) == name
    assert str(event["DESCRIPTION"]).splitlines()[1] == "Attend in person or online."


def test_a_calendar_of_one_group(house: House) -> None:  # noqa: F811
    """Only its meetings, under its name."""
    house.schedule()
    other = house.found_group(name="Quiet hour")
    assert calendar(house, group_id=other).walk("VEVENT") == []
    assert str(calendar(house, group_id=other)["X-WR-CALNAME"]) == "Quiet hour"
    assert len(calendar(house, group_id=house.group).walk("VEVENT")) == 8
    with pytest.raises(NotFound):
        calendar(house, group_id="nothing")
