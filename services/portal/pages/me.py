"""How I am written to: how much a notice says, when it is quiet, what I said yes to, how I can be reached."""

from __future__ import annotations

from datetime import time
from functools import cache
from typing import ClassVar
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Request, Response
from pydantic import field_validator

from services.portal import joining, words
from services.portal.pages.joining import CodeFields, ReachFields, code_refused, countries, reach_form
from services.portal.parts import (
    VISITOR,
    client_of,
    end_way,
    keep_way,
    know,
    portal_of,
    seal,
    session_of,
    signed_in,
    to,
    way_of,
)
from services.portal.store import Purpose as WayPurpose
from services.portal.store import Way
from shared.contracts.base import Channel, ContactPointId, MemberId
from shared.contracts.errors import NotFound, Refused
from shared.contracts.notifications import (
    ContactView,
    Discretion,
    ListMyContacts,
    LockScreen,
    MyContacts,
    NoticeKind,
    Preferences,
    PreviewLockScreen,
    RemoveContact,
    SetPreferences,
)
from shared.contracts.registration import DecideConsents, MyMembership
from shared.gateway.database import in_thread
from shared.gateway.forms import Fields, Form, blank, fill, sent_request_id
from shared.gateway.pages import wants_fragment
from shared.gateway.web import asking_of, pages_of

router = APIRouter(prefix="/me", dependencies=[Depends(know)])

SHOWN = (NoticeKind.REMINDER, NoticeKind.MEETING_CHANGED, NoticeKind.CODE)
"""The kinds on the preview of a lock screen: enough to judge by, few enough to take in."""


@cache
def zones() -> tuple[str, ...]:
    """The time zones to choose from: those named after places."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return (*places, "UTC")


async def _mine(request: Request) -> MyContacts:
    return await asking_of(request).ask(ListMyContacts(), signed_in(request))


@router.get("")
async def me(request: Request) -> Response:
    """The start of my own pages."""
    membership = await joining.membership_of(asking_of(request), signed_in(request).id or "")
    session = session_of(request)
    others = await in_thread(portal_of(request).sessions.of, session.subject) if session else []
    return pages_of(request).render(request, "me.html", membership=membership, devices=len(others))


# -- how much a notice says, and when it is quiet ------------------------------------------------


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
        zones=[(zone, zone.replace("_", " ").replace("/", ": ")) for zone in zones()],
        screens=await _screens(request, form),
        notice_names=words.NOTICES,
        channel_names=words.CHANNELS,
    )


@router.get("/notices")
async def notices(request: Request) -> Response:
    """My preferences, and what a lock screen shows with them."""
    form = _as_form((await _mine(request)).preferences)
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
    preferences = (await _mine(request)).preferences.model_copy(
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
    return to("/me/notices?saved")


# -- what I said yes to ----------------------------------------------------------------------


@router.get("/yes")
async def consents(request: Request) -> Response:
    """What I said yes to, for each purpose and channel."""
    membership = await asking_of(request).ask(MyMembership(), signed_in(request))
    ticked = [f"{each.purpose}.{each.channel}" for each in membership.consents if each.granted]
    return pages_of(request).render(
        request,
        "consents.html",
        form=blank(consents=ticked),
        channels=list(Channel),
        purposes=words.PURPOSES,
        channel_names=words.CHANNELS,
        saved="saved" in request.query_params,
        joined=membership.joined,
    )


@router.post("/yes")
async def decide(request: Request) -> Response:
    """Change my mind. A box left empty is a no, and counts at once."""
    actor = signed_in(request)
    data = await request.form()
    ticks = joining.read_ticks([tick for tick in data.getlist("consents") if isinstance(tick, str)])
    command = DecideConsents(
        choices=joining.choices(ticks, frozenset(Channel)),
        wording=words.CONSENT_WORDING,
        locale=portal_of(request).settings.locale,
    )
    await asking_of(request).send(command, actor, request_id=await sent_request_id(request))
    return to("/me/yes?saved")


# -- how I can be reached ----------------------------------------------------------------------


@router.get("/contacts")
async def contacts(request: Request) -> Response:
    """My addresses and numbers, masked."""
    mine = await _mine(request)
    return pages_of(request).render(
        request,
        "contacts.html",
        contacts=mine.contacts,
        channel_names=words.CHANNELS,
        told={"added": "It is yours: we can reach you there now.", "removed": "We have forgotten it."}.get(
            request.query_params.get("told", ""), ""
        ),
    )


def _add_page(request: Request, form: Form[ReachFields]) -> Response:
    settings = portal_of(request).settings
    return pages_of(request).render(
        request,
        "add_contact.html",
        status=form.status,
        form=form,
        channels=list(words.CHANNELS.items()),
        countries=countries(settings.locale),
    )


@router.get("/contacts/add")
async def add(request: Request) -> Response:
    """Another way to reach me."""
    signed_in(request)
    return _add_page(request, blank(country=portal_of(request).settings.country))


@router.post("/contacts/add")
async def reach(request: Request) -> Response:
    """Send a code to it."""
    actor = signed_in(request)
    form = reach_form(fill(await request.form(), ReachFields))
    if not form.ok:
        return _add_page(request, form)
    given, member_id = form.given, MemberId(actor.id or "")
    contact = joining.clean_contact(given.contact, given.channel)
    way = Way(
        purpose=WayPurpose.ADD_CONTACT,
        proposed=member_id,
        member_id=member_id,
        channel=given.channel,
        contact=seal(request, "notifications", contact, form.request_id),
        country=given.country,
    )
    try:
        way = await joining.send_code(
            asking_of(request),
            way,
            actor,
            client=client_of(request),
            locale=portal_of(request).settings.locale,
            request_id=form.request_id,
        )
    except Refused as refused:
        return _add_page(request, form.refuse(refused))
    response = to("/me/contacts/code")
    await keep_way(request, response, way)
    return response


async def _adding(request: Request) -> Way | None:
    way, actor = await way_of(request), signed_in(request)
    if way is None or way.purpose is not WayPurpose.ADD_CONTACT or way.proposed != actor.id:
        return None
    return way


def _code_page(request: Request, way: Way, form: Form[CodeFields], *, again: bool = False) -> Response:
    return pages_of(request).render(
        request,
        "code.html",
        status=form.status,
        form=form,
        way=way,
        again=again,
        here="/me/contacts/code",
        back="/me/contacts/add",
    )


@router.get("/contacts/code")
async def code(request: Request) -> Response:
    """The code that proves it mine."""
    way = await _adding(request)
    if way is None:
        return to("/me/contacts/add")
    return _code_page(request, way, blank(), again="again" in request.query_params)


@router.post("/contacts/code/again")
async def code_again(request: Request) -> Response:
    """Send another code."""
    way = await _adding(request)
    if way is None:
        return to("/me/contacts/add")
    try:
        way = await joining.send_code(
            asking_of(request),
            way,
            signed_in(request),
            client=client_of(request),
            locale=portal_of(request).settings.locale,
            request_id=await sent_request_id(request),
        )
    except Refused as refused:
        return _code_page(request, way, blank().refuse(refused))
    response = to("/me/contacts/code?again")
    await keep_way(request, response, way)
    return response


@router.post("/contacts/code")
async def check_code(request: Request) -> Response:
    """The code is right: it is mine."""
    way = await _adding(request)
    if way is None:
        return to("/me/contacts/add")
    form = fill(await request.form(), CodeFields)
    if not form.ok:
        return _code_page(request, way, form)
    sealed = seal(request, "notifications", form.given.code, form.request_id)
    try:
        await joining.confirm_code(asking_of(request), way, sealed, signed_in(request), request_id=form.request_id)
    except Refused as refused:
        return _code_page(request, way, code_refused(form, refused))
    response = to("/me/contacts?told=added")
    await end_way(request, response)
    return response


async def _contact(request: Request, contact_point_id: str) -> tuple[ContactView, bool]:
    mine = (await _mine(request)).contacts
    found = next((each for each in mine if each.contact_point_id == contact_point_id), None)
    if found is None:
        raise NotFound("That is not one of yours.")
    return found, len(mine) == 1


@router.get("/contacts/{contact_point_id}/remove")
async def may_remove(request: Request, contact_point_id: str) -> Response:
    """Ask before it is forgotten; say so when it is the last."""
    contact, last = await _contact(request, contact_point_id)
    return pages_of(request).render(
        request, "remove_contact.html", contact=contact, last=last, channel_names=words.CHANNELS
    )


@router.post("/contacts/{contact_point_id}/remove")
async def remove(request: Request, contact_point_id: str) -> Response:
    """Forget it."""
    command = RemoveContact(contact_point_id=ContactPointId(contact_point_id))
    await asking_of(request).send(command, signed_in(request), request_id=await sent_request_id(request))
    return to("/me/contacts?told=removed")


# -- signing out -------------------------------------------------------------------------------


def _forget_here(request: Request, response: Response) -> Response:
    portal = portal_of(request)
    portal.cookie.clear(response)
    portal.way_cookie.clear(response)
    if portal.settings.secure:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign out here."""
    portal = portal_of(request)
    await in_thread(portal.sessions.end, portal.cookie.read(request))
    await in_thread(portal.ways.end, portal.way_cookie.read(request))
    return _forget_here(request, to("/"))


@router.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request) -> Response:
    """Sign out on every phone and computer."""
    portal, actor = portal_of(request), signed_in(request)
    await in_thread(portal.sessions.end_all, actor.id or "")
    await in_thread(portal.ways.end, portal.way_cookie.read(request))
    return _forget_here(request, to("/"))
