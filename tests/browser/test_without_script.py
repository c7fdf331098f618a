"""The main journeys in a browser without JavaScript: everything is a link or a plain form."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from shared.contracts.base import MeetingId, Role
from tests.browser.chromium import Window
from tests.browser.looking import heard
from tests.browser.scene import PASSWORD, Colleague, Scene, address_of


@pytest.fixture
def member(scene: Scene) -> Iterator[Window]:
    """A stranger's window of the portal, without script."""
    window = Window(scene.browser, scene.portal, java_script_enabled=False)
    yield window
    assert window.faults() == []
    window.close()


@pytest.fixture
def desk(scene: Scene) -> Iterator[Window]:
    """A coordinator's window of the admin app, without script."""
    window = scene.seated(scene.ana, java_script_enabled=False)
    yield window
    assert window.faults() == []
    window.close()


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press the button of this name."""
    page.get_by_role("button", name=name).click()


def follow(page: Page, name: str | re.Pattern[str]) -> None:
    """Follow the link of this name."""
    page.get_by_role("link", name=name).first.click()


def test_a_member_joins_takes_a_seat_switches_and_gives_it_up(scene: Scene, member: Window) -> None:
    """From the finder to a seat, another way to come, and out again."""
    meeting, alias = scene.schedule(), f"Robin {time.time_ns() % 1000}"
    page = member.open(f"/meetings/{meeting}")
    page.get_by_label("In the room").check()
    press(page, "Ask for a place")
    page.get_by_label("What shall we call you?").fill(alias)
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address or phone number").fill(address_of(alias))
    press(page, "Send me the code")
    page.get_by_label("Code", exact=True).fill(scene.sink.code(address_of(alias)))
    press(page, "Go on")
    page.get_by_label("For myself").check()
    page.get_by_label("I have read this and I agree").check()
    press(page, "I agree, go on")
    assert page.url == f"{scene.portal}/my/meetings/{meeting}"
    assert "Your place is kept In the room" in heard(page)
    page.get_by_label("Online").check()
    press(page, "Change")
    assert "Your place is kept Online" in heard(page)
    follow(page, "Give up my place")
    press(page, "Yes, give it up")
    assert "You gave up your place" in heard(page)


def test_a_member_leaves_and_comes_back_as_somebody_new(scene: Scene) -> None:
    """From the quiet link to the last page; the place goes to who waits, and the address is nobody's any more."""
    meeting, alias = scene.schedule(room=1), f"Sage {time.time_ns() % 1000}"
    leaver, waiter = scene.join(alias, "Kim")
    leaver.take_seat(meeting, "in_person")
    waiter.take_seat(meeting, "in_person")
    window = scene.member_window(alias, java_script_enabled=False)
    page = window.open("/my")
    follow(page, "Leave, and be forgotten")
    assert "This cannot be undone" in heard(page)
    press(page, "Leave and erase")
    assert page.url == f"{scene.portal}/done"
    assert "It is done" in heard(page)
    page.goto(f"{scene.portal}/my")
    assert page.url == f"{scene.portal}/sign-in"
    assert window.faults() == []
    window.close()
    waiter.open(f"/my/meetings/{meeting}")
    assert "Your place is kept" in waiter.page.text

    leaver.http.cookies.clear()
    past = len(scene.sink.mails(address_of(alias)))
    leaver.open("/sign-in")
    leaver.press("/sign-in", channel="email", contact=address_of(alias))
    leaver.press("/join/code", code=scene.sink.code(address_of(alias), past=past))
    assert leaver.page.url.path == "/join/agreement"
    leaver.press("/join/agreement", role="family", agree="yes", alias="Juniper")
    assert leaver.page.url.path in ("/join/done", "/my/meetings")
    leaver.open("/my")
    assert "Hello, Juniper" in leaver.page.text


def test_a_phones_first_screen_shows_meetings_and_the_search_unfolds(scene: Scene) -> None:
    """Who looks for somebody to talk to sees times before fields; the line says what is looked for."""
    scene.schedule()
    window = Window(scene.browser, scene.portal, java_script_enabled=False, viewport={"width": 360, "height": 640})
    page = window.open("/")
    box = page.locator("section li h3").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 640
    assert not page.get_by_label("Day", exact=True).is_visible()
    page.get_by_text("Show only some: any day, any way to come").click()
    page.get_by_label("How you come").select_option(label="Online")
    press(page, "Show")
    assert "Show only some: any day, online" in heard(page)
    assert not page.get_by_label("Day", exact=True).is_visible()
    follow(page, "Show everything")
    assert window.faults() == []
    window.close()


def test_a_colleague_comes_in_by_invitation_and_again_by_password_and_code(scene: Scene) -> None:
    """The QR picture is no script's; a code works once, and the next one lets them in."""
    who = Colleague(f"Cleo{time.time_ns()}", Role.COORDINATOR)
    window = Window(scene.browser, scene.admin, java_script_enabled=False)
    scene.enrol(window, who, scene.invite(Role.COORDINATOR, [scene.north]))
    follow(window.page, "I have written them down")
    press(window.page, "Sign out")
    assert "You are signed out" in heard(window.page)
    page = window.open("/meetings")
    page.get_by_label("User name").fill(who.user_name)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Go on")
    page.get_by_label("Code").fill(pyotp.TOTP(who.totp).at(int(time.time()) + 30))
    press(page, "Sign in")
    assert page.url == f"{scene.admin}/meetings"
    assert window.faults() == []
    window.close()


def schedule(scene: Scene, page: Page, group: str) -> str:
    """Through the form and its preview: a weekly meeting from tomorrow on. Its address."""
    first = scene.today() + timedelta(days=1)
    minute = time.time_ns() % 60
    page.goto(f"{scene.admin}/chapters/{scene.north}/series/new")
    page.get_by_label("Group").select_option(label=group)
    page.get_by_label("Day", exact=True).select_option(label=f"{first:%A}")
    page.get_by_label("From").fill(first.isoformat())
    page.get_by_label("Begins at").fill(f"18:{minute:02d}")
    page.get_by_label("Online", exact=True).check()
    page.get_by_label("Venue").select_option(label="Riverside Library")
    page.get_by_label("Online room").select_option(label="Tuesday room")
    press(page, "Show the dates")
    assert f"{first:%A} {first.day} {first:%B} {first.year}, 6:{minute:02d} pm" in heard(page)
    press(page, "Schedule these meetings")
    assert "The series is scheduled" in heard(page)
    follow(page, "Meetings")
    page.locator("section.day li", has_text=f"6:{minute:02d} pm").first.get_by_role("link").click()
    return page.url


def told(page: Page) -> str:
    """Look again until everybody was dealt with."""
    until = time.monotonic() + 45
    while page.get_by_role("link", name="Look again").count():
        assert time.monotonic() < until, heard(page)
        follow(page, "Look again")
        time.sleep(0.2)
    return heard(page)


def test_a_coordinator_schedules_moves_online_back_and_cancels(scene: Scene, desk: Window) -> None:
    """The number of people stands in the button and is counted again; then who was not reached, why, and what next."""
    lou, _ = scene.join("Lou", "Kim")
    (quinn,) = scene.join("Quinn", consents=())
    page = desk.page
    address = schedule(scene, page, "Tuesday circle")
    meeting = MeetingId(address.rpartition("/")[2])
    scene.wait(lambda: scene.is_open(meeting))
    lou.take_seat(meeting, "in_person")
    quinn.take_seat(meeting, "in_person")

    page.goto(address)
    follow(page, "The venue is shut")
    assert page.get_by_role("heading", name="Preview of the text message").is_visible()
    scene.members["Kim"].take_seat(meeting, "online")
    press(page, "Tell 2 people and meet online")
    assert "It was 2 people when you opened this page; it is 3 people now" in heard(page)
    assert page.get_by_role("heading", name="Nothing was sent yet").is_visible()
    press(page, "Tell 3 people and meet online")
    said = told(page)
    assert "2 reached, 1 not reached, of 3 people" in said
    assert "Quinn They did not agree to be written to about changes. Next step:" in said

    follow(page, "The meeting")
    assert "this meeting is online" in heard(page)
    follow(page, "The venue is open after all")
    press(page, "Tell 3 people and meet in the room")
    assert "of 3 people" in told(page)

    follow(page, "The meeting")
    follow(page, "Cancel the meeting")
    press(page, "Tell 3 people and cancel the meeting")
    told(page)
    follow(page, "The meeting")
    assert "This meeting was cancelled" in heard(page)
    assert page.get_by_role("link", name="Cancel the meeting").count() == 0


def test_attendance_takes_one_tap_a_person(scene: Scene, desk: Window) -> None:
    """A tap, another way, a tap taken back, a walk-in without a name, and the sheet is closed."""
    meeting = scene.schedule()
    kim, lou, maxi = scene.join("Kim", "Lou", "Max")
    for each, mode in ((kim, "in_person"), (lou, "online"), (maxi, "in_person")):
        each.take_seat(meeting, mode)
    scene.advance_to(scene.starts_of(meeting) + timedelta(minutes=5))
    page = desk.open(f"/meetings/{meeting}/attendance")
    press(page, "Here – Kim")
    assert "1 of 3 here, 2 not marked" in heard(page)
    press(page, "Here – Kim, undo")
    assert "0 of 3 here, 3 not marked" in heard(page)
    press(page, "Here – Kim")
    page.get_by_text("More about Lou").click()
    press(page, "Excused – Lou")
    press(page, "Add them")
    expect(page.get_by_role("heading", name="Without a seat", exact=True)).to_be_visible()
    assert "2 of 4 here, 1 not marked" in heard(page)
    press(page, "Close the sheet")
    assert "The sheet is closed" in heard(page)
    assert "not marked" not in heard(page).split("Done?")[0]
