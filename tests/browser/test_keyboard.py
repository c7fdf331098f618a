"""The journeys that matter most, by keyboard alone: what has the focus can always be seen."""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page

from tests.browser.chromium import Window
from tests.browser.looking import heard
from tests.browser.scene import PASSWORD, Scene, address_of

MOST = 60
"""Presses of Tab from one thing to the next. Whoever needs more gives up."""


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, as a person would, and see that it shows."""
    element = wanted.element_handle()
    for _ in range(MOST):
        if page.evaluate("wanted => document.activeElement === wanted", element):
            ring = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none", f"the focus cannot be seen on {wanted}"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {wanted}")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Reach it, and press a key on it."""
    reach(page, wanted)
    page.keyboard.press(key)


def write(page: Page, label: str, text: str) -> None:
    """Reach a field, and write into it."""
    reach(page, page.get_by_label(label, exact=True))
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, label: str) -> None:
    """Reach a group of radio buttons, and walk in it with the arrows."""
    wanted = page.get_by_label(label, exact=True)
    name = wanted.get_attribute("name")
    first = page.locator(f"input[name='{name}']:checked")
    reach(page, first if first.count() else page.locator(f"input[name='{name}']").first)
    page.keyboard.press("Space")
    for _ in range(6):
        if wanted.is_checked():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrows do not come to {label}")


def test_a_member_comes_in_by_keyboard_alone(scene: Scene) -> None:
    """From the finder to a seat, with a mistake on the way that takes the focus."""
    meeting, alias = scene.schedule(), f"Key {time.time_ns() % 1000}"
    window = Window(scene.browser, scene.portal)
    page = window.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    press(page, page.locator(f"a[href='/meetings/{meeting}']"))
    page.wait_for_url(f"**/meetings/{meeting}")
    choose(page, "Online")
    press(page, page.get_by_role("button", name="Ask for a place"))
    page.wait_for_url("**/join")
    press(page, page.get_by_role("button", name="Send me the code"))
    page.wait_for_selector("#errors:focus")
    press(page, page.get_by_role("link", name="Enter a name we can call you"))
    page.wait_for_selector("#alias:focus")
    page.keyboard.type(alias)
    choose(page, "Email")
    write(page, "Email address or phone number", address_of(alias))
    page.keyboard.press("Enter")
    page.wait_for_url("**/join/code")
    write(page, "Code", scene.sink.code(address_of(alias)))
    page.keyboard.press("Enter")
    page.wait_for_url("**/join/agreement")
    choose(page, "For myself")
    press(page, page.get_by_label("I have read this and I agree"), "Space")
    press(page, page.get_by_role("button", name="I agree, go on"))
    page.wait_for_url(f"**/my/meetings/{meeting}")
    assert "Your place is kept Online" in heard(page)
    assert window.faults() == []
    window.close()


def test_a_coordinator_moves_a_meeting_online_by_keyboard_alone(scene: Scene) -> None:
    """From signing in to the list of who was not reached."""
    meeting = scene.schedule()
    (quinn,) = scene.join("Quinn", consents=())
    quinn.take_seat(meeting, "in_person")
    window = Window(scene.browser, scene.admin)
    page = window.open(f"/meetings/{meeting}")
    write(page, "User name", scene.ana.user_name)
    write(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code**")
    write(page, "Code", scene.ana.recovery.pop())
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/meetings/{meeting}")
    press(page, page.get_by_role("link", name="The venue is shut"))
    page.wait_for_url("**/change/online")
    press(page, page.get_by_role("button", name="Tell 1 person and meet online"))
    page.wait_for_url("**/told/*")
    page.get_by_text("Next step:").wait_for()
    assert window.faults() == []
    window.close()


def test_a_sheet_is_kept_by_keyboard_alone(scene: Scene) -> None:
    """A tap is a key too; further outcomes are behind one more."""
    meeting = scene.schedule()
    kim, lou = scene.join("Kim", "Lou")
    for each in (kim, lou):
        each.take_seat(meeting, "in_person")
    scene.advance_to(scene.starts_of(meeting))
    window = scene.seated(scene.ana)
    page = window.open(f"/meetings/{meeting}/attendance")
    press(page, page.get_by_role("button", name="Here – Kim"), "Space")
    page.get_by_text("1 of 2 here").wait_for()
    press(page, page.locator("summary", has_text="More about Lou"))
    press(page, page.get_by_role("button", name="Excused – Lou"))
    page.get_by_role("button", name="Excused – Lou, undo").wait_for()
    press(page, page.get_by_role("button", name="Close the sheet"))
    page.wait_for_url("**done=closed")
    assert window.faults() == []
    window.close()
