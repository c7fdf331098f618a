"""The pages in headless Chromium: no axe violation, nothing wider than 360 pixels, all of it by keyboard."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from services.portal.settings import PortalSettings
from services.portal.store import metadata
from services.portal.web import make_portal
from shared.contracts.registration import ListMySeats, Membership, MyMembership, MySeats
from shared.runtime.clock import SteppedClock
from shared.storage.engine import make_engine
from tests.component.portal.conftest import NOW
from tests.support.asking import LocalAsking
from tests.support.world import ring

PUBLIC = (
    "/",
    "/?day=3&text=x",
    "/meetings/m1",
    "/join",
    "/sign-in",
    "/help",
    "/privacy",
    "/f",
    "/u/token1",
    "/nowhere",
)
MINE = ("/my", "/my/meetings", "/my/meetings/m1", "/my/meetings/m1/give-up", "/my/notices", "/my/yes", "/my/contacts",
        "/my/contacts/add", "/my/contacts/p1/remove", "/join/done")  # fmt: skip
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Headless Chromium: the machine's own where there is one, else playwright's."""
    own = os.environ.get("CHAPTERHOUSE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(asking: LocalAsking) -> Iterator[str]:
    """The portal on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    engine = make_engine("sqlite://")
    metadata.create_all(engine)
    app = make_portal(
        PortalSettings(portal_url=url, exit_url="https://127.0.0.1:9/weather"),
        keys=ring("portal"),
        engine=engine,
        clock=SteppedClock(NOW),
        open_asking=asking.opened,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield url
    server.should_exit = True
    thread.join()
    engine.dispose()


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme=request.param)
    found = context.new_page()
    found.elsewhere = []  # type: ignore[attr-defined]
    found.on("request", lambda each: found.elsewhere.append(each.url))  # type: ignore[attr-defined]
    found.on("console", lambda each: found.elsewhere.append(each.text) if each.type == "error" else None)  # type: ignore[attr-defined]
    yield found
    context.close()


def wrong(page: Page) -> list[str]:
    """What axe says, and what sticks out to the right."""
    found = [
        f"{each['id']}: {[node['html'] for node in each['nodes']]}"
        for each in Axe().run(page, options=RULES).response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth") > 360:
        found.append(f"wider than the phone: {page.evaluate('document.documentElement.scrollWidth')}")
    return found


def sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/sign-in")
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address or phone number").fill("ana@example.org")
    page.get_by_role("button", name="Send me the code").click()
    page.get_by_label("Code", exact=True).fill("123456")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/my/meetings")


def test_no_page_has_a_violation_or_is_wider_than_a_phone(site: str, page: Page) -> None:
    """WCAG 2.2 A and AA, in light and dark, at 360 pixels; and nothing is fetched from elsewhere."""
    found: dict[str, list[str]] = {}
    for path in PUBLIC:
        page.goto(site + path)
        found[path] = wrong(page)
    sign_in(page, site)
    for path in MINE:
        page.goto(site + path)
        found[path] = wrong(page)
    assert {path: problems for path, problems in found.items() if problems} == {}
    elsewhere = [each for each in page.elsewhere if not each.startswith(site) and "404" not in each]  # type: ignore[attr-defined]
    assert elsewhere == []


def test_someone_new_walks_in_by_keyboard_alone(site: str, page: Page, asking: LocalAsking) -> None:
    """From a meeting to a seat, with errors on the way that take the focus."""
    asking.answer(MyMembership, Membership(joined=False))
    full = asking._scripts[ListMySeats]
    asking.answer(ListMySeats, MySeats(seats=()))
    page.goto(f"{site}/meetings/m1")
    page.get_by_label("Online").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/join")
    page.get_by_role("button", name="Send me the code").press("Enter")
    page.wait_for_selector("#errors:focus")
    assert wrong(page) == []
    page.get_by_label("What shall we call you?").fill("Ana")
    page.get_by_label("Text message", exact=True).press("Space")
    assert page.get_by_label("Country of the phone number").is_visible()
    page.get_by_label("Email address or phone number").fill("312 555 0199")
    page.keyboard.press("Enter")
    page.wait_for_url("**/join/code")
    assert wrong(page) == []
    page.get_by_label("Code", exact=True).fill("123456")
    page.keyboard.press("Enter")
    page.wait_for_url("**/join/agreement")
    assert wrong(page) == []
    page.get_by_label("For myself").press("Space")
    page.get_by_label("Changes").press("Space")
    page.get_by_label("I have read this and I agree").press("Space")
    asking._scripts[ListMySeats] = full
    page.get_by_role("button", name="I agree, go on").press("Enter")
    page.wait_for_url("**/my/meetings/m1")


def test_the_page_is_left_at_once_and_the_session_ends(site: str, page: Page) -> None:
    """By the button, or by Shift three times; back shows nothing of mine."""
    sign_in(page, site)
    page.route(
        "https://127.0.0.1:9/**", lambda route: route.fulfill(body="<title>weather</title>", content_type="text/html")
    )
    with page.expect_request("**/my/sign-out"):
        for _ in range(3):
            page.keyboard.press("Shift")
    page.wait_for_url("https://127.0.0.1:9/weather")
    page.goto(f"{site}/my")
    assert page.url == f"{site}/sign-in"


def test_the_lock_screen_follows_the_choice(site: str, page: Page) -> None:
    """Live, where there is a script."""
    sign_in(page, site)
    page.goto(f"{site}/my/notices")
    page.get_by_label("Say nothing").check()
    page.wait_for_selector("text=line-silent")
    assert page.get_by_label("Quiet from").input_value() == "21:00"


def test_the_code_is_taken_from_the_fragment_and_out_of_sight(site: str, page: Page) -> None:
    """No server sees it before it is sent."""
    page.goto(f"{site}/f#ab12-cd34")
    assert page.get_by_label("The code from our message").input_value() == "ab12-cd34"
    assert page.url == f"{site}/f"
    assert not [each for each in page.elsewhere if "ab12" in each and "#" not in each]  # type: ignore[attr-defined]
