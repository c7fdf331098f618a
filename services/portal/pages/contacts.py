"""How I can be reached: my addresses and numbers, masked; another one, proved by a code; forget one."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from services.portal import joining, words
from services.portal.pages.contact_forms import CodeFields, ReachFields, code_refused, countries, reach_form
from services.portal.parts import (
    client_of,
    end_way,
    keep_way,
    know,
    my_contacts,
    portal_of,
    seal,
    signed_in,
    to,
    way_of,
)
from services.portal.store import Purpose as WayPurpose
from services.portal.store import Way
from shared.contracts.base import ContactPointId, MemberId
from shared.contracts.errors import NotFound, Refused
from shared.contracts.notifications import (
    ContactView,
    RemoveContact,
)
from shared.gateway.forms import Form, blank, fill, sent_request_id
from shared.gateway.web import asking_of, pages_of

router = APIRouter(prefix="/my", dependencies=[Depends(know)])


@router.get("/contacts")
async def contacts(request: Request) -> Response:
    """My addresses and numbers, masked."""
    mine = await my_contacts(request)
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
    response = to("/my/contacts/code")
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
        here="/my/contacts/code",
        back="/my/contacts/add",
    )


@router.get("/contacts/code")
async def code(request: Request) -> Response:
    """The code that proves it mine."""
    way = await _adding(request)
    if way is None:
        return to("/my/contacts/add")
    return _code_page(request, way, blank(), again="again" in request.query_params)


@router.post("/contacts/code/again")
async def code_again(request: Request) -> Response:
    """Send another code."""
    way = await _adding(request)
    if way is None:
        return to("/my/contacts/add")
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
    response = to("/my/contacts/code?again")
    await keep_way(request, response, way)
    return response


@router.post("/contacts/code")
async def check_code(request: Request) -> Response:
    """The code is right: it is mine."""
    way = await _adding(request)
    if way is None:
        return to("/my/contacts/add")
    form = fill(await request.form(), CodeFields)
    if not form.ok:
        return _code_page(request, way, form)
    sealed = seal(request, "notifications", form.given.code, form.request_id)
    try:
        await joining.confirm_code(asking_of(request), way, sealed, signed_in(request), request_id=form.request_id)
    except Refused as refused:
        return _code_page(request, way, code_refused(form, refused))
    response = to("/my/contacts?told=added")
    await end_way(request, response)
    return response


async def _contact(request: Request, contact_point_id: str) -> tuple[ContactView, bool]:
    mine = (await my_contacts(request)).contacts
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
    return to("/my/contacts?told=removed")
