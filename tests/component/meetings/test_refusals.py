"""What is refused, with which field. The rules touch no SQL of their own: one kind of database is enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from sqlalchemy import Engine

from services.meetings.store import metadata
from shared.contracts import meetings as said
from shared.contracts.errors import Invalid
from shared.storage.engine import make_engine
from tests.component.meetings.conftest import House, field_refused, offers
from tests.component.meetings.test_importing import ONLINE, ROW, send
from tests.support.world import OPERATOR


@pytest.fixture
def engine() -> Iterator[Engine]:
    """SQLite in memory."""
    engine = make_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("zone", ["Europe/Londn", "", "GMT+25", "../../etc/passwd", "localtime", "America"])
def test_a_chapter_needs_a_zone_that_exists(house: House, zone: str) -> None:
    """The field is named; nothing is opened."""
    with pytest.raises(Invalid) as refused:
        house.open_chapter(zone)
    assert refused.value.field == "time_zone"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"venue_id": None}, "venue_id"),
        ({"room_id": None}, "room_id"),
        ({"venue_id": "no-such-venue"}, "venue_id"),
        ({"room_id": "no-such-room"}, "room_id"),
        ({"offers": offers(online=5) + offers(online=6)}, "offers"),
        ({"offers": offers(in_person=3000, online=3000)}, "offers"),
        ({"offers": offers(phone=5), "room_id": "without-dial-in"}, "room_id"),
        ({"offers": offers(online=5), "room_id": "without-link"}, "room_id"),
        ({"venue_id": "foreign"}, "venue_id"),
        ({"room_id": "foreign"}, "room_id"),
        ({"rrule": "FREQ=DAILY"}, "rrule"),
        ({"starts_on": date(1970, 1, 1)}, "starts_on"),
        ({"starts_on": date(9999, 12, 31)}, "starts_on"),
        ({"starts": time.fromisoformat("19:00+01:00")}, "starts"),
        ({"skip": (date(2026, 11, 3),), "rrule": "FREQ=WEEKLY;COUNT=1"}, "skip"),
    ],
)
def test_a_series_that_cannot_be_held_names_its_field(house: House, change: dict[str, object], field: str) -> None:
    """A room to meet in needs a venue, a screen a link, a telephone a number; all of the same chapter."""
    other = house.open_chapter(name="Hill")
    made = {
        "without-dial-in": lambda: house.add_room(dial_in=None),
        "without-link": lambda: house.add_room(link=None),
        "foreign": lambda: (house.add_venue if field == "venue_id" else house.add_room)(other),
    }
    change = {name: made[value]() if value in made else value for name, value in change.items()}
    assert field_refused(lambda: house.world.send(said.ScheduleSeries(**house.series(**change)), OPERATOR)) == field
    assert house.find() == []


@pytest.mark.parametrize(
    ("secrets", "field"),
    [
        ({}, "link"),
        ({"link": "http://quiet.example.net/x"}, "link"),
        ({"link": "quiet.example.net"}, "link"),
        ({"link": "https:///quiet"}, "link"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "https://quiet.example.net/a b"}, "link"),
        ({"dial_in": "call Mary"}, "dial_in"),
    ],
)
def test_a_room_without_a_way_in_is_refused_without_repeating_it(
    house: House, secrets: dict[str, str], field: str
) -> None:
    """The refusal names the field, and never holds what was typed."""
    sealed = {name: house.world.seal(value) for name, value in secrets.items()}
    with pytest.raises(Invalid) as refused:
        house.world.send(said.AddRoom(chapter_id=house.chapter, name="Room", **sealed), OPERATOR)
    assert refused.value.field == field
    assert not any(value in refused.value.message for value in secrets.values())
    with pytest.raises(Invalid) as refused:
        house.world.send(said.AddRoom(chapter_id=house.chapter, name="Room", link="bm90IHNlYWxlZA=="), OPERATOR)
    assert refused.value.field == "link"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": None}, "slug"),
        ({"slug": ""}, "slug"),
        ({"slug": "x" * 300}, "slug"),
        ({"name": "  "}, "name"),
        ({"day": 7}, "day"),
        ({"day": "someday"}, "day"),
        ({"day": True}, "day"),
        ({"day": [1, None, 9]}, "day"),
        ({"day": None, "time": None}, "day"),
        ({"day": []}, "day"),
        ({"time": ""}, "time"),
        ({"time": "25:00"}, "time"),
        ({"time": "noon"}, "time"),
        ({"time": "13:00 pm"}, "time"),
        ({"timezone": "Texas"}, "timezone"),
        ({"address": ""}, "address"),
        ({"address": "", "conference_url": "javascript:alert(1)"}, "conference_url"),
        ({"address": "", "conference_phone": "call us"}, "conference_phone"),
    ],
)
def test_a_bad_row_is_refused_alone(house: House, change: dict[str, Any], field: str) -> None:
    """Which field, what is wrong, what would be right; its neighbours are taken."""
    reports = send(house, ROW | {"slug": "before"}, ROW | change, ONLINE)
    assert [report.outcome for report in reports] == ["added", "refused", "added"]
    assert reports[1].field == field
    assert reports[1].why


@pytest.mark.parametrize("row", [None, 7, "text", [], [ROW]])
def test_what_is_no_row_is_refused_alone(house: House, row: Any) -> None:
    """There is one report a row."""
    assert [r.outcome for r in send(house, row, ROW)] == ["refused", "added"]


@pytest.mark.parametrize("text", ["", "{", "{}", "null", '"[]"', "[" * 100000, json.dumps([ROW] * 51)])
def test_what_is_no_list_is_refused_as_a_whole(house: House, text: str) -> None:
    """With the field, and nothing done."""
    with pytest.raises(Invalid) as refused:
        house.world.send(said.ImportMeetings(chapter_id=house.chapter, first_row=1, rows_json=text), OPERATOR)
    assert refused.value.field == "rows_json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts_local": datetime(2026, 11, 1, 19, 0)}, "starts_local"),
        ({"starts_local": datetime(2026, 11, 9, 19, 0, tzinfo=UTC)}, "starts_local"),
        ({"starts_local": datetime(1, 1, 1)}, "starts_local"),
        ({"starts_local": datetime(9999, 12, 31, 23, 59)}, "starts_local"),
        ({"venue_id": "no-such-venue"}, "venue_id"),
        ({}, "starts_local"),
    ],
)
def test_a_move_that_cannot_be_names_its_field(house: House, change: dict[str, object], field: str) -> None:
    """Past, with an offset, out of reach, another chapter's venue, nothing at all."""
    meeting = house.schedule()[0]
    moved = {"meeting_id": meeting.meeting_id, "revision": 1, **change}
    assert field_refused(lambda: house.world.send(said.MoveMeeting(**moved), OPERATOR)) == field
    assert house.page(meeting.meeting_id).revision == 1
