"""The pages of a chapter and its region: series, groups, venues, imports, figures, the trail."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import Mode, Role
from shared.contracts.errors import Invalid, Unreachable
from tests.component.admin.scene import (
    HERE,
    NORTH,
    SOUTH,
    THERE,
    Browser,
)
from tests.support.processes import eventually
from tests.support.world import ring

SERIES = {
    "group_id": "group-1",
    "repeats": "monthly",
    "weekday": "1",
    "ordinal": "-1",
    "starts_on": "2026-12-01",
    "starts": "19:00",
    "minutes": "90",
    "modes": ["in_person", "online"],
    "in_person_capacity": "12",
    "online_capacity": "60",
    "venue_id": "venue-1",
    "room_id": "room-1",
}


def test_a_series_shows_its_dates_before_it_is_scheduled(browser: Browser) -> None:
    """The friendly form becomes a recurrence rule."""
    browser.sign_in()
    url = f"/chapters/{NORTH}/series/new"
    browser.get(url)
    page = browser.post(url, **SERIES, step="preview")
    assert "The last Tuesday of each month, 7:00 pm" in page
    assert "The clocks change." in page
    assert not browser.asking.sent
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert {"group_id", "minutes", "modes"} <= set(fields)
    browser.post(url, **SERIES, step="schedule")
    [command] = browser.asking.sent_of(m.ScheduleSeries)
    assert command.rule.rrule == "FREQ=MONTHLY;BYDAY=-1TU"
    assert command.offers == (
        m.ModeOffer(mode=Mode.IN_PERSON, capacity=12),
        m.ModeOffer(mode=Mode.ONLINE, capacity=60),
    )


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"modes": []}, "modes", "Choose at least one way to attend"),
        ({"minutes": "5"}, "minutes", "Enter a number of minutes from 10 to 600"),
        ({"starts": "late"}, "starts", "Enter a time, for example 19:00"),
        ({"venue_id": ""}, "venue_id", "Choose the venue"),
        ({"room_id": "room-of-another"}, "room_id", "Choose an online room of this chapter"),
        ({"skip": "Christmas"}, "skip", "Enter days like 2026-12-24"),
        ({"group_id": ""}, "group_id", "Choose the group"),
    ],
)
def test_what_is_wrong_with_a_series_stands_beside_its_field(
    browser: Browser, changes: dict[str, Any], field: str, words: str
) -> None:
    """Input is named, not swallowed."""
    browser.sign_in()
    url = f"/chapters/{NORTH}/series/new"
    browser.get(url)
    page = browser.post(url, status=422, **{**SERIES, **changes})
    assert f'<a href="#{field}">{words}' in page


def test_a_rule_that_the_service_refuses_is_said_in_its_words(browser: Browser) -> None:
    """Beside the form's own field."""
    browser.sign_in()
    browser.asking.answer(m.PreviewSeries, Invalid("that rule has no date", field="rrule"))
    url = f"/chapters/{NORTH}/series/new"
    browser.get(url)
    assert '<a href="#weekday">that rule has no date</a>' in browser.post(url, status=422, **SERIES)


def test_a_rooms_link_is_sealed_and_never_shown(browser: Browser) -> None:
    """The gateway cannot read it back either."""
    browser.sign_in()
    url = f"/chapters/{NORTH}/rooms/new"
    browser.get(url)
    assert "Enter a link" in browser.post(url, status=422, name="Room")
    assert "begins with https" in browser.post(url, status=422, name="Room", link="http://plain.example/1")
    page = browser.post(url, name="Room", link="https://meet.example/secret")
    [command] = browser.asking.sent_of(m.AddRoom)
    assert command.link is not None
    assert ring("meetings").unseal(command.link) == "https://meet.example/secret"
    assert "meet.example" not in page


def test_groups_and_venues_are_added(browser: Browser) -> None:
    """And the audit trail says so."""
    browser.sign_in()
    browser.get(f"/chapters/{NORTH}/groups/new")
    assert "The group is added" in browser.post(
        f"/chapters/{NORTH}/groups/new", name="Circle", purpose="To listen", kind="peer", format="topic", policy="open"
    )
    browser.get(f"/chapters/{NORTH}/venues/new")
    browser.post(f"/chapters/{NORTH}/venues/new", name="Library", address="1 River Rd", city="Evanston", country="us")
    assert browser.asking.sent_of(m.AddVenue)[0].country == "US"
    assert {"added group", "added venue"} <= set(re.findall(r"(added \w+)", browser.get("/account")))


def rows_report(command: m.ImportMeetings, _actor: Any) -> m.ImportReport:
    rows = json.loads(command.rows_json)
    return m.ImportReport(
        rows=tuple(
            m.RowReport(row=command.first_row + at, name=row["name"], outcome=m.RowOutcome.REFUSED, field="day", why="no day")
            if row.get("day") is None
            else m.RowReport(row=command.first_row + at, name=row["name"], outcome=m.RowOutcome.ADDED)
            for at, row in enumerate(rows)
        )
    )  # fmt: skip


def test_an_import_goes_in_slices_and_its_report_adds_up(browser: Browser) -> None:
    """120 rows are three slices; a row that is refused is named with its field."""
    browser.sign_in()
    browser.asking.answer(m.ImportMeetings, rows_report)
    url = f"/chapters/{NORTH}/import"
    rows = [{"name": f"Group {at}", "day": None if at == 60 else 1} for at in range(120)]
    browser.get(url)
    browser.post(url, files={"file": ("list.json", json.dumps(rows).encode())})
    page = browser.get(browser.url)
    assert [len(json.loads(each.rows_json)) for each in browser.asking.sent_of(m.ImportMeetings)] == [50, 50, 20]
    totals = dict(re.findall(r"<dt>([\w ]+)</dt><dd[^>]*>(\d+)</dd>", page))
    assert totals == {"added": "119", "updated": "0", "unchanged": "0", "refused": "1", "rows in all": "120"}
    assert re.search(r'scope="row">Row 61</th>', page)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"name,day\n", "The file is not JSON"),
        (b"{}", "holds no list"),
        (b"[]", "list is empty"),
        (b"\xff\xfe[", "UTF-8"),
        (b"[" * 100_000, "too deep"),
        (b"[" + b"9" * 5000 + b"]", "endless numbers"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_it_should_be(browser: Browser, body: bytes, words: str) -> None:
    """Nothing is sent."""
    browser.sign_in()
    url = f"/chapters/{NORTH}/import"
    browser.get(url)
    assert words in browser.post(url, status=422, files={"file": ("list.json", body)})
    assert not browser.asking.sent


def test_an_import_stops_early_with_its_reason_where_the_network_is_away(browser: Browser) -> None:
    """After it was tried under the same request id."""
    browser.sign_in()
    browser.asking.answer(m.ImportMeetings, Unreachable(), rows_report)
    url = f"/chapters/{NORTH}/import"
    browser.get(url)
    browser.post(url, files={"file": ("list.json", b'[{"name": "A", "day": 1}]')})
    eventually(lambda: "Done." in browser.get(browser.url), what="the import")
    assert len({request_id for _, _, request_id in browser.asking.sent}) == 1


def test_half_a_surrogate_pair_in_a_row_stops_no_import(browser: Browser) -> None:
    """JSON can say it and UTF-8 cannot; the service that reads the row decides."""
    browser.sign_in()
    browser.asking.answer(m.ImportMeetings, rows_report)
    url = f"/chapters/{NORTH}/import"
    browser.get(url)
    browser.post(url, files={"file": ("list.json", b'[{"name": "A", "slug": "\\ud83d", "day": 1}]')})
    assert "Done." in browser.get(browser.url)


def test_regional_staff_see_figures_and_no_person(browser: Browser) -> None:
    """The report says what it withholds, and why."""
    browser.sign_in(Role.REGIONAL)
    assert "Lakeside" in browser.get("/")
    page = browser.get("/windows/window-closed/report")
    for words in ("About <strong", "Fewer than 10 answered.", "It would give away North&#39;s.", "Too few answered."):
        assert words in page
    assert "still open" in browser.get("/windows/window-open/report")
    asked = {type(query) for query, _ in browser.asking.asked}
    assert r.ListMeetingSeats not in asked


def test_a_coordinator_reads_the_report_of_their_own_chapter_and_the_region(browser: Browser) -> None:
    """Not of another chapter, even where the service answered with it."""
    browser.sign_in()
    page = browser.get("/windows/window-closed/report")
    assert "Fewer than 10 answered." in page
    assert "give away" not in page


def test_regional_staff_open_chapters_and_windows(browser: Browser) -> None:
    """With the errors beside the fields."""
    browser.sign_in(Role.REGIONAL)
    browser.get("/region/chapters/new")
    page = browser.post("/region/chapters/new", status=422, name="East", slug="East!", time_zone="Mars/Olympus")
    assert '<a href="#slug">' in page
    assert '<a href="#time_zone">' in page
    browser.post("/region/chapters/new", name="East", slug="east", time_zone=("America/Chicago"))
    assert browser.asking.sent_of(m.OpenChapter)[0].region_id == "region-1"
    browser.get("/region/windows/new")
    browser.post("/region/windows/new", status=422, name="N", opens_on="2026-12-02", closes_on="2026-12-01")
    assert "The feedback window is open" in browser.post(
        "/region/windows/new", name="December", opens_on="2026-12-01", closes_on="2026-12-31", grace_hours="72"
    )


def test_the_trail_says_who_did_what_and_never_of_whom(browser: Browser) -> None:
    """Regional staff can read it all."""
    browser.sign_in()
    browser.get(f"/meetings/{HERE}")
    browser.sign_in(Role.REGIONAL, name="Sam")
    page = browser.get("/region/trail")
    assert "looked at seats" in page
    assert "Robin" in page
    assert "Ana" not in page


def test_another_chapter_is_not_found(browser: Browser) -> None:
    """It answers like what does not exist."""
    browser.sign_in()
    other = browser.get(f"/meetings/{THERE}", status=404)
    nothing = browser.get("/meetings/none-such", status=404)
    assert "There is no such meeting." in other
    assert other.split("<main")[1] == nothing.split("<main")[1]
    assert browser.get(f"/chapters/{SOUTH}", status=404)
