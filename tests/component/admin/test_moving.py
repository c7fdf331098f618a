"""One meeting at another time or place; a series changed from a day on, or stopped."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest

from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Mode
from shared.contracts.errors import Invalid, Stale
from tests.component.admin.scene import HERE, NORTH, NOW, SEATS, Browser, dates, meeting, progress, seat, seats, series

MOVE = f"/meetings/{HERE}/move"
SERIES = f"/chapters/{NORTH}/series/series-1"
LATER = {"day": "2026-11-25", "starts": "18:30", "minutes": "90", "venue_id": "venue-1"}


def test_a_move_is_previewed_with_the_people_in_the_button(browser: Browser) -> None:
    """As it was, as it will be, what is read, and how many read it; nothing is sent."""
    browser.sign_in()
    assert 'value="19:00"' in browser.get(MOVE)  # 01:00 UTC, in the chapter's zone
    page = browser.post(MOVE, **LATER)
    assert "Tuesday 24 November 2026, 7:00 pm to 8:30 pm; Riverside Library" in page
    assert "Wednesday 25 November 2026, 6:30 pm to 8:00 pm; Riverside Library" in page
    assert "Tell 4 people and move the meeting" in page
    asked = [query for query, _ in browser.asking.asked if isinstance(query, n.PreviewChange)]
    assert asked[-1].starts_at == datetime.fromisoformat("2026-11-26T00:30:00Z")
    assert not browser.asking.sent


def test_a_move_is_made_once_confirmed_and_its_progress_shown(browser: Browser) -> None:
    """Only what is different is asked for."""
    browser.sign_in()
    browser.get(MOVE)
    browser.post(MOVE, **LATER)
    browser.asking.answer(m.MeetingPage, meeting(), meeting(revision=2))
    browser.post(MOVE, **LATER, step="move", people=4, revision=1)
    wall = datetime(2026, 11, 25, 18, 30)
    assert browser.asking.sent_of(m.MoveMeeting) == [m.MoveMeeting(meeting_id=HERE, revision=1, starts_local=wall)]
    assert browser.url.endswith(f"/meetings/{HERE}/told/2?done=move")
    assert "The meeting has moved." in browser.page


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"day": "2026-11-24", "starts": "19:00"}, "Nothing is different yet"),
        ({"day": "2026-11-23"}, "This time has passed"),
        ({"venue_id": "venue-of-another"}, "Choose a venue of this chapter"),
        ({"room_id": "room-of-another"}, "Choose an online room of this chapter"),
        ({"minutes": "5"}, "Enter a number of minutes from 10 to 600"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(browser: Browser, changed: dict[str, str], words: str) -> None:
    """Nothing is asked of the service but what is there."""
    browser.sign_in()
    browser.get(MOVE)
    assert words in browser.post(MOVE, status=422, **LATER | changed)
    assert not browser.asking.sent


def test_if_the_count_moved_a_move_is_shown_again(browser: Browser) -> None:
    """Nobody tells more or fewer people than they read on the button; nor of a meeting that was changed meanwhile."""
    browser.sign_in()
    browser.get(MOVE)
    browser.asking.answer(r.ListMeetingSeats, seats(*SEATS, seat("Eve", Mode.ONLINE)))
    page = browser.post(MOVE, status=409, **LATER, step="move", people=4, revision=1)
    assert "It was 4 people when you opened this page; it is 5 people now." in page
    browser.asking.answer(m.MoveMeeting, Stale("the meeting has changed"))
    assert "Nothing was sent yet" in browser.post(MOVE, status=409, **LATER, step="move", people=5, revision=1)
    browser.asking.answer(m.MeetingPage, meeting(revision=3))
    assert "Nothing was sent yet" in browser.post(MOVE, status=409, **LATER, step="move", people=5, revision=1)


def test_a_meeting_that_is_over_cannot_be_moved(browser: Browser) -> None:
    """It is said before anything is filled in."""
    browser.sign_in()
    browser.asking.answer(m.MeetingPage, meeting(status=m.MeetingStatus.CANCELLED))
    assert "cannot be moved" in browser.get(MOVE, status=409)


def test_a_series_shows_its_dates_and_how_the_telling_goes(browser: Browser) -> None:
    """A link to the list of who was not reached; it asks again while messages go out."""
    browser.sign_in()
    assert f'href="{SERIES}"' in browser.get(f"/chapters/{NORTH}")
    browser.asking.answer(m.SeriesPage, series(meetings=(meeting(), meeting("meeting-2", revision=2))))
    browser.asking.answer(n.NoticeProgress, progress(meeting_id="meeting-2", reached=3, waiting=1, complete=False))
    page = browser.get(SERIES)
    assert "Every week on Tuesday, 7:00 pm" in page
    assert 'href="/meetings/meeting-2/told/2"' in page
    assert "every 3s" in page
    browser.asking.answer(n.NoticeProgress, progress(meeting_id="meeting-2", due=0, reached=0, complete=False))
    assert "Making the messages ready" in browser.get(SERIES)
    browser.asking.answer(n.NoticeProgress, progress(meeting_id="meeting-2"))
    assert "every 3s" not in browser.get(SERIES)


CHANGE = {
    "from_date": "2026-12-01",
    "repeats": "as_now",
    "starts": "18:00",
    "minutes": "90",
    "modes": ["in_person", "online"],
    "in_person_capacity": "2",
    "online_capacity": "60",
    "venue_id": "venue-1",
    "room_id": "room-1",
}


def test_a_series_change_shows_each_date_and_the_people_in_the_button(browser: Browser) -> None:
    """Each person counts once, however many of their meetings it changes."""
    browser.sign_in()
    browser.get(f"{SERIES}/change")
    page = browser.post(f"{SERIES}/change", **CHANGE)
    assert "Moves to Tuesday 24 November, 6:00 pm" in page
    assert "Cancelled" in page
    assert "Tell 4 people and change the series" in page
    assert "What is read of a meeting that moves" in page
    assert not browser.asking.sent


def test_a_series_change_is_made_once_confirmed(browser: Browser) -> None:
    """As a whole, as of what was seen."""
    browser.sign_in()
    browser.get(f"{SERIES}/change")
    browser.post(f"{SERIES}/change", **CHANGE, step="do", people=4, as_of=NOW.isoformat())
    [command] = browser.asking.sent_of(m.ChangeSeries)
    assert (command.from_date, command.as_of, command.change.rrule) == (date(2026, 12, 1), NOW, None)
    assert command.change.starts.hour == 18
    assert "The series is changed." in browser.page
    assert browser.url.endswith("?done=change")


def test_other_days_need_the_day(browser: Browser) -> None:
    """The rhythm as it is now needs none."""
    browser.sign_in()
    browser.get(f"{SERIES}/change")
    assert "Choose the day" in browser.post(f"{SERIES}/change", status=422, **CHANGE | {"repeats": "fortnightly"})
    browser.post(f"{SERIES}/change", **CHANGE | {"repeats": "fortnightly", "weekday": "3"})
    asked = [query for query, _ in browser.asking.asked if isinstance(query, m.PreviewSeriesChange)]
    assert asked[-1].change is not None
    assert asked[-1].change.rrule == "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH"


def test_who_would_lose_a_place_is_said_before(browser: Browser) -> None:
    """Two hold a seat in the room; there would be one place."""
    browser.sign_in()
    browser.asking.answer(m.PreviewSeriesChange, dates(m.DateOutcome.RESIZED))
    browser.get(f"{SERIES}/change")
    page = browser.post(f"{SERIES}/change", **CHANGE | {"in_person_capacity": "1"})
    assert "2 hold a seat in the room, for 1 places" in page
    assert "nobody is written to" in page
    assert ">Change the series</button>" in page


def test_nothing_different_has_no_button(browser: Browser) -> None:
    """Only a way back."""
    browser.sign_in()
    browser.asking.answer(m.PreviewSeriesChange, dates(m.DateOutcome.STAYS))
    browser.get(f"{SERIES}/change")
    page = browser.post(f"{SERIES}/change", **CHANGE)
    assert "Nothing would be different" in page
    assert 'value="do"' not in page


def test_a_series_is_stopped_once_confirmed(browser: Browser) -> None:
    """With the number of people; if it moved, it is shown again."""
    browser.sign_in()
    browser.asking.answer(m.PreviewSeriesChange, dates(m.DateOutcome.CANCELLED))
    browser.get(f"{SERIES}/stop")
    page = browser.post(f"{SERIES}/stop", from_date="2026-12-01")
    assert "Tell 4 people and stop the series" in page
    moved = browser.post(
        f"{SERIES}/stop", status=409, from_date="2026-12-01", step="do", people=3, as_of=NOW.isoformat()
    )
    assert "It was 3 people when you opened this page; it is 4 people now." in moved
    browser.post(f"{SERIES}/stop", from_date="2026-12-01", step="do", people=4, as_of=NOW.isoformat())
    assert browser.asking.sent_of(m.StopSeries) == [
        m.StopSeries(series_id="series-1", as_of=NOW, from_date=date(2026, 12, 1))
    ]


def test_a_series_changed_meanwhile_is_shown_again(browser: Browser) -> None:
    """The service decides: the same form sent twice is done once, another one is too late."""
    browser.sign_in()
    browser.get(f"{SERIES}/stop")
    browser.asking.answer(m.SeriesPage, series(as_of=NOW + timedelta(minutes=1)))
    browser.asking.answer(m.StopSeries, Stale("changed"))
    page = browser.post(
        f"{SERIES}/stop", status=409, from_date="2026-12-01", step="do", people=4, as_of=NOW.isoformat()
    )
    assert "The series was changed since you opened this page." in page


def test_a_refusal_stands_beside_its_field(browser: Browser) -> None:
    """In the service's words."""
    browser.sign_in()
    browser.asking.answer(m.PreviewSeriesChange, Invalid("choose a day until 19 January 2027", field="from_date"))
    browser.get(f"{SERIES}/stop")
    page = browser.post(f"{SERIES}/stop", status=422, from_date="2027-12-01")
    assert re.search(r'id="from_date-error".*choose a day until 19 January 2027', page, re.DOTALL)


def test_another_chapters_series_does_not_exist(browser: Browser) -> None:
    """Whether it is asked for under the own chapter or under its own; nor does one that there is none of."""
    browser.sign_in()
    for end in ("", "/change", "/stop"):
        browser.get(f"/chapters/{NORTH}/series/series-south{end}", status=404)
        browser.get(f"/chapters/chapter-south/series/series-south{end}", status=404)
        browser.get(f"/chapters/{NORTH}/series/none{end}", status=404)


def test_a_series_that_is_over_says_what_can_be_done(browser: Browser) -> None:
    """A new one."""
    browser.sign_in()
    browser.asking.answer(m.SeriesPage, series(over=True, meetings=()))
    assert "schedule a new series" in browser.get(SERIES)
    assert "Schedule a new series" in browser.get(f"{SERIES}/change", status=409)
