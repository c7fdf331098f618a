"""Whatever is sent, the admin app answers in words, keeps its headers, leads nowhere else, and does not break."""

from __future__ import annotations

import pytest

from shared.contracts.base import Role
from tests.component.admin.scene import HERE, NORTH, Browser
from tests.support.hostile import broken, token_on

IDS = {
    "chapter_id": NORTH, "meeting_id": HERE, "series_id": "series-1", "revision": "2", "what": "online",
    "window_id": "window-closed", "import_id": "x", "session_id": "x", "token": "x", "name": "x",
}  # fmt: skip


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.REGIONAL])
def test_nothing_that_is_sent_breaks_a_page(browser: Browser, role: Role) -> None:
    """Every field of every form, every body, every address, with a good token."""
    browser.sign_in(role)
    assert list(broken(browser.client, IDS, token_on(browser.client, "/account"))) == []
