"""Whatever is sent, the portal answers in words, keeps its headers, leads nowhere else, and does not break."""

from __future__ import annotations

from shared.contracts.meetings import CalendarFeed, Feed, MeetingGuideFeed
from shared.contracts.notifications import ProviderAnswer, ReceiveCallback
from tests.component.portal.conftest import Browser
from tests.support.hostile import broken, token_on

IDS = {"meeting_id": "m1", "contact_point_id": "p1", "token": "x", "chapter": "lakeside", "group_id": "g1", "name": "x"}


def test_nothing_that_is_sent_breaks_a_page(browser: Browser) -> None:
    """Every field of every form, every body, every address, with a good token, as a member."""
    for feed in (MeetingGuideFeed, CalendarFeed):
        browser.asking.answer(feed, Feed(content_type="text/plain", body="", etag='"1"'))
    browser.asking.answer(ReceiveCallback, ProviderAnswer())
    browser.sign_in()
    assert list(broken(browser.client, IDS, token_on(browser.client, "/my"))) == []
