"""Headless Chromium, and windows of it that remember everything that should not have happened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 900}
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 20_000
"""Milliseconds that a page may take: a busy machine is no defect of a page."""


def launch(playwright: Playwright) -> Browser:
    """The Chromium that CHAPTERHOUSE_CHROMIUM names, else the machine's own, else playwright's."""
    own = os.environ.get("CHAPTERHOUSE_CHROMIUM") or shutil.which("chromium")
    return playwright.chromium.launch(executable_path=own, args=list(FLAGS))


class Window:
    """One browser window of one person, with cookies of its own. What it asked and complained of is kept.

    No request leaves this machine: one to another host is answered by us, and noted in ``elsewhere``.
    """

    def __init__(self, browser: Browser, home: str, **options: Any) -> None:
        self.home = home
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(**{"viewport": PHONE, "reduced_motion": "reduce", **options})
        self.context.set_default_timeout(PATIENCE)
        self.context.route(self._is_elsewhere, self._refuse)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda said: self._complain(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> Page:
        """Open a page of this window's site."""
        self.page.goto(path if path.startswith("http") else self.home + path)
        return self.page

    def faults(self) -> list[str]:
        """What should not have happened since the last look."""
        found = [f"asked elsewhere: {url}" for url in self.elsewhere] + [
            f"complained: {each}" for each in self.complaints
        ]
        self.elsewhere.clear()
        self.complaints.clear()
        return found

    def close(self) -> None:
        """Close it."""
        self.context.close()

    def _is_elsewhere(self, url: str) -> bool:
        return not url.startswith((self.home + "/", "data:", "blob:", "about:"))

    def _refuse(self, route: Route) -> None:
        self.elsewhere.append(route.request.url)
        route.fulfill(
            status=200, content_type="text/html", body="<!doctype html><title>Weather</title><h1>Weather</h1>"
        )

    def _complain(self, kind: str, text: str) -> None:
        expected = "the server responded with a status of 4"  # the page that was asked for is an error page
        if kind in ("error", "warning") and expected not in text:
            self.complaints.append(text)


@contextmanager
def window(browser: Browser, home: str, **options: Any) -> Iterator[Window]:
    """A window that is closed at the end."""
    opened = Window(browser, home, **options)
    try:
        yield opened
    finally:
        opened.close()
