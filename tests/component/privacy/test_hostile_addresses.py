"""Addresses and forms that nobody's browser sends by itself."""

from __future__ import annotations

import pytest

from shared.contracts.notifications import ProviderAnswer, ReceiveCallback
from tests.component.portal.conftest import Browser, asking, browser  # noqa: F401 - fixtures

NASTY = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%F0%28",
    "x" * 300,
    "..%2f..%2fetc",
    "%E2%80%AE",
    "'%22%3E%3Cscript%3E",
    "%0d%0aSet-Cookie:a=b",
)


@pytest.mark.parametrize("value", NASTY)
def test_a_nasty_address_is_a_page_not_a_fault(browser: Browser, value: str) -> None:  # noqa: F811
    """Whatever stands in an address, the answer is a page that says what can be done, and never 'something broke'."""
    browser.sign_in()
    paths = ["/meetings/{}", "/u/{}", "/my/meetings/{}", "/my/meetings/{}/give-up", "/my/meetings/{}.ics", "/my/contacts/{}/remove",
             "/?text={}", "/?chapter={}", "/?day={}", "/?mode={}", "/meetings?text={}&day={}", "/static/{}", "/calendar.ics?chapter={}",
             "/meetings.json?chapter={}", "/feeds/meetings.ics?chapter={}", "/f?c={}", "/{}"]  # fmt: skip
    for path in paths:
        answer = browser.client.get(path.format(*[value] * 2), follow_redirects=False)
        assert answer.status_code < 500, f"{path} {answer.status_code}"
        assert "<script>" not in answer.text
        assert "a=b" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("value", ["\0", "a\0b", "x" * 20_000, "\u202e", "<script>", "9" * 400, "21:00+02:00"])
def test_a_nasty_field_is_a_page_not_a_fault(browser: Browser, value: str) -> None:  # noqa: F811
    """The same for the fields of forms, each of them filled with it."""
    browser.sign_in()
    browser.asking.answer(ReceiveCallback, ProviderAnswer())
    for path, action, names in (
        ("/my/notices", "/my/notices", ("discretion", "quiet_from", "quiet_to", "time_zone", "locale")),
        ("/meetings/m1", "/my/meetings/m1", ("mode",)),
        ("/my/contacts/add", "/my/contacts/add", ("channel", "contact", "country")),
        ("/f", "/f", ("code", "q-heard")),
        ("/u/token1", "/u/token1", ("token",)),
        ("/hooks", "/hooks/sms/inbound", ("From", "Body", "MessageSid")),
    ):
        browser.open(path)
        try:
            hidden = browser.secrets(action)
        except AssertionError:
            hidden = {}
        answer = browser.client.post(action, data=hidden | dict.fromkeys(names, value), follow_redirects=False)
        assert answer.status_code < 500, f"{action} {answer.status_code}"
        assert "<script>" not in answer.text
