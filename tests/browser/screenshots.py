"""Take the pictures of docs/coordinating.md again: ``python -m tests.browser.screenshots``.

It starts a network of its own in a scratch folder, plays an evening on a phone, and stops. Some minutes.
"""

from __future__ import annotations

import re
import tempfile
from datetime import datetime, timedelta
from datetime import time as wall_time
from pathlib import Path

from playwright.sync_api import FloatRect, Page, sync_playwright

from services.local.network import Network
from shared.contracts.base import Role
from tests.browser import answers
from tests.browser.chromium import Window, launch
from tests.browser.scene import PASSWORD, ZONE, Scene

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"viewport": {"width": 390, "height": 760}, "device_scale_factor": 1.2}
LONG = 1_250
"""Pixels."""
MOST = 150_000
"""Bytes of one picture."""
ROOM, ONLINE = ("Ash", "Jo", "Kit", "Lee", "River", "Sam", "Wren"), ("Max", "Toni")
WRITTEN_TO_NOBODY = "Quinn"
"""Someone who did not agree to be written to about changes."""


def take(page: Page, name: str, *, until: int = 1400) -> None:
    """A picture of the page from its top, at most so many pixels down; a long one is taken less finely."""
    page.evaluate("document.activeElement.blur()")
    page.evaluate("window.scrollTo(0, 0)")
    high = min(until, page.evaluate("document.documentElement.scrollHeight"))
    file = IMAGES / f"{name}.png"
    area: FloatRect = {"x": 0, "y": 0, "width": 390, "height": high}
    page.screenshot(path=file, full_page=True, clip=area, scale="css" if high > LONG else "device")
    size = file.stat().st_size
    print(f"{file.name}: {size // 1000} kB")
    assert size < MOST, f"{file} has {size} bytes"


def main() -> None:
    """Play the evening, and take a picture at each step."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Network(Path(folder) / "var") as network,
        sync_playwright() as playwright,
    ):
        scene = Scene(network, launch(playwright))
        scene.build()
        tuesday = scene.today() + timedelta(days=(1 - scene.today().weekday()) % 7)
        scene.advance_to(datetime.combine(tuesday, wall_time(15, 30), ZONE))
        beginning(scene)
        changing(scene)
        evening(scene)
        report(scene)
        scene.browser.close()


def beginning(scene: Scene) -> None:
    """The invitation, the second factor, the chapter, and a series."""
    window = Window(scene.browser, scene.admin, **PHONE)
    page = window.open(f"/invitation/{scene.invite(Role.COORDINATOR, [scene.north])}")
    take(page, "invitation")
    page.get_by_label("Your name").fill("Cleo")
    page.get_by_label("User name").fill("cleo@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/second-factor")
    take(page, "second-factor")
    window.close()

    window = scene.seated(scene.ana, **PHONE)
    take(window.open(f"/chapters/{scene.north}"), "chapter")
    page = window.open(f"/chapters/{scene.north}/series/new")
    page.get_by_label("Day", exact=True).select_option(label="Tuesday")
    page.get_by_label("Online", exact=True).check()
    page.get_by_role("button", name="Show the dates").click()
    page.get_by_role("heading", name="Preview of the dates").wait_for()
    take(page, "series", until=900)
    window.close()


def changing(scene: Scene) -> None:
    """One meeting is moved, and a series changed from a day on, up to the button."""
    window = scene.seated(scene.ana, **PHONE)
    first = scene.schedule(on=scene.today() + timedelta(days=2), times=3)
    series = scene.series_of(first)
    jo, sam = scene.join("Jo", "Sam")
    for each, meeting in ((jo, first), (sam, first), (jo, scene.dates_of(series)[1])):
        each.take_seat(meeting, "in_person")
    page = window.open(f"/meetings/{first}/move")
    page.get_by_label("Begins at").fill("18:30")
    page.get_by_role("button", name="Show what people will read").click()
    page.get_by_role("heading", name="Preview of the move").wait_for()
    take(page, "move")
    page = window.open(f"/chapters/{scene.north}/series/{series}/change")
    page.get_by_label("Begins at").fill("18:30")
    page.get_by_role("button", name="Show what it does").click()
    page.get_by_role("button", name=re.compile("change the series$")).wait_for()
    take(page, "series-change", until=1100)
    window.close()


def evening(scene: Scene) -> None:
    """People take seats; the venue shuts; who was not reached; who came."""
    meeting = scene.schedule(room=7)
    scene.join(*ROOM, *ONLINE)
    scene.join(WRITTEN_TO_NOBODY, consents=())
    for mode, names in (("in_person", (*ROOM[:6], WRITTEN_TO_NOBODY, ROOM[6])), ("online", ONLINE)):
        for each in scene.join(*names):
            each.take_seat(meeting, mode)
    window = scene.seated(scene.ana, **PHONE)
    take(window.open("/meetings"), "meetings", until=900)
    take(window.open(f"/meetings/{meeting}"), "meeting", until=1300)
    take(window.open(f"/meetings/{meeting}/change/online"), "change")
    window.page.get_by_role("button", name=re.compile("meet online$")).click()
    window.page.get_by_role("heading", name="Not reached", exact=True).wait_for(timeout=60_000)
    take(window.page, "told")
    scene.advance_to(scene.starts_of(meeting) + timedelta(minutes=3))
    page = window.open(f"/meetings/{meeting}/attendance")
    for alias in (*ROOM[:4], "Max"):
        page.get_by_role("button", name=f"Here – {alias}", exact=True).click()
        page.get_by_role("button", name=f"Here – {alias}, undo").wait_for()
    take(page, "attendance", until=1250)
    window.close()


def report(scene: Scene) -> None:
    """What regional staff see of it all."""
    found = answers.play(scene)
    window = scene.seated(scene.rita, **PHONE)
    take(window.open(f"/windows/{found}/report"), "report", until=1100)
    window.close()


if __name__ == "__main__":
    main()
