"""Invitation, second factor, sign-in, sign-out. A session's token is new at every step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, field_validator

from services.admin.access import SignInNeeded, book_of, network_of, safe_next, session_at, sessions_of
from services.admin.passwords import LEAST, MOST, weakness
from services.admin.store import Account
from shared.contracts.errors import AlreadyDone, TooMany
from shared.gateway.database import in_thread
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.sessions import Session, describe_client
from shared.gateway.web import pages_of, site_of

router = APIRouter()

ON_THE_WAY = timedelta(minutes=10)
"""How long one may take between password and code."""


class Acceptance(Fields):
    """How one becomes an account."""

    missing: ClassVar[dict[str, str]] = {
        "shown_name": "Enter the name that your colleagues shall see",
        "user_name": "Choose a user name",
        "password": "Choose a password",
    }
    wrong: ClassVar[dict[str, str]] = {
        "user_name": "Use 3 to 80 letters, digits and . _ - + @, without spaces",
        "shown_name": "Use 60 characters or fewer",
    }

    shown_name: str = Field(max_length=60)
    user_name: str = Field(min_length=3, max_length=80, pattern=r"^[\w.@+-]+$")
    password: str = Field(max_length=1000)

    @field_validator("password")
    @classmethod
    def _strong(cls, value: str) -> str:
        wrong = weakness(value)
        if wrong:
            raise ValueError(wrong)
        return value


class SignIn(Fields):
    """User name and password."""

    missing: ClassVar[dict[str, str]] = {"user_name": "Enter your user name", "password": "Enter your password"}
    wrong: ClassVar[dict[str, str]] = {"password": f"A password has {MOST} characters at most"}

    user_name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    next: str = "/"


class Code(Fields):
    """A code from the app, or a recovery code."""

    missing: ClassVar[dict[str, str]] = {"code": "Enter the code"}

    code: str = Field(max_length=40)
    next: str = "/"


def show(request: Request, template: str, form: Form[Any], **context: Any) -> Response:
    """A page with a form, 422 where something in it is wrong."""
    return pages_of(request).render(request, template, status=form.status, form=form, **context)


async def begin(request: Request, account_id: str, stage: str, url: str) -> Response:
    """End the session that was, begin another with a new token, and go on."""
    site, sessions = site_of(request), sessions_of(request)
    await in_thread(sessions.end, site.session_cookie.read(request))
    token = await in_thread(
        sessions.begin,
        account_id,
        stage=stage,
        client=describe_client(request.headers.get("user-agent", "")),
        lasts=None if stage == "full" else ON_THE_WAY,
    )
    response = RedirectResponse(url, status_code=303)
    site.session_cookie.set(response, token)
    return response


async def at_stage(request: Request, stage: str) -> tuple[Session, Account]:
    """The session at this stage, and its account. Raises SignInNeeded."""
    session = await session_at(request)
    account = await in_thread(book_of(request).get, session.subject) if session and session.stage == stage else None
    if session is None or account is None:
        raise SignInNeeded
    return session, account


# -- invitation -------------------------------------------------------------------------------


@router.get("/invitation/{token}")
async def invitation(request: Request, token: str) -> Response:
    """The form that accepts an invitation."""
    invited = await in_thread(book_of(request).invitation, token)
    return show(request, "invitation.html", blank(), invited=invited, least=LEAST)


@router.post("/invitation/{token}")
async def accept(request: Request, token: str) -> Response:
    """Accept it. The account works once its second factor is set up."""
    book = book_of(request)
    invited = await in_thread(book.invitation, token)
    form = await read_form(request, Acceptance)
    if form.ok and form.given.password.casefold() in (
        form.given.user_name.casefold(),
        form.given.shown_name.casefold(),
    ):
        form.errors["password"] = "Choose a password that is not your name"  # noqa: S105 - words beside the field
    if form.ok:
        given = form.given
        try:
            account_id = await in_thread(
                book.accept,
                token,
                shown_name=given.shown_name,
                user_name=given.user_name,
                password=given.password,
            )
            return await begin(request, account_id, "enrol", "/second-factor")
        except AlreadyDone as refused:
            form.refuse(refused)
    return show(request, "invitation.html", form, invited=invited, least=LEAST)


# -- second factor ----------------------------------------------------------------------------


def _enrol_page(request: Request, account: Account, form: Form[Any]) -> Response:
    uri = book_of(request).provisioning(account)
    picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=4, dark="#000000", light="#ffffff")
    secret = " ".join(account.totp[at : at + 4] for at in range(0, len(account.totp), 4))
    return show(request, "second_factor.html", form, picture=picture, secret=secret)


@router.get("/second-factor")
async def second_factor(request: Request) -> Response:
    """Set up an authenticator app: QR code and secret."""
    _, account = await at_stage(request, "enrol")
    return _enrol_page(request, account, blank())


@router.post("/second-factor")
async def confirm(request: Request) -> Response:
    """Turn it on with its first code, and show the recovery codes this once."""
    _, account = await at_stage(request, "enrol")
    form = await read_form(request, Code)
    if form.ok:
        codes = await in_thread(book_of(request).confirm_totp, account.account_id, form.given.code)
        if codes is not None:
            site, sessions = site_of(request), sessions_of(request)
            await in_thread(sessions.end, site.session_cookie.read(request))
            client = describe_client(request.headers.get("user-agent", ""))
            token = await in_thread(sessions.begin, account.account_id, client=client)
            response = pages_of(request).render(request, "recovery_codes.html", codes=codes)
            site.session_cookie.set(response, token)
            return response
        form.errors["code"] = "That is not the code that the app shows now. Check that the phone's clock is right"
    return _enrol_page(request, account, form)


# -- sign-in ----------------------------------------------------------------------------------


@router.get("/sign-in")
async def sign_in(request: Request, next: str = "/", out: str = "") -> Response:  # noqa: A002 - the address's word
    """User name and password."""
    return show(request, "sign_in.html", blank(next=safe_next(next)), out=bool(out))


@router.post("/sign-in")
async def check_password(request: Request) -> Response:
    """Check them; what was wrong is not said."""
    form = await read_form(request, SignIn)
    if form.ok:
        given = form.given
        try:
            account = await in_thread(
                book_of(request).check_password, given.user_name, given.password, network_of(request)
            )
        except TooMany as refused:
            form.refuse(refused)
        else:
            if account is not None:
                stage, page = ("password", "/sign-in/code") if account.totp_confirmed else ("enrol", "/second-factor")
                come_back = f"?next={safe_next(given.next)}" if stage == "password" and given.next != "/" else ""
                return await begin(request, account.account_id, stage, page + come_back)
            form.overall.append("The user name or the password is not right")
    return show(request, "sign_in.html", form, out=False)


@router.get("/sign-in/code")
async def ask_code(request: Request, next: str = "/") -> Response:  # noqa: A002
    """The code of the authenticator app, or a recovery code."""
    await at_stage(request, "password")
    return show(request, "sign_in_code.html", blank(next=safe_next(next)))


@router.post("/sign-in/code")
async def check_code(request: Request) -> Response:
    """Check it; a code works once."""
    _, account = await at_stage(request, "password")
    form = await read_form(request, Code)
    if form.ok:
        try:
            right = await in_thread(
                book_of(request).check_code, account.account_id, form.given.code, network_of(request)
            )
        except TooMany as refused:
            form.refuse(refused)
        else:
            if right:
                return await begin(request, account.account_id, "full", safe_next(form.given.next))
            form.errors["code"] = "That code is not right, or was used before. Wait for the next one"
    return show(request, "sign_in_code.html", form)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End this session, and ask the browser to forget what it kept."""
    site = site_of(request)
    await in_thread(sessions_of(request).end, site.session_cookie.read(request))
    response = RedirectResponse("/sign-in?out=1", status_code=303)
    site.session_cookie.clear(response)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
