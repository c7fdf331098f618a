"""Who was not reached, why, and the next step: each reason that a coordinator meets, and what they can decide."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from shared.contracts.base import MeetingId
from tests.browser.chromium import Window
from tests.browser.looking import heard, wrong
from tests.browser.scene import Scene, address_of
from tests.browser.test_without_script import follow, press, told
from tests.support.processes import eventually


@pytest.fixture
def desk(scene: Scene) -> Iterator[Window]:
    """A coordinator's window of the admin app, without script."""
    window = scene.seated(scene.ana, java_script_enabled=False)
    yield window
    scene.sink.order(mail=None)
    assert window.faults() == []
    window.close()


def change(page: Page, scene: Scene, meeting: MeetingId, what: str) -> str:
    """Move the meeting, and look until everybody was dealt with; what the page says then."""
    page.goto(f"{scene.admin}/meetings/{meeting}/change/{what}")
    press(page, re.compile("^Tell "))
    return told(page)


def fit_for_everyone(scene: Scene, address: str) -> None:
    """The page, in a window with a script: axe is one."""
    window = scene.seated(scene.ana)
    assert wrong(window.open(address)) + window.faults() == []
    window.close()


def newcomers(scene: Scene, *names: str) -> list[str]:
    """Members of this test alone: what happens to them would follow them into others."""
    aliases = [f"{name} {time.time_ns() % 10_000}" for name in names]
    scene.join(*aliases)
    return aliases


def seated(scene: Scene, alias: str, meeting: MeetingId) -> None:
    """They have a seat, and have been told so: no fault of the post that comes next is met by that mail."""
    before = len(scene.sink.mails(address_of(alias)))
    scene.members[alias].take_seat(meeting, "in_person")
    eventually(lambda: len(scene.sink.mails(address_of(alias))) > before, what="the mail about the seat")


def test_a_message_of_unknown_outcome_waits_for_a_persons_decision(scene: Scene, desk: Window) -> None:
    """It arrived, send it again, or leave it: each does what it says, and what was decided is not asked again."""
    meeting = scene.schedule()
    arrived, again, left = newcomers(scene, "Ari", "Bo", "Cy")
    for alias in (arrived, again, left):
        seated(scene, alias, meeting)
    scene.sink.order(mail={"mode": "die_after"})  # taken, then cut off before it could be said
    said = change(desk.page, scene, meeting, "online")
    assert "0 reached, 3 not reached, of 3 people" in said
    assert said.count("needs your decision It may have arrived or not") == 3
    assert said.count("Next step: Ask them, then mark it as arrived, or send it again.") == 3
    fit_for_everyone(scene, desk.page.url)
    scene.sink.order(mail=None)
    before = len(scene.sink.mails(address_of(again)))
    page = desk.page
    press(page, f"It arrived (message to {arrived})")
    assert f"{arrived} needs" not in heard(page)
    press(page, f"Leave it (message to {left})")
    press(page, f"Send it again (message to {again})")
    said = told(page)
    assert "2 reached, 1 not reached, of 3 people" in said
    assert f"{left} Someone decided not to send it again. Next step: Call them" in said
    assert page.get_by_role("button", name=re.compile("message to")).count() == 0
    assert len(scene.sink.mails(address_of(again))) == before + 1


def test_each_reason_has_its_words_and_its_next_step(scene: Scene, desk: Window) -> None:
    """No consent, no address any more, an address that does not exist, and one that was unsubscribed."""
    meeting = scene.schedule()
    (silent,) = newcomers(scene, "Quiet")
    scene.join(f"{silent}x", consents=())
    gone, bounced = newcomers(scene, "Gus", "Hal")
    scene.members[f"{silent}x"].take_seat(meeting, "in_person")
    for alias in (gone, bounced):
        seated(scene, alias, meeting)
    walker = scene.members[gone]
    walker.open("/my/contacts")
    remove = re.search(r'href="(/my/contacts/[^"]+/remove)"', walker.page.text)
    assert remove is not None
    walker.open(remove.group(1))
    walker.press(remove.group(1))
    scene.sink.order(mail={"mode": "refuse", "code": 550, "text": "5.1.1 no such user", "at": "rcpt", "to": address_of(bounced)})  # fmt: skip
    said = change(desk.page, scene, meeting, "online")
    assert "0 reached, 3 not reached, of 3 people" in said
    for alias, why, step in (
        (f"{silent}x", "They did not agree to be written to about changes.", "Their page in the portal shows"),
        (gone, "They have no address or number with us.", "Call them if you can"),
        (bounced, "The mail server says that this address does not exist.", "Ask them for another address"),
    ):
        assert f"{alias} {why} Next step: {step}" in said
    fit_for_everyone(scene, desk.page.url)


def test_the_list_of_a_series_leads_to_each_evenings_list(scene: Scene, desk: Window) -> None:
    """A series is changed from a day on: who was not reached stands with the evening that it concerns."""
    series = scene.series_of(scene.schedule(times=3))
    second = scene.dates_of(series)[1]
    kim, silent = scene.join("Kim")[0], newcomers(scene, "Ida")[0]
    scene.join(f"{silent}x", consents=())
    for walker in (kim, scene.members[f"{silent}x"]):
        walker.take_seat(second, "in_person")
    page = desk.open(f"/meetings/{second}")
    follow(page, "The whole series")
    follow(page, "Change it from a day on")
    page.get_by_label("Begins at").fill("18:15")
    page.get_by_label("Places in the room").fill("1")
    press(page, "Show what it does")
    assert "Some would lose their place" in heard(page)
    press(page, "Change something")
    page.get_by_label("Places in the room").fill("12")
    press(page, "Show what it does")
    press(page, "Tell 2 people and change the series")
    assert "The series is changed." in heard(page)
    assert "1 reached, 1 not reached, of 2 people" in told(page)
    follow(page, re.compile("^Who was told"))
    assert f"{silent}x They did not agree" in heard(page)
    follow(page, "The meeting")
    assert "6:15 pm" in heard(page)
    follow(page, "The whole series")
    follow(page, "Stop it")
    press(page, "Show what it does")
    press(page, "Tell 2 people and stop the series")
    assert "The series is stopped." in heard(page)
    told(page)
    assert page.get_by_text("cancelled", exact=True).count() == 2


def test_one_meeting_moves_with_everybody_in_it(scene: Scene, desk: Window) -> None:
    """To another hour, once: what they read says the new one, and the others of the series stay."""
    meeting = scene.schedule()
    kim, lou = scene.join("Kim", "Lou")
    for walker in (kim, lou):
        walker.take_seat(meeting, "in_person")
    page = desk.open(f"/meetings/{meeting}")
    follow(page, "Another time or place")
    page.get_by_label("Begins at").fill("20:45")
    press(page, "Show what people will read")
    assert "8:45 pm" in page.locator(".message").first.inner_text()
    press(page, "Tell 2 people and move the meeting")
    assert "2 reached, 0 not reached, of 2 people" in told(page)
    assert "8:45 pm" in scene.sink.wait_for(address_of("Kim"), "The time or place has changed")
