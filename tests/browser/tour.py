"""Where each page is: for every route the window it is opened in, and how one comes to it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pyotp

from shared.contracts.base import Role
from tests.browser.chromium import Window
from tests.browser.scene import PASSWORD, Colleague, Scene, address_of

Visit = Callable[["Tour"], Window]

CIRCLE = ("Kim", "Lou", "Max")
ALONE = "Noa"
"""A member who has no seat yet."""


class Tour:
    """A region with something on every page, and windows of the people who may open them."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.folder = folder
        self.address = ""  # where the last code was asked for
        self._windows: dict[str, Window] = {}
        self.meeting = scene.schedule(room=1)
        self.moved = scene.schedule()
        self.weekly = scene.schedule(times=4)
        self.series = scene.series_of(self.weekly)
        kim, lou, maxi = scene.join(*CIRCLE)
        kim.take_seat(self.meeting, "in_person")
        lou.take_seat(self.meeting, "online")
        maxi.take_seat(self.meeting, "in_person")
        lou.take_seat(self.moved, "in_person")
        lou.take_seat(scene.dates_of(self.series)[1], "in_person")
        self.feedback = scene.open_window()

    def close(self) -> None:
        """Close every window."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()

    def of(self, who: Colleague) -> Window:
        """This colleague's window of the admin app."""
        if who.name not in self._windows:
            self._windows[who.name] = self.scene.seated(who)
        return self._windows[who.name]

    def member(self, alias: str) -> Window:
        """This member's window of the portal."""
        if alias not in self._windows:
            self._windows[alias] = self.scene.member_window(alias)
        return self._windows[alias]

    def stranger(self, app: str) -> Window:
        """A window of someone who is not signed in."""
        if app not in self._windows:
            self._windows[app] = Window(self.scene.browser, self.scene.admin if app == "admin" else self.scene.portal)
        self._windows[app].context.clear_cookies()
        return self._windows[app]


def ana(path: str) -> Visit:
    """A page that the coordinator opens by its address."""

    def visit(tour: Tour) -> Window:
        window = tour.of(tour.scene.ana)
        ids = {
            "chapter_id": tour.scene.north,
            "meeting_id": tour.meeting,
            "window_id": tour.feedback,
            "series_id": tour.series,
        }
        window.open(path.format(**ids))
        return window

    return visit


def rita(path: str) -> Visit:
    """A page that regional staff open by its address."""

    def visit(tour: Tour) -> Window:
        window = tour.of(tour.scene.rita)
        window.open(path)
        return window

    return visit


def stranger(app: str, path: str) -> Visit:
    """A page that anyone may open."""

    def visit(tour: Tour) -> Window:
        window = tour.stranger(app)
        window.open(path.format(meeting_id=tour.meeting))
        return window

    return visit


def member(path: str, alias: str = CIRCLE[0]) -> Visit:
    """A page that a member opens."""

    def visit(tour: Tour) -> Window:
        window = tour.member(alias)
        window.open(path.format(meeting_id=tour.meeting))
        return window

    return visit


# -- pages that one comes to on a way ---------------------------------------------------------


def invitation(tour: Tour) -> Window:
    """The link of an invitation."""
    window = tour.stranger("admin")
    window.open(f"/invitation/{tour.scene.invite(Role.COORDINATOR, [tour.scene.north])}")
    return window


def second_factor(tour: Tour) -> Window:
    """After the form of an invitation."""
    window = invitation(tour)
    page = window.page
    page.get_by_label("Your name").fill("Someone new")
    page.get_by_label("User name").fill(f"new{time.time_ns()}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/second-factor")
    return window


def recovery_codes(tour: Tour) -> Window:
    """After the second factor was set up: they are shown this once."""
    window = second_factor(tour)
    secret = window.page.locator("#secret").inner_text().replace(" ", "")
    window.page.get_by_label("Enter the six digits").fill(pyotp.TOTP(secret).now())
    window.page.get_by_role("button", name="Turn it on").click()
    window.page.get_by_role("heading", name="Your recovery codes").wait_for()
    return window


def sign_in_code(tour: Tour) -> Window:
    """After the password."""
    window = tour.stranger("admin")
    page = window.open("/sign-in")
    page.get_by_label("User name").fill(tour.scene.ben.user_name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/sign-in/code")
    return window


def series_preview(tour: Tour) -> Window:
    """The dates of a series, before it is scheduled."""
    window = tour.of(tour.scene.ana)
    page = window.open(f"/chapters/{tour.scene.north}/series/new?group={tour.scene.group}")
    page.get_by_label("Day", exact=True).select_option(label="Thursday")
    page.get_by_label("Online", exact=True).check()
    page.get_by_label("Venue").select_option(label="Riverside Library")
    page.get_by_label("Online room").select_option(label="Tuesday room")
    page.get_by_role("button", name="Show the dates").click()
    page.get_by_role("heading", name="Preview of the dates").wait_for()
    return window


def series_outlook(what: str, button: str) -> Visit:
    """What a change of a series would do, before it is made."""

    def visit(tour: Tour) -> Window:
        window = tour.of(tour.scene.ana)
        page = window.open(f"/chapters/{tour.scene.north}/series/{tour.series}/{what}")
        if what == "change":
            page.get_by_label("Begins at").fill("18:30")
        page.get_by_role("button", name="Show what it does").click()
        page.get_by_role("button", name=re.compile(button)).wait_for()
        return window

    return visit


def move_preview(tour: Tour) -> Window:
    """What people would read of a move."""
    window = tour.of(tour.scene.ana)
    page = window.open(f"/meetings/{tour.meeting}/move")
    page.get_by_label("Begins at").fill("20:15")
    page.get_by_role("button", name="Show what people will read").click()
    page.get_by_role("heading", name="Preview of the move").wait_for()
    return window


def import_report(tour: Tour) -> Window:
    """After a list was imported: one row that is good, one that is not."""
    file = tour.folder / "list.json"
    good = {
        "name": "Imported circle", "slug": "imported", "day": 3, "time": "18:00", "end_time": "19:00",
        "types": ["O"], "location": "Hall", "formatted_address": "1 Side Street, Chicago, IL 60601, USA",
        "timezone": "America/Chicago",
    }  # fmt: skip
    file.write_text(json.dumps([good, {"name": "No day", "slug": "no-day", "time": "25:99"}]))
    window = tour.of(tour.scene.ana)
    page = window.open(f"/chapters/{tour.scene.north}/import")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    page.get_by_text("Done.").wait_for()
    return window


def told(tour: Tour) -> Window:
    """After a meeting was moved online."""
    window = tour.of(tour.scene.ana)
    page = window.open(f"/meetings/{tour.moved}")
    if page.get_by_role("link", name="Who was told").count():
        page.get_by_role("link", name="Who was told").click()
    else:
        page.get_by_role("link", name="The venue is shut").click()
        page.get_by_role("button", name=re.compile("meet online$")).click()
    page.wait_for_url("**/told/*")
    return window


def join_code(tour: Tour) -> Window:
    """After the first page of joining."""
    tour.address = address_of(f"Pat {time.time_ns()}")
    window = tour.stranger("portal")
    page = window.open("/join")
    page.get_by_label("What shall we call you?").fill("Pat")
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address or phone number").fill(tour.address)
    page.get_by_role("button", name="Send me the code").click()
    page.wait_for_url("**/join/code")
    return window


def join_agreement(tour: Tour) -> Window:
    """After the code."""
    window = join_code(tour)
    page = window.page
    page.get_by_label("Code", exact=True).fill(tour.scene.sink.code(tour.address))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/join/agreement")
    return window


def contacts_code(tour: Tour) -> Window:
    """After one asked to add another contact."""
    window = tour.member(CIRCLE[1])
    page = window.open("/my/contacts/add")
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Email address or phone number").fill(f"second{time.time_ns()}@example.org")
    page.get_by_role("button", name="Send me the code").click()
    page.wait_for_url("**/contacts/code")
    return window


def remove_contact(tour: Tour) -> Window:
    """From the list of contacts."""
    window = tour.member(CIRCLE[1])
    page = window.open("/my/contacts")
    page.get_by_role("link", name="Remove").first.click()
    page.wait_for_url("**/remove")
    return window


ADMIN: dict[str, Visit] = {
    "/": ana("/"),
    "/account": ana("/account"),
    "/account/password": ana("/account/password"),
    "/account/recovery-codes": ana("/account/recovery-codes"),
    "/chapters/{chapter_id}": ana("/chapters/{chapter_id}"),
    "/chapters/{chapter_id}/groups/new": ana("/chapters/{chapter_id}/groups/new"),
    "/chapters/{chapter_id}/import": ana("/chapters/{chapter_id}/import"),
    "/chapters/{chapter_id}/import/{import_id}": import_report,
    "/chapters/{chapter_id}/rooms/new": ana("/chapters/{chapter_id}/rooms/new"),
    "/chapters/{chapter_id}/series/new": ana("/chapters/{chapter_id}/series/new"),
    "/chapters/{chapter_id}/series/{series_id}": ana("/chapters/{chapter_id}/series/{series_id}"),
    "/chapters/{chapter_id}/series/{series_id}/change": ana("/chapters/{chapter_id}/series/{series_id}/change"),
    "/chapters/{chapter_id}/series/{series_id}/stop": ana("/chapters/{chapter_id}/series/{series_id}/stop"),
    "/chapters/{chapter_id}/venues/new": ana("/chapters/{chapter_id}/venues/new"),
    "/invitation/{token}": invitation,
    "/meetings": ana("/meetings"),
    "/meetings/{meeting_id}": ana("/meetings/{meeting_id}"),
    "/meetings/{meeting_id}/attendance": ana("/meetings/{meeting_id}/attendance"),
    "/meetings/{meeting_id}/change/{what}": ana("/meetings/{meeting_id}/change/online"),
    "/meetings/{meeting_id}/move": ana("/meetings/{meeting_id}/move"),
    "/meetings/{meeting_id}/sign-in-sheet": ana("/meetings/{meeting_id}/sign-in-sheet"),
    "/meetings/{meeting_id}/told/{revision}": told,
    "/region": rita("/region"),
    "/region/chapters/new": rita("/region/chapters/new"),
    "/region/trail": rita("/region/trail"),
    "/region/windows/new": rita("/region/windows/new"),
    "/second-factor": second_factor,
    "/sign-in": stranger("admin", "/sign-in"),
    "/sign-in/code": sign_in_code,
    "/windows": ana("/windows"),
    "/windows/{window_id}/report": ana("/windows/{window_id}/report"),
}
ADMIN_MORE: dict[str, Visit] = {
    "a change that is impossible": ana("/meetings/{meeting_id}/change/back"),
    "a cancellation": ana("/meetings/{meeting_id}/change/cancel"),
    "no such page": ana("/nowhere"),
    "recovery codes": recovery_codes,
    "the dates of a series": series_preview,
    "a move": move_preview,
    "a series' change": series_outlook("change", "^Tell .*change the series$"),
    "a series' end": series_outlook("stop", "^Tell .*stop the series$"),
    "reports, for regional staff": rita("/windows"),
}
PORTAL: dict[str, Visit] = {
    "/": stranger("portal", "/"),
    "/done": stranger("portal", "/done"),
    "/f": stranger("portal", "/f"),
    "/help": stranger("portal", "/help"),
    "/join": stranger("portal", "/join"),
    "/join/agreement": join_agreement,
    "/join/code": join_code,
    "/join/done": member("/join/done"),
    "/meetings/{meeting_id}": stranger("portal", "/meetings/{meeting_id}"),
    "/my": member("/my"),
    "/my/contacts": member("/my/contacts"),
    "/my/contacts/add": member("/my/contacts/add"),
    "/my/contacts/code": contacts_code,
    "/my/contacts/{contact_point_id}/remove": remove_contact,
    "/my/leave": member("/my/leave"),
    "/my/meetings": member("/my/meetings"),
    "/my/meetings/{meeting_id}": member("/my/meetings/{meeting_id}"),
    "/my/meetings/{meeting_id}/give-up": member("/my/meetings/{meeting_id}/give-up"),
    "/my/notices": member("/my/notices"),
    "/my/yes": member("/my/yes"),
    "/privacy": stranger("portal", "/privacy"),
    "/sign-in": stranger("portal", "/sign-in"),
    "/u/{token}": stranger("portal", "/u/some-token"),
}
PORTAL_MORE: dict[str, Visit] = {
    "a search that finds nothing": stranger("portal", "/?day=0&text=nothing"),
    "a place in line": member("/my/meetings/{meeting_id}", "Max"),
    "no place yet": member("/my/meetings", ALONE),
    "no such page": stranger("portal", "/nowhere"),
}
