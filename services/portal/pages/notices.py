"""How much a notice says, with a preview of a locked phone, and when it is quiet."""

from __future__ import annotations

from datetime import time
from functools import cache
from typing import ClassVar
from zoneinfo import available_timezones

from babel.core import get_global
from fastapi import APIRouter, Depends, Request, Response
from pydantic import field_validator

from services.portal import words
from services.portal.parts import (
    VISITOR,
    know,
    my_contacts,
    portal_of,
    signed_in,
    to,
)
from shared.contracts.errors import Refused
from shared.contracts.notifications import (
    Discretion,
    LockScreen,
    NoticeKind,
    Preferences,
    PreviewLockScreen,
    SetPreferences,
)
from shared.gateway.forms import Fields, Form, blank, fill
from shared.gateway.pages import wants_fragment
from shared.gateway.web import asking_of, pages_of

router = APIRouter(prefix="/my", dependencies=[Depends(know)])

SHOWN = (NoticeKind.REMINDER, NoticeKind.MEETING_CHANGED, NoticeKind.CODE)
"""The kinds on the preview of a lock screen: enough to judge by, few enough to take in."""


@cache
def zones() -> tuple[str, ...]:
    """The time zones to choose from: those named after places, each under one name."""
    names = available_timezones()
    return (*sorted(zone for zone in get_global("zone_territories") if "/" in zone and zone in names), "UTC")


class NoticeFields(Fields):
    """How someone wants to be written to."""

    missing: ClassVar[dict[str, str]] = {
        "discretion": "Choose how much a message may say",
        "quiet_from": "Enter when the quiet begins",
        "quiet_to": "Enter when the quiet ends",
        "time_zone": "Choose your time zone",
    }
    wrong: ClassVar[dict[str, str]] = {
        "discretion": "Choose how much a message may say",
        "quiet_from": "Enter a time, like 21:00",
        "quiet_to": "Enter a time, like 08:00",
    }

    discretion: Discretion
    quiet_from: time
    quiet_to: time
    time_zone: str
    urgent: str = ""

    @field_validator("time_zone")
    @classmethod
    def _a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("Choose a time zone from the list")
        return value


def _as_form(preferences: Preferences) -> Form[NoticeFields]:
    return blank(
        discretion=preferences.discretion.value,
        quiet_from=preferences.quiet_from.strftime("%H:%M"),
        quiet_to=preferences.quiet_to.strftime("%H:%M"),
        time_zone=preferences.time_zone,
        urgent="yes" if preferences.urgent_in_quiet_hours else "",
    )


def _choices(own: str) -> list[tuple[str, str]]:
    """The zones with their labels; the member's own is among them, under whatever name it was kept."""
    listed = zones() if own in zones() or own not in available_timezones() else (own, *zones())
    return [(zone, zone.replace("_", " ").replace("/", ": ")) for zone in listed]


async def _screens(request: Request, form: Form[NoticeFields]) -> list[LockScreen]:
    level = form.values.get("discretion") or Discretion.DISCREET
    if level not in set(Discretion):
        level = Discretion.DISCREET
    query = PreviewLockScreen(discretion=Discretion(level), locale=portal_of(request).settings.locale)
    previews = (await asking_of(request).ask(query, VISITOR)).previews
    return [each for kind in SHOWN for each in previews if each.kind is kind]


async def _notices_page(
    request: Request, form: Form[NoticeFields], *, saved: bool = False, template: str = "notices.html"
) -> Response:
    return pages_of(request).render(
        request,
        template,
        status=form.status,
        form=form,
        saved=saved,
        levels=[(level, label, note) for level, (label, note) in words.LEVELS.items()],
        zones=_choices(str(form.values.get("time_zone", ""))),
        screens=await _screens(request, form),
        notice_names=words.NOTICES,
        channel_names=words.CHANNELS,
    )


@router.get("/notices")
async def notices(request: Request) -> Response:
    """My preferences, and what a lock screen shows with them."""
    form = _as_form((await my_contacts(request)).preferences)
    return await _notices_page(request, form, saved="saved" in request.query_params)


@router.post("/notices/preview")
async def preview(request: Request) -> Response:
    """What a lock screen would show; nothing is kept. A part of the page for a script, the whole page without one."""
    signed_in(request)
    form = fill(await request.form(), NoticeFields)
    if wants_fragment(request):
        return await _notices_page(request, blank(**form.values), template="lock_screens.html")
    return await _notices_page(request, form)


@router.post("/notices")
async def set_notices(request: Request) -> Response:
    """Keep my preferences."""
    actor = signed_in(request)
    form = fill(await request.form(), NoticeFields)
    if not form.ok:
        return await _notices_page(request, form)
    given = form.given
    preferences = (await my_contacts(request)).preferences.model_copy(
        update={
            "discretion": given.discretion,
            "quiet_from": given.quiet_from,
            "quiet_to": given.quiet_to,
            "time_zone": given.time_zone,
            "urgent_in_quiet_hours": given.urgent == "yes",
        }
    )
    try:
        await asking_of(request).send(SetPreferences(preferences=preferences), actor, request_id=form.request_id)
    except Refused as refused:
        return await _notices_page(request, form.refuse(refused))
    return to("/my/notices?saved")
