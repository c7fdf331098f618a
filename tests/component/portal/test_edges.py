"""What is open to others: the feedback form, unsubscribing, feeds, call-backs, and what every page promises."""

import json
import re

import pytest
from structlog.testing import capture_logs

from shared.contracts.base import Role
from shared.contracts.errors import Fault, Invalid, NotFound, TooLate, Unreachable
from shared.contracts.feedback import CodeUnknown, CodeUsed, SubmitSlip
from shared.contracts.meetings import CalendarFeed, Feed, ListChapters, MeetingGuideFeed
from shared.contracts.notifications import BadSignature, ProviderAnswer, ReceiveCallback, Unsubscribe
from tests.component.portal.conftest import URL, Browser

PAGES = ("/", "/meetings/m1", "/join", "/sign-in", "/help", "/privacy", "/done", "/f", "/u/token1")
MINE = ("/my", "/my/meetings", "/my/meetings/m1", "/my/meetings/m1/give-up", "/my/notices", "/my/yes", "/my/contacts",
        "/my/contacts/add", "/my/contacts/p1/remove", "/my/leave", "/join/done")  # fmt: skip


def test_the_feedback_form_puts_help_lines_first_and_says_that_nobody_watches(browser: Browser) -> None:
    """Before anything is asked."""
    text = browser.open("/f")
    assert text.index("Call 988") < text.index("Nobody is watching these answers") < text.index("How was it?")
    assert "Samaritans" in text
    assert "I would rather not say" in text


def test_a_slip_travels_sealed_and_leaves_no_trace(browser: Browser) -> None:
    """No cookie, no log line, no figure; the code and the answers are sealed to feedback."""
    browser.sign_in()
    with capture_logs() as logs:
        page = browser.client.get("/f")
        done = browser.client.post("/f", data={"code": " ab12-cd34 ", "q-heard": "2", "q-other": "1"})
    assert "Your answers are in" in done.text
    assert logs == []
    assert "set-cookie" not in page.headers
    assert "set-cookie" not in done.headers
    assert 'route="/f"' not in browser.client.get("/metrics").text
    slip = browser.asking.sent_of(SubmitSlip)[0]
    actor = next(actor for command, actor, _ in browser.asking.sent if command is slip)
    assert (actor.role, actor.id) == (Role.VISITOR, None)
    assert browser.opened(slip.code, "feedback") == "ab12-cd34"
    assert json.loads(browser.opened(slip.answers, "feedback")) == {"values": {"heard": 2}}


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (CodeUnknown("no", field="code"), "We do not know this code"),
        (CodeUsed("used"), "The answers that came with it count"),
        (TooLate("over"), "The time for these questions is over"),
        (Invalid("no", field="heard"), "Choose one of the answers"),
    ],
)
def test_a_refused_slip_is_told_kindly(browser: Browser, refused: Exception, words: str) -> None:
    """And what was answered is still there."""
    browser.asking.answer(SubmitSlip, refused)
    browser.open("/f")
    browser.page = browser.client.post("/f", data={"code": "x", "q-heard": "1"})
    assert words in browser.text


def test_a_slip_needs_a_code_and_one_answer(browser: Browser) -> None:
    """Every single question can be left out."""
    browser.page = browser.client.post("/f", data={"q-heard": ""})
    assert browser.page.status_code == 422
    assert "Enter the code" in browser.text
    assert "Answer at least one question" in browser.text


def test_one_click_unsubscribe_works_as_mail_programs_do_it(browser: Browser) -> None:
    """RFC 8058: no cookie, no redirect, no token of ours; and a GET, which scanners make, changes nothing."""
    browser.open("/u/token1")
    assert browser.asking.sent == []
    browser.client.cookies.clear()
    done = browser.client.post(
        "/u/token1",
        data={"List-Unsubscribe": "One-Click"},
        headers={"Sec-Fetch-Site": "cross-site"},
        follow_redirects=False,
    )
    assert done.status_code == 200
    assert "set-cookie" not in done.headers
    assert browser.asking.sent_of(Unsubscribe) == [Unsubscribe(token="token1")]
    browser.asking.answer(Unsubscribe, NotFound("this link was cut short; copy it whole"))
    cut = browser.client.post("/u/other")
    assert cut.status_code == 404
    assert "This link was cut short; copy it whole." in cut.text
    assert 'href="/sign-in"' in cut.text.split("<h1>")[1].split("</main>")[0]


def test_feeds_can_be_read_by_any_site_and_spare_what_is_known(browser: Browser) -> None:
    """CORS for feeds alone, an ETag, and each chapter's own."""
    browser.asking.answer(MeetingGuideFeed, Feed(content_type="application/json", body="[]", etag="abc"))
    first = browser.client.get("/feeds/meetings.json")
    assert (first.text, first.headers["etag"]) == ("[]", '"abc"')
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in first.headers
    again = browser.client.get("/feeds/meetings.json", headers={"If-None-Match": 'W/"abc"'})
    assert (again.status_code, again.content) == (304, b"")
    browser.client.get("/feeds/chapters/lakeside/meetings.json")
    queries = [each for each, _ in browser.asking.asked if isinstance(each, MeetingGuideFeed)]
    assert [(each.chapter_id, each.site) for each in queries] == [(None, URL), (None, URL), ("c1", URL)]
    assert browser.client.get("/feeds/chapters/nowhere/meetings.json").status_code == 404
    assert "access-control-allow-origin" not in browser.client.get("/").headers
    assert browser.client.head("/feeds/meetings.json").headers["content-length"] == "2"
    asked = browser.client.options("/feeds/meetings.json", headers={"Origin": "https://elsewhere.example"})
    assert asked.headers["access-control-allow-headers"] == "If-None-Match"
    for nowhere in ("/feeds", "/feeds/", "/feeds/meetings.xml"):
        assert browser.client.get(nowhere, follow_redirects=False).status_code == 404


def test_calendars_are_there_for_region_chapter_and_group(browser: Browser) -> None:
    """And are found from the pages."""
    browser.asking.answer(CalendarFeed, Feed(content_type="text/calendar; charset=utf-8", body="BEGIN", etag='"x"'))
    for path in ("calendar.ics", "chapters/lakeside/calendar.ics", "groups/g1/calendar.ics"):
        assert browser.client.get(f"/feeds/{path}").text == "BEGIN"
    queries = [each for each, _ in browser.asking.asked if isinstance(each, CalendarFeed)]
    assert [(each.chapter_id, each.group_id) for each in queries] == [(None, None), ("c1", None), (None, "g1")]
    browser.open("/")
    assert (
        'rel="alternate" type="application/json" title="Meetings Feed" href="/feeds/meetings.json"' in browser.page.text
    )


def test_a_call_back_is_handed_on_as_it_came(browser: Browser) -> None:
    """Sealed, in order, repeated names too, with the public address exactly as it was called."""
    browser.asking.answer(ReceiveCallback, ProviderAnswer(body="<Response/>"), ProviderAnswer())
    sent = "From=%2B13125550199&Body=STOP&Media=a&Media=b&Empty="
    answered = browser.client.post(
        "/hooks/sms/inbound?a=1&b=%20",
        content=sent,
        headers={"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "sig="},
    )
    assert (answered.text, answered.headers["content-type"]) == ("<Response/>", "text/xml; charset=utf-8")
    command = browser.asking.sent_of(ReceiveCallback)[0]
    assert (command.what, command.url, command.signature) == ("inbound", f"{URL}/hooks/sms/inbound?a=1&b=%20", "sig=")
    assert json.loads(browser.opened(command.form, "notifications")) == [
        ["From", "+13125550199"], ["Body", "STOP"], ["Media", "a"], ["Media", "b"], ["Empty", ""]
    ]  # fmt: skip
    assert browser.asking.sent[0][1].role is Role.PROVIDER
    assert browser.client.post("/hooks/sms/status", data={"MessageSid": "SM1"}).status_code == 204


def test_a_call_back_of_somebody_else_is_refused(browser: Browser) -> None:
    """And where the services are away, the provider hears that it should come again."""
    browser.asking.answer(ReceiveCallback, BadSignature("no"), Unreachable())
    assert browser.client.post("/hooks/sms/status", data={}).status_code == 403
    assert browser.client.post("/hooks/sms/status", data={}).status_code == 503


@pytest.mark.parametrize("path", PAGES + MINE)
def test_every_page_can_be_left_at_once_and_gives_nobody_away(browser: Browser, path: str) -> None:
    """A link that works without script; a title that says nothing of the topic; nothing fetched from elsewhere."""
    if path in MINE:
        browser.sign_in()
    browser.open(path)
    assert browser.page.status_code == 200
    assert browser.path == path
    page = browser.page.text
    assert re.search(r'<a class="exit" href="https://www.weather.gov/" rel="noreferrer nofollow" data-exit', page)
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title
    for word in ("mental", "support", "group", "meeting", "recovery", "therap", "circle", "ana"):
        assert word not in title.group(1).lower()
    assert browser.page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in browser.page.headers["content-security-policy"]
    assert not re.search(r"(?:src|action)=\"(?:https?:)?//", page)
    assert " style=" not in page
    assert "onclick" not in page
    assert page.count("<h1") == 1


def test_public_pages_may_be_found_and_others_not(browser: Browser) -> None:
    """By a search engine."""
    assert browser.client.get("/").headers["x-robots-tag"] == "all"
    assert browser.client.get("/f").headers["x-robots-tag"] == "noindex, nofollow"


def test_a_broken_service_shows_a_reference_and_no_more(browser: Browser) -> None:
    """With the way out still on top."""
    browser.asking.answer(ListChapters, Fault("corr-1"))
    browser.open("/")
    assert browser.page.status_code == 500
    assert "corr-1" in browser.text
    assert 'class="exit"' in browser.page.text
