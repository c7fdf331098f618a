"""One's own account: sessions, password, recovery codes, and what one did."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import AnyDesk, Desk, RegionalDesk, book_of, network_of, sessions_of
from services.admin.passwords import LEAST, is_password, weakness
from shared.contracts.errors import TooMany
from shared.gateway.database import in_thread
from shared.gateway.forms import Fields, Form, blank, read_form

router = APIRouter()


class NewPassword(Fields):
    """The present password and a code again, then the new one (ASVS 7.5.1)."""

    missing: ClassVar[dict[str, str]] = {
        "present": "Enter your present password",
        "code": "Enter the code that your app shows now",
        "password": "Choose a new password",
    }

    present: str = Field(max_length=1000)
    code: str = Field(max_length=40)
    password: str = Field(max_length=1000)


class Renewal(Fields):
    """A code again, before the recovery codes are renewed."""

    missing: ClassVar[dict[str, str]] = {"code": "Enter the code that your app shows now"}

    code: str = Field(max_length=40)


@router.get("/account")
async def account(desk: AnyDesk, done: str = "") -> Response:
    """Sessions and what one did."""
    request, who = desk.request, desk.who
    book, key = book_of(request), who.account.account_id
    trail, _ = await in_thread(book.trail, key)
    return desk.page(
        "account.html",
        sessions=await in_thread(sessions_of(request).of, key),
        left=await in_thread(book.recovery_left, key),
        trail=trail[:20],
        done=done,
    )


@router.post("/account/sessions/end-others")
async def end_others(desk: AnyDesk) -> Response:
    """End all other sessions."""
    who = desk.who
    await in_thread(sessions_of(desk.request).end_all, who.account.account_id, but=who.session.session_id)
    await desk.note("ended_other_sessions")
    return desk.go("/account?done=ended")


@router.post("/account/sessions/{session_id}/end")
async def end_one(desk: AnyDesk, session_id: str) -> Response:
    """End one session."""
    await in_thread(sessions_of(desk.request).end_one, desk.who.account.account_id, session_id)
    await desk.note("ended_a_session")
    return desk.go("/account?done=ended")


async def _code_is_right(desk: Desk, form: Form[NewPassword] | Form[Renewal], code: str) -> bool:
    try:
        right = await in_thread(
            book_of(desk.request).check_code,
            desk.who.account.account_id,
            code,
            network_of(desk.request),
            "showed_code_again",
        )
    except TooMany as refused:
        form.overall.append(refused.message)
        return False
    if not right:
        form.errors["code"] = "That code is not right, or was used before. Wait for the next one"
    return right


@router.get("/account/password")
async def password(desk: AnyDesk) -> Response:
    """The form for another password."""
    return desk.page("password.html", form=blank(), least=LEAST)


@router.post("/account/password")
async def change_password(desk: AnyDesk) -> Response:
    """Set another password; all other sessions end."""
    form, account = await read_form(desk.request, NewPassword), desk.who.account
    if form.ok:
        wrong = weakness(form.given.password, account.user_name, account.shown_name)
        if wrong:
            form.errors["password"] = wrong
    if form.ok and await _code_is_right(desk, form, form.given.code):
        if await in_thread(is_password, account.password, form.given.present):
            await in_thread(book_of(desk.request).change_password, account.account_id, form.given.password)
            await in_thread(sessions_of(desk.request).end_all, account.account_id, but=desk.who.session.session_id)
            return desk.go("/account?done=password")
        form.errors["present"] = "That is not your present password"
    return desk.page("password.html", status=form.status, form=form, least=LEAST)


@router.get("/account/recovery-codes")
async def recovery(desk: AnyDesk) -> Response:
    """The form for new recovery codes."""
    return desk.page("renew_recovery.html", form=blank())


@router.post("/account/recovery-codes")
async def renew(desk: AnyDesk) -> Response:
    """New recovery codes, shown this once."""
    form = await read_form(desk.request, Renewal)
    if form.ok and await _code_is_right(desk, form, form.given.code):
        codes = await in_thread(book_of(desk.request).renew_recovery, desk.who.account.account_id)
        return desk.page("recovery_codes.html", codes=codes)
    return desk.page("renew_recovery.html", status=form.status, form=form)


@router.get("/region/trail")
async def trail(desk: RegionalDesk) -> Response:
    """Who did what in the admin app: acts and places, never whom it concerned."""
    entries, names = await in_thread(book_of(desk.request).trail, None)
    return desk.page("trail.html", entries=entries, names=names)
