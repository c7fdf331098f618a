"""The pages of one meeting: who comes, a change and who is told of it, the sheet."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Mode
from shared.contracts.errors import Stale, Unanswered, Unreachable
from shared.runtime.clock import SteppedClock
from tests.component.admin.scene import (
    HERE,
    SEATS,
    Browser,
    meeting,
    progress,
    seat,
    seats,
    unreached,
)
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
