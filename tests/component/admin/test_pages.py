"""The pages of coordinators and regional staff."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Mode, Role
from shared.contracts.errors import Invalid, Stale, Unanswered, Unreachable
from shared.runtime.clock import SteppedClock
from tests.component.admin.scene import (
    HERE,
    NORTH,
    SEATS,
    SOUTH,
    THERE,
    Browser,
    meeting,
    progress,
    seat,
    seats,
    unreached,
)
from tests.support.processes import eventually
from tests.support.world import ring

CHANGE = f"/meetings/{HERE}/change/online"


def test_a_coordinator_sees_the_meetings_of_their_own_chapters_with_counts(browser: Browser) -> None:
    """Even where the service answered with more than was asked."""
    browser.sign_in()
    page = browser.get("/meetings")
    assert page.count("Tuesday circle") == 1
    assert "7:00 pm" in page  # 01:00 UTC, in the chapter's zone
    assert re.search(r"In the room</span> <strong[^>]*>2</strong> of 2, <span[^>]*>1</span> waiting", page)
    assert ">South<" not in page


def test_a_meeting_shows_its_seats_by_mode_and_fills_live(browser: Browser) -> None:
    """With a stream for who has script, and a link to look again for who has not."""
    browser.sign_in()
    page = browser.get(f"/meetings/{HERE}")
    for words in ("Ana", "first time", "Cleo", "Waiting, in this order", "Dov", "Look again"):
        assert words in page
    assert f'sse-connect="/meetings/{HERE}/live"' in page
    fragment = browser.get(f"/meetings/{HERE}/seats", **{"HX-Request": "true"})
    assert "Ana" in fragment
    assert "<html" not in fragment


def test_the_number_of_people_stands_in_the_button(browser: Browser) -> None:
    """And the words they will read stand above it."""
    browser.sign_in()
    page = browser.get(CHANGE)
    assert "Tell 4 people and meet online" in page
    assert "A change to your plan" in page
    assert "Tonight: online." in page
    assert not browser.asking.sent


def test_a_change_is_made_once_confirmed_and_its_progress_shown(browser: Browser) -> None:
    """Under the request id of the page that was confirmed."""
    browser.sign_in()
    page = browser.get(CHANGE)
    browser.asking.answer(m.MeetingPage, meeting(), meeting(revision=2, online_instead=True))
    told = browser.post(CHANGE, people=4, revision=1)
    [(command, _, request_id)] = browser.asking.sent
    assert command == m.MoveOnline(meeting_id=HERE, revision=1)
    assert f'name="request_id" value="{request_id}"' in page
    assert browser.url.endswith(f"/meetings/{HERE}/told/2?done=online")
    assert "Everybody was reached" in told


def test_if_the_count_moved_it_is_shown_again_and_nothing_is_sent(browser: Browser) -> None:
    """Nobody tells more or fewer people than they read on the button."""
    browser.sign_in()
    browser.get(CHANGE)
    browser.asking.answer(r.ListMeetingSeats, seats(*SEATS, seat("Eve", Mode.ONLINE)))
    page = browser.post(CHANGE, status=409, people=4, revision=1)
    assert "It was 4 people when you opened this page; it is 5 people now." in page
    assert "Tell 5 people and meet online" in page
    assert not browser.asking.sent
    browser.asking.answer(m.MoveOnline, Stale("the meeting has changed"))
    assert "Nothing was sent yet" in browser.post(CHANGE, status=409, people=5, revision=1)


def test_pressing_the_button_twice_leads_to_the_same_place(browser: Browser) -> None:
    """The second time the meeting is online already, and its progress is shown."""
    browser.sign_in()
    browser.get(CHANGE)
    browser.asking.answer(m.MeetingPage, meeting(revision=2, online_instead=True))
    browser.post(CHANGE, people=4, revision=1)
    assert browser.url.endswith("/told/2")
    assert not browser.asking.sent


def test_the_broker_away_is_said_and_nothing_is_done(browser: Browser) -> None:
    """503, in words."""
    browser.sign_in()
    browser.get(CHANGE)
    browser.asking.answer(m.MoveOnline, Unreachable())
    assert "Nothing was done" in browser.post(CHANGE, status=503, people=4, revision=1)


def test_a_change_that_was_not_answered_is_sent_again_as_the_same(browser: Browser) -> None:
    """It may have been done: the page says so, and the form that is still there has the same request id."""
    browser.sign_in()
    browser.get(CHANGE)
    browser.asking.answer(m.MoveOnline, Unanswered())
    form = browser.page
    for _ in range(2):
        browser.page = form
        assert "We do not know whether it was done" in browser.post(CHANGE, status=503, people=4, revision=1)
    assert len(browser.asking.sent) == 2
    assert len({request_id for _, _, request_id in browser.asking.sent}) == 1


def test_who_was_not_reached_is_named_with_why_and_the_next_step(browser: Browser) -> None:
    """By the alias their coordinator knows; a held notice asks for a decision."""
    browser.sign_in()
    browser.asking.answer(
        n.NoticeProgress,
        progress(
            reached=2, unreached=(unreached("Ana", "no_contact"), unreached("Ben", "unknown", n.NoticeState.HELD))
        ),
    )
    page = browser.get(f"/meetings/{HERE}/told/2")
    for words in ("Ana", "Because of no_contact.", "Call them, if you can.", "needs your decision"):
        assert words in page
    browser.post(f"/meetings/{HERE}/told/2/settle", notice_id="notice-Ben", decision="send_again")
    assert browser.asking.sent_of(n.SettleHeld) == [n.SettleHeld(notice_id="notice-Ben", decision="send_again")]
    browser.post(f"/meetings/{HERE}/told/2/settle", status=409, notice_id="notice-of-another", decision="arrived")


def test_while_it_goes_out_the_page_asks_again_and_then_stops(browser: Browser) -> None:
    """Also before the first notice is made."""
    browser.sign_in()
    browser.asking.answer(n.NoticeProgress, progress(due=0, reached=0, complete=False))
    assert "Making the messages ready" in browser.get(f"/meetings/{HERE}/told/2")
    browser.asking.answer(n.NoticeProgress, progress(reached=1, waiting=3, complete=False))
    assert "every 5s" in browser.get(f"/meetings/{HERE}/told/2")
    browser.asking.answer(n.NoticeProgress, progress())
    assert "every 5s" not in browser.get(f"/meetings/{HERE}/told/2", **{"HX-Request": "true"})
    browser.asking.answer(n.NoticeProgress, progress(due=0, reached=0))
    assert "There was nobody to tell." in browser.get(f"/meetings/{HERE}/told/2")


@pytest.mark.parametrize(
    ("what", "state", "words"),
    [
        ("online", {"has_room": False}, "no online room"),
        ("online", {"online_instead": True}, "online already"),
        ("back", {}, "not moved online"),
        ("cancel", {"status": m.MeetingStatus.ENDED}, "over or was cancelled"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(browser: Browser, what: str, state: dict[str, Any], words: str) -> None:
    """Before anything is confirmed."""
    browser.sign_in()
    browser.asking.answer(m.MeetingPage, meeting(**state))
    assert words in browser.get(f"/meetings/{HERE}/change/{what}", status=409)


def test_attendance_takes_one_tap_and_can_be_undone(browser: Browser, clock: SteppedClock) -> None:
    """With script the sheet comes back alone; without, the page at that person's row. Before it opens it says when."""
    browser.sign_in()
    sheet = f"/meetings/{HERE}/attendance"
    assert "The sheet opens on Tuesday 24 November at 6:30 pm" in browser.get(sheet)
    clock.step(hours=10)
    page = browser.get(sheet)
    assert "Dov" not in page  # who waits has no seat
    browser.post(sheet, seat_id="seat-Ana", outcome="attended")
    browser.asking.answer(r.ListMeetingSeats, seats(seat("Ana", outcome=r.Outcome.ATTENDED), seat("Ben")))
    fragment = browser.post(sheet, fragment=True, seat_id="seat-Ana", outcome="undo")
    assert 'aria-pressed="true"' in fragment
    assert "<html" not in fragment
    assert [command.outcome for command in browser.asking.sent_of(r.MarkAttendance)] == [r.Outcome.ATTENDED, None]
    browser.get(sheet)
    browser.post(sheet, status=409, outcome="attended")


def test_a_walk_in_needs_no_name_and_the_sheet_can_be_closed(browser: Browser, clock: SteppedClock) -> None:
    """A name, where given, is sealed to registration. They attend in a way that the meeting is held."""
    browser.sign_in()
    clock.step(hours=10)
    sheet = f"/meetings/{HERE}/attendance"
    browser.get(sheet)
    browser.post(f"{sheet}/walk-ins", alias="", mode="in_person")
    browser.post(f"{sheet}/walk-ins", alias="Sky", mode="online")
    first, second = browser.asking.sent_of(r.AddWalkIn)
    assert first.alias is None
    assert second.alias is not None
    assert ring("registration").unseal(second.alias) == "Sky"
    assert "The sheet is closed" in browser.post(f"{sheet}/close")
    assert browser.asking.sent_of(r.CloseAttendance)


def test_the_printed_sheet_says_neither_group_nor_topic(browser: Browser) -> None:
    """It may lie on a table in a library."""
    browser.sign_in()
    page = browser.get(f"/meetings/{HERE}/sign-in-sheet")
    main = page[page.index("<main") : page.index("</main>")]
    assert "Ana" in main
    assert "Cleo" not in main  # online
    for words in ("Tuesday circle", "To listen", "North", "support"):
        assert words not in main


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
