"""Leaving for good, from the quiet link to the page that says that it is done."""

from __future__ import annotations

import pytest

from services.portal.store import Way
from shared.contracts.base import Actor, Done, MemberId, Role
from shared.contracts.errors import Unanswered, Unreachable
from shared.contracts.notifications import ConfirmCode, Verified
from shared.contracts.registration import (
    DecideConsents,
    HasLeft,
    Join,
    Leave,
    ListMySeats,
    Membership,
    MyMembership,
    MySeats,
    TakeSeat,
)
from shared.gateway.sessions import Session
from tests.component.portal.conftest import Browser

ANA = Actor(role=Role.MEMBER, id="ana")
GONE = HasLeft("You have left, and we have forgotten you. You can come back at any time, as somebody new.")


def sessions(browser: Browser) -> list[Session]:
    """Ana's live sessions."""
    found: list[Session] = browser.client.app.state.portal.sessions.of("ana")  # type: ignore[attr-defined]
    return found


def leave(browser: Browser) -> str:
    """From her own page to the last one."""
    browser.open("/my/leave")
    return browser.press("/my/leave")


def test_it_is_said_what_happens_before_it_does(browser: Browser) -> None:
    """Quietly linked, and no reason asked; nothing is sent by looking."""
    browser.sign_in()
    assert "/my/leave" in (browser.open("/my"), browser.page.text)[1]
    text = browser.open("/my/leave")
    for words in (
        "You give up your places",
        "We erase the name you chose, your email addresses and phone numbers",
        "Numbers that nobody can trace back to you",
        "nobody can find yours to erase them",
        "This cannot be undone. You can come back at any time, as somebody new.",
    ):
        assert words in text
    assert browser.asking.sent_of(Leave) == []


def test_who_leaves_is_signed_out_everywhere_and_told_that_it_is_done(browser: Browser) -> None:
    """On the other phone too; the last page says not what was done, and the browser keeps nothing."""
    browser.sign_in()
    other = dict(browser.client.cookies)
    browser.client.cookies.clear()
    browser.sign_in()
    assert len(sessions(browser)) == 2
    text = leave(browser)
    assert (browser.path, "It is done" in text) == ("/done", True)
    assert "<title>Done" in browser.page.text
    assert not any(word in text.casefold() for word in ("left", "leave", "forg", "eras", "member", "group", "place"))
    assert "cache" in browser.page.history[0].headers["clear-site-data"]
    assert [actor for command, actor, _ in browser.asking.sent if isinstance(command, Leave)] == [ANA]
    assert sessions(browser) == []
    for cookies in ({}, other):
        browser.client.cookies.clear()
        browser.client.cookies.update(cookies)
        browser.open("/my")
        assert browser.path == "/sign-in"


def test_every_way_of_theirs_ends_and_nobody_elses(browser: Browser) -> None:
    """How far they had come on another device holds their id; a way of somebody else is not theirs."""
    browser.sign_in()
    ways = browser.client.app.state.portal.ways  # type: ignore[attr-defined]
    hers = ways.begin(Way(proposed=MemberId("new"), member_id=MemberId("ana")))
    proposed = ways.begin(Way(proposed=MemberId("ana")))
    others = [ways.begin(Way(proposed=MemberId(each), member_id=MemberId(each))) for each in ("ben", "anabel")]
    leave(browser)
    assert [ways.find(each) for each in (hers, proposed)] == [None, None]
    assert all(ways.find(each) is not None for each in others)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Unanswered(), "We do not know whether it was done. Please send it again"),
        (Unreachable(), "Nothing was done. Please try again in a minute."),
    ],
)
def test_without_an_answer_the_same_page_can_be_sent_again(browser: Browser, answer: Unreachable, told: str) -> None:
    """They are still signed in, the request is the same one, and it is safe."""
    browser.sign_in()
    browser.open("/my/leave")
    form = browser.secrets("/my/leave")
    browser.asking.answer(Leave, answer, Done())
    browser.page = browser.client.post("/my/leave", data=form)
    assert (browser.page.status_code, told in browser.text) == (503, True)
    assert len(sessions(browser)) == 1
    browser.page = browser.client.post("/my/leave", data=form)
    assert browser.path == "/done"
    assert len({request_id for command, _, request_id in browser.asking.sent if isinstance(command, Leave)}) == 1


def test_a_form_whose_last_page_was_lost_can_be_sent_again(browser: Browser) -> None:
    """The session has ended, and this browser has not heard of it; nobody else's form does that, nor one without a proof."""
    browser.sign_in()
    browser.open("/my/leave")
    form, cookies = browser.secrets("/my/leave"), dict(browser.client.cookies)
    browser.client.post("/my/leave", data=form)
    assert sessions(browser) == []
    browser.asking.answer(MyMembership, Membership(joined=False, left=True))
    browser.client.cookies.update(cookies)
    assert browser.client.post("/my/leave", data=form).url.path == "/done"
    for wrong in ({"me": "ben"}, {"proof": "x"}, {"proof": ""}):
        browser.client.cookies.update(cookies)
        assert browser.client.post("/my/leave", data=form | wrong).url.path == "/sign-in"
    browser.client.cookies.clear()
    assert browser.client.post("/my/leave", data=form).status_code == 403
    assert {actor.id for command, actor, _ in browser.asking.sent if isinstance(command, Leave)} == {"ana"}


@pytest.mark.parametrize("who", [Membership(joined=True), Membership(joined=False)])
def test_a_form_that_is_open_on_a_lost_phone_makes_nobody_leave(browser: Browser, who: Membership) -> None:
    """Who signs out everywhere has taken from it what cannot be undone."""
    browser.sign_in()
    browser.open("/my/leave")
    form, cookies = browser.secrets("/my/leave"), dict(browser.client.cookies)
    browser.client.app.state.portal.sessions.end_all("ana")  # type: ignore[attr-defined]
    browser.asking.answer(MyMembership, who)
    browser.client.cookies.update(cookies)
    assert browser.client.post("/my/leave", data=form).url.path == "/sign-in"
    assert browser.asking.sent_of(Leave) == []


def test_who_comes_in_before_all_have_heard_begins_again(browser: Browser) -> None:
    """Their old id opens nothing: they are told, signed out, and can come as somebody new."""
    browser.sign_in()
    browser.asking.answer(MyMembership, Membership(joined=False), Membership(joined=False))
    browser.asking.answer(Join, GONE)
    browser.open("/join/agreement")
    text = browser.press("/join/agreement", role="lived_experience", agree="yes", alias="Ana")
    assert (browser.page.status_code, "as somebody new" in text) == (409, True)
    assert sessions(browser) == []


def test_whose_place_is_refused_on_the_way_in_begins_again_and_nobody_elses_way_ends(browser: Browser) -> None:
    """They proved their address just before the word came, and nobody is signed in yet."""
    mine = browser.client.app.state.portal.ways.begin(Way(proposed=MemberId("ben-2")))  # type: ignore[attr-defined]
    browser.asking.answer(ConfirmCode, Verified(member_id="ana", known=True))  # type: ignore[arg-type]
    browser.asking.answer(ListMySeats, MySeats(seats=()))
    browser.open("/meetings/m1")
    browser.press("/meetings/m1/seat", mode="online")
    browser.press("/join", alias="Ana", channel="email", contact="ana@example.org")
    browser.asking.answer(TakeSeat, GONE)
    text = browser.press("/join/code", code="123456")
    assert (browser.page.status_code, "as somebody new" in text) == (409, True)
    assert browser.client.app.state.portal.ways.find(mine) is not None  # type: ignore[attr-defined]


@pytest.mark.parametrize(("page", "action", "command"), [
    ("/meetings/m1", "/meetings/m1/seat", TakeSeat), ("/my/yes", "/my/yes", DecideConsents),
])  # fmt: skip
def test_a_page_that_is_still_open_somewhere_ends_too(
    browser: Browser, page: str, action: str, command: type[object]
) -> None:
    """Whatever it asks for is refused, and nobody is signed in there any more."""
    browser.asking.answer(ListMySeats, MySeats(seats=()))
    browser.sign_in()
    browser.open(page)
    browser.asking.answer(command, GONE)
    text = browser.press(action, mode="online")
    assert (browser.page.status_code, "You are signed out here" in text) == (409, True)
    assert sessions(browser) == []
