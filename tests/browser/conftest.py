"""One Chromium and one network for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from services.local.broker import GivenBroker
from services.local.network import Network
from tests.browser.chromium import launch
from tests.browser.scene import Scene
from tests.support.broker import TestBroker


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def scene(chromium: Browser, broker: TestBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A region with two chapters and three colleagues, on SQLite, on a virtual host of its own."""
    folder = tmp_path_factory.mktemp("network") / "var"
    with Network(folder, broker=GivenBroker(broker.new_vhost())) as network:
        built = Scene(network, chromium)
        built.build()
        yield built
