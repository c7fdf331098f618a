"""Invitation, second factor, sign-in, sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from services.admin import store
from services.admin.accounts import Book
from services.admin.passwords import weakness
from services.admin.throttle import MOST, delay
from shared.contracts.base import Role
from shared.contracts.errors import Invalid, NotFound, TooMany
from shared.runtime.clock import real_now
from tests.component.admin.scene import NORTH, Browser

PASSWORD = "four quiet words here"


def moved(**by: float) -> Callable[[], datetime]:
    return lambda: real_now() + timedelta(**by)


def invited(browser: Browser) -> str:
    return f"/invitation/{browser.book.create_invitation(Role.COORDINATOR, [NORTH])}"


def enrolled(browser: Browser) -> pyotp.TOTP:
    """Through the pages: invitation, second factor, recovery codes."""
    url = invited(browser)
    browser.get(url)
    page = browser.post(url, shown_name="Robin", user_name="robin@example.org", password=PASSWORD)
    secret = re.search(r'id="secret">([^<]+)<', page)
    assert secret
    totp = pyotp.TOTP(secret[1].replace(" ", ""))
    browser.post("/second-factor", code=totp.at(real_now()))
    return totp


def test_an_invitation_makes_one_account_with_a_second_factor(browser: Browser) -> None:
    """The link works once; recovery codes are shown once; then the pages are open."""
    url = invited(browser)
    page = browser.get(url)
    assert "coordinate a chapter" in page
    page = browser.post(url, shown_name="Robin", user_name="robin@example.org", password=PASSWORD)
    assert "data:image/svg+xml" in page
    browser.get("/meetings")
    assert browser.url.endswith("/sign-in?next=/meetings")  # not before the code
    browser.get("/second-factor")
    assert "not the code" in browser.post("/second-factor", status=422, code="000000")
    browser.get("/second-factor")
    secret = re.search(r'id="secret">([^<]+)<', browser.page)
    assert secret
    page = browser.post("/second-factor", code=pyotp.TOTP(secret[1].replace(" ", "")).at(real_now()))
    assert len(re.findall(r"[A-Z2-7]{5}-[A-Z2-7]{5}", page)) == 10
    assert "Today" in browser.get("/meetings")
    browser.get(url, status=404)


def test_an_invitation_is_valid_for_seven_days(browser: Browser, book: Book) -> None:
    """In real time; and its token is not stored."""
    token = book.create_invitation(Role.REGIONAL)
    assert book.invitation(token).role is Role.REGIONAL
    with book.database.reading() as connection:
        assert token not in str(connection.execute(select(store.invitations)).all())
    book.now = moved(days=7, seconds=1)
    with pytest.raises(NotFound):
        book.invitation(token)
    with pytest.raises(Invalid):
        book.create_invitation(Role.COORDINATOR)
    with pytest.raises(Invalid):
        book.create_invitation(Role.MEMBER)


def test_a_password_that_is_wrong_is_named_beside_its_field(browser: Browser) -> None:
    """So is a user name in use; the invitation stays good."""
    url = invited(browser)
    browser.get(url)
    assert '<a href="#password">Use 12 characters' in browser.post(
        url, status=422, shown_name="R", user_name="rob", password="short"
    )
    assert "first that are tried" in browser.post(
        url, status=422, shown_name="R", user_name="rob", password="password12345"
    )
    browser.sign_in(name="Robin")
    browser.client.cookies.clear()
    browser.get(url)
    page = browser.post(url, status=422, shown_name="R", user_name="ROBIN-coordinator", password=PASSWORD)
    assert '<a href="#user_name">Choose another user name' in page


@pytest.mark.parametrize(
    "password", ["passwordpassword", "abcabcabcabc", "123456789012", "Password1234!", "qwertyuiop123", "chapterhouse1"]
)
def test_common_passwords_are_refused(password: str) -> None:
    """Also with a row of digits behind, or said twice."""
    assert weakness(password)
    assert weakness("x" * 129)
    assert weakness("robin@example.org", "robin@example.org")
    assert weakness("blue kettle sings low") is None
    assert weakness("ähm nö na ja doch") is None


def test_signing_in_takes_password_and_code_and_a_new_token_at_each_step(browser: Browser) -> None:
    """And a code works once."""
    totp = enrolled(browser)
    browser.post("/sign-out", csrf=token_of(browser))
    tokens = [browser.client.cookies.get("session-admin")]
    browser.get("/sign-in?next=/account")
    browser.post("/sign-in", user_name="Robin@Example.org", password=PASSWORD, next="/account")
    tokens.append(browser.client.cookies.get("session-admin"))
    used = totp.at(real_now())
    assert "was used before" in browser.post("/sign-in/code", status=422, code=used, next="/account")
    browser.post("/sign-in/code", code=totp.at(real_now() + timedelta(seconds=30)), next="/account")
    tokens.append(browser.client.cookies.get("session-admin"))
    assert browser.url.endswith("/account")
    assert tokens[0] is None
    assert len(set(tokens)) == 3


def token_of(browser: Browser) -> str:
    browser.get("/account")
    found = re.search(r'name="csrf" value="([^"]+)"', browser.page)
    assert found
    return found[1]


def test_a_recovery_code_works_once(browser: Browser, book: Book) -> None:
    """However it is written."""
    account_id = browser.sign_in()
    code = book.renew_recovery(account_id)[0]
    assert book.check_code(account_id, code.lower().replace("-", " "), "here")
    assert not book.check_code(account_id, code, "here")
    assert book.recovery_left(account_id) == 9


def test_an_unknown_user_is_not_told_from_a_wrong_password(browser: Browser) -> None:
    """The same page, the same words, the same counting."""
    browser.sign_in(name="Robin")
    browser.client.cookies.clear()
    pages = []
    for name in ("robin-coordinator", "nobody-at-all"):
        browser.get("/sign-in")
        page = browser.post("/sign-in", status=422, user_name=name, password="wrong wrong wrong")
        pages.append(re.sub(r'value="[^"]*"', "", page))
    assert pages[0] == pages[1]


def test_failed_tries_wait_longer_and_longer_but_nobody_is_locked_out(book: Book) -> None:
    """A wait is at most a quarter of an hour, and a stranger elsewhere does not soon make the owner wait."""
    for at in range(5):
        book.now = moved(hours=at / 10)
        assert book.check_password("robin", "wrong wrong wrong", "a network") is None
    with pytest.raises(TooMany) as refused:
        book.check_password("robin", "wrong wrong wrong", "a network")
    assert 0 < int(refused.value.facts["retry_after"] or 0) <= 2
    assert book.check_password("robin", "wrong wrong wrong", "another network") is None
    for at in range(20):
        book.now = moved(hours=1 + at / 100)
        book.check_password("robin", "wrong wrong wrong", f"network {at}")
    with pytest.raises(TooMany):
        book.check_password("robin", "wrong wrong wrong", "yet another network")
    assert [delay(failures).total_seconds() for failures in (4, 5, 6, 7)] == [0, 2, 4, 8]
    assert delay(1000) == MOST


def test_a_session_ends_when_idle_and_at_its_absolute_end(browser: Browser, book: Book) -> None:
    """30 minutes and 8 hours, in real time, whatever the domain clock says."""
    account_id = browser.sign_in()
    now = real_now()
    clock = {"now": now}
    sessions = book.sessions(timedelta(minutes=30), timedelta(hours=8))
    sessions._now = lambda: clock["now"]
    token = sessions.begin(account_id)
    for _ in range(16):
        clock["now"] += timedelta(minutes=29)
        assert sessions.find(token)
    clock["now"] += timedelta(minutes=29)
    assert sessions.find(token) is None  # 8 h 13 min
    other = sessions.begin(account_id)
    clock["now"] += timedelta(minutes=30)
    assert sessions.find(other) is None


def test_other_sessions_can_be_seen_and_ended(browser: Browser, book: Book) -> None:
    """And a closed account is out at once."""
    account_id = browser.sign_in()
    sessions = browser.client.app.state.sessions  # type: ignore[attr-defined]
    other = sessions.begin(account_id, client="Safari on iPhone")
    assert "Safari on iPhone" in browser.get("/account")
    browser.post("/account/sessions/end-others")
    assert sessions.find(other) is None
    assert book.close("robin-coordinator") == 1
    browser.get("/account")
    assert "/sign-in" in browser.url


def test_a_password_is_changed_with_the_old_one_and_a_code(browser: Browser, book: Book) -> None:
    """Either alone does not do."""
    account_id = browser.sign_in()
    account = book.get(account_id)
    assert account
    later = pyotp.TOTP(account.totp).at(real_now() + timedelta(seconds=30))
    new = "five other quiet words"
    browser.get("/account/password")
    browser.post("/account/password", status=422, present=PASSWORD, code="000000", password=new)
    assert "not your present" in browser.post(
        "/account/password", status=422, present="wrong", code=book.renew_recovery(account_id)[0], password=new
    )
    browser.post("/account/password", present=PASSWORD, code=later, password=new)
    assert book.check_password("robin-coordinator", new, "here")


def test_names_and_secrets_are_sealed_at_rest(browser: Browser, book: Book) -> None:
    """What lies in the database tells no name, user name, password, or secret."""
    account_id = browser.sign_in(name="Quetzalcoatl")
    account = book.get(account_id)
    assert account
    with book.database.reading() as connection:
        raw = b"".join(
            bytes(str(value), "utf-8") if not isinstance(value, bytes) else value
            for table in store.metadata.sorted_tables
            for row in connection.execute(select(table)).all()
            for value in row
        ).lower()
    for secret in (b"quetzalcoatl", account.totp.encode().lower(), PASSWORD.encode()):
        assert secret not in raw


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""])
def test_signing_in_leads_to_no_other_site(browser: Browser, path: str) -> None:
    """Whatever the address asked for."""
    page = browser.client.get("/sign-in", params={"next": path}).text
    assert 'name="next" value="/"' in page
