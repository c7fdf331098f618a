"""What a script adds: pages that fill by themselves, and a page that is left at once."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chromium import Window
from tests.browser.looking import heard, wrong
from tests.browser.scene import TOPIC, Scene


def test_a_seat_taken_in_the_portal_appears_in_the_admin_app(scene: Scene) -> None:
    """Without a reload; and the page stays fit for everyone after it was filled."""
    meeting = scene.schedule(room=1)
    kim, lou = scene.join("Kim", "Lou")
    window = scene.seated(scene.ana)
    page = window.open(f"/meetings/{meeting}")
    expect(page.locator("#seats")).not_to_contain_text("Kim")
    page.evaluate("document.body.dataset.same = 'yes'")
    kim.take_seat(meeting, "in_person")
    expect(page.locator("#seats")).to_contain_text("Kim")
    lou.take_seat(meeting, "in_person")
    expect(page.get_by_role("heading", name="Waiting, in this order")).to_be_visible()
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert wrong(page) + window.faults() == []
    window.close()


def test_progress_fills_while_the_messages_go_out(scene: Scene) -> None:
    """And the list of who was not reached, without a reload."""
    meeting = scene.schedule()
    kim, lou = scene.join("Kim", "Lou")
    (quinn,) = scene.join("Quinn", consents=())
    for each in (kim, lou, quinn):
        each.take_seat(meeting, "in_person")
    window = scene.seated(scene.ana)
    page = window.open(f"/meetings/{meeting}/change/online")
    page.get_by_role("button", name="Tell 3 people and meet online").click()
    page.wait_for_url("**/told/*")
    page.evaluate("document.body.dataset.same = 'yes'")
    expect(page.get_by_role("status").last).to_contain_text("2 reached, 1 not reached, of 3 people", timeout=45_000)
    expect(page.get_by_role("heading", name="Not reached", exact=True)).to_be_visible()
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert wrong(page) + window.faults() == []
    window.close()


def test_a_tap_does_not_reload_the_sheet_and_keeps_the_focus(scene: Scene) -> None:
    """Whoever ticks a list off with a thumb or a key stays where they are."""
    meeting = scene.schedule()
    kim, lou = scene.join("Kim", "Lou")
    for each in (kim, lou):
        each.take_seat(meeting, "in_person")
    scene.advance_to(scene.starts_of(meeting))
    window = scene.seated(scene.ana)
    page = window.open(f"/meetings/{meeting}/attendance")
    page.evaluate("document.body.dataset.same = 'yes'")
    page.get_by_role("button", name="Here – Kim").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 of 2 here, 1 not marked")
    expect(page.get_by_role("button", name="Here – Kim, undo")).to_be_focused()
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert wrong(page) + window.faults() == []
    window.close()


def test_a_tap_that_nobody_answers_is_not_said_to_be_undone(scene: Scene) -> None:
    """The sheet may have taken it: pressed again, the same form goes, under the same request id."""
    meeting = scene.schedule()
    (kim,) = scene.join("Kim")
    kim.take_seat(meeting, "in_person")
    scene.advance_to(scene.starts_of(meeting))
    window = scene.seated(scene.ana)
    page = window.open(f"/meetings/{meeting}/attendance")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    page.route("**/attendance", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.get_by_role("button", name="Here – Kim").click()
    expect(page.locator("#alert")).to_contain_text("We do not know whether it was done. Please send it again")
    page.unroute("**/attendance")
    page.get_by_role("button", name="Here – Kim").click()
    expect(page.get_by_role("status")).to_contain_text("1 of 1 here")
    assert len(sent) == 2
    assert sent[0] == sent[1]
    window.close()


def test_the_page_is_left_at_once_and_the_session_ends(scene: Scene) -> None:
    """By Shift three times or by the button; nothing of it can be brought back by the back button."""
    for leave in ("shift", "button"):
        window = scene.member_window("Noa" if leave == "shift" else "Max")
        page = window.open("/my")
        with page.expect_request("**/my/sign-out"):
            if leave == "shift":
                for _ in range(3):
                    page.keyboard.press("Shift")
            else:
                page.get_by_role("link", name="Leave this page").click()
        page.get_by_role("heading", name="Weather").wait_for()
        assert not page.url.startswith(scene.portal)
        window.faults()
        page.go_back()
        page.wait_for_load_state()
        assert "Hello" not in page.locator("body").inner_text()
        window.open("/my")
        assert page.url == f"{scene.portal}/sign-in"
        assert window.faults() == []
        window.close()
        scene.members.pop("Noa" if leave == "shift" else "Max")


def test_the_lock_screen_follows_the_choice(scene: Scene) -> None:
    """Live; the words are those of the service that writes the messages, and the quiet ones name no group."""
    window = scene.member_window("Kim")
    page = window.open("/my/notices")
    page.get_by_label("Say nothing").check()
    expect(page.locator("#screens")).to_contain_text("You have a message")
    assert "Tuesday circle" not in heard(page)
    page.get_by_label(re.compile("^Say")).first.check()
    expect(page.locator("#screens")).not_to_contain_text(TOPIC)
    assert wrong(page) + window.faults() == []
    window.close()


def test_the_country_is_asked_for_a_phone_only(scene: Scene) -> None:
    """It appears with the choice, and the page stays fit."""
    window = Window(scene.browser, scene.portal)
    page = window.open("/join")
    page.get_by_label("Email", exact=True).check()
    expect(page.get_by_label("Country of the phone number")).to_be_hidden()
    page.get_by_label("Text message", exact=True).check()
    expect(page.get_by_label("Country of the phone number")).to_be_visible()
    assert wrong(page) + window.faults() == []
    window.close()


def test_the_code_of_the_questions_is_taken_out_of_sight(scene: Scene) -> None:
    """It stands in the fragment of the address: no server sees it before it is sent, and the next glance does not."""
    window = Window(scene.browser, scene.portal)
    page = window.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    window.open("/f#ab12-cd34")
    expect(page.get_by_label("The code from our message")).to_have_value("ab12-cd34")
    assert page.url == f"{scene.portal}/f"
    assert [url for url in asked if "ab12" in url.partition("#")[0]] == []
    assert window.faults() == []
    window.close()
