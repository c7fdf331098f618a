"""Who sees what: regional staff no person, another chapter's coordinator nothing, the next one at the computer nothing."""

from __future__ import annotations

import importlib
import pkgutil
import re
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.routing import APIRoute

import services.admin.pages
from shared.contracts.base import MeetingId
from tests.browser.chromium import DESK
from tests.browser.scene import PASSWORD, TOPIC, Scene, address_of

PEOPLE = ("Kim", "Lou", "Max", "Quinn")


def of_a_chapter() -> list[tuple[str, str]]:
    """Every method and address of the admin app that names a chapter or a meeting."""
    found = []
    for each in pkgutil.iter_modules(services.admin.pages.__path__):
        router = getattr(importlib.import_module(f"services.admin.pages.{each.name}"), "router", None)
        for route in router.routes if router is not None else []:
            if isinstance(route, APIRoute) and ("{chapter_id}" in route.path or "{meeting_id}" in route.path):
                found += [(method, route.path) for method in sorted((route.methods or set()) - {"HEAD"})]
    return sorted(found)


@pytest.fixture(scope="module")
def peopled(scene: Scene) -> str:
    """A meeting of the northern chapter with people in it."""
    meeting = scene.schedule()
    scene.join("Quinn", consents=())
    for each in scene.join(*PEOPLE):
        each.take_seat(meeting, "in_person")
    return meeting


def test_regional_staff_see_no_person_wherever_they_go(scene: Scene, peopled: str) -> None:
    """Every link is followed that leads on from their first page; no alias and no address stands anywhere."""
    window = scene.seated(scene.rita, viewport=DESK)
    todo, seen = [f"{scene.admin}/"], set[str]()
    while todo:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        page = window.open(address)
        source = page.content()
        assert [name for name in PEOPLE if re.search(rf"\b{name}\b", source)] == [], address
        assert [name for name in PEOPLE if address_of(name) in source] == [], address
        links = page.locator("a[href]").evaluate_all("all => all.map(each => each.getAttribute('href'))")
        ways = [urljoin(address, link).partition("#")[0] for link in links]
        todo += [each for each in ways if urlsplit(each).netloc == urlsplit(scene.admin).netloc]
    assert len(seen) > 8
    for path in (f"/meetings/{peopled}", f"/meetings/{peopled}/attendance", f"/chapters/{scene.north}", "/meetings"):
        assert "Page not found" in window.open(path).locator("h1").inner_text()
    window.close()


@pytest.mark.parametrize(("method", "path"), of_a_chapter())
def test_a_coordinator_of_another_chapter_finds_no_such_page(
    scene: Scene, peopled: str, method: str, path: str
) -> None:
    """The same answer as for what does not exist: 404, whatever is asked and however."""
    window = scene.seated(scene.ben)
    token = window.open("/account").locator("input[name=csrf]").first.input_value()
    series = scene.series_of(MeetingId(peopled))
    given = {
        "chapter_id": scene.north,
        "series_id": series,
        "meeting_id": peopled,
        "import_id": "1",
        "what": "online",
        "revision": "1",
    }
    form = {"csrf": token, "request_id": "01900000-0000-7000-8000-000000000000", "people": "4", "revision": "1"}
    sent = (
        {"form": form, "headers": {"Origin": scene.admin, "Sec-Fetch-Site": "same-origin"}} if method == "POST" else {}
    )
    answer = window.context.request.fetch(scene.admin + path.format(**given), method=method, **sent)  # type: ignore[arg-type]
    assert answer.status == 404
    assert [word for word in (*PEOPLE, TOPIC, "Tuesday circle") if word in answer.text()] == []
    window.close()


def test_after_signing_out_the_back_button_shows_nothing(scene: Scene, peopled: str) -> None:
    """Neither a coordinator's page nor a member's is kept by the browser."""
    window = scene.seated(scene.ana)
    code = scene.ana.recovery.pop()
    window.context.clear_cookies()  # a session of its own, so that the others' one lives on
    page = window.open(f"/meetings/{peopled}")
    page.get_by_label("User name").fill(scene.ana.user_name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/meetings/{peopled}")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert "Kim" not in page.content()
    window.close()

    (noa,) = scene.join("Noa")
    window = scene.member_window("Noa")
    page = window.open("/my")
    page.get_by_role("button", name="Sign out here").click()
    page.wait_for_url(lambda url: "/my" not in url)
    page.go_back()
    page.wait_for_load_state()
    assert "Noa" not in page.content()
    window.close()
    noa.http.close()
    scene.members.pop("Noa")


def test_the_printed_sheet_says_who_comes_and_not_to_what(scene: Scene, peopled: str) -> None:
    """A neutral heading, names and boxes; no group, no topic, no chapter, and no buttons on paper."""
    window = scene.seated(scene.ana, viewport=DESK)
    page = window.open(f"/meetings/{peopled}/sign-in-sheet")
    page.emulate_media(media="print")
    shown = page.locator("body").inner_text()
    assert page.title() == "Sign-in sheet – Chapterhouse"
    assert "Sign-in sheet" in shown
    assert all(name in shown for name in PEOPLE)
    assert [
        word for word in ("Tuesday circle", TOPIC, "Northside", "Riverside", "Print", "Sign out") if word in shown
    ] == []
    assert len(page.pdf(format="A4")) > 5_000
    window.close()
