"""The way in, one thing a page: how to reach you, the code, the agreement, the seat.

The same pages sign in someone who is known; nothing on them tells the two apart before the code was right.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from services.portal import joining, words
from services.portal.pages.arriving import go_on
from services.portal.pages.contact_forms import CodeFields, JoinFields, ReachFields, code_refused, countries, reach_form
from services.portal.parts import (
    VISITOR,
    client_of,
    keep_way,
    know,
    portal_of,
    seal,
    session_of,
    to,
    way_of,
)
from services.portal.store import Purpose, Way
from shared.contracts.base import MemberId
from shared.contracts.errors import Refused
from shared.gateway.forms import Form, blank, fill, sent_request_id
from shared.gateway.web import asking_of, pages_of
from shared.runtime.ids import new_id

router = APIRouter(dependencies=[Depends(know)])


async def _reach_page(request: Request, form: Form[ReachFields], *, with_alias: bool) -> Response:
    settings = portal_of(request).settings
    way = await way_of(request)
    return pages_of(request).render(
        request,
        "reach.html",
        status=form.status,
        form=form,
        with_alias=with_alias,
        channels=list(words.CHANNELS.items()),
        countries=countries(settings.locale),
        for_a_meeting=bool(way and way.meeting_id),
    )


@router.get("/join")
async def join(request: Request) -> Response:
    """The first page: how can we reach you?"""
    return await _first(request, with_alias=True)


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    """The same without a name."""
    return await _first(request, with_alias=False)


async def _first(request: Request, *, with_alias: bool) -> Response:
    if session_of(request) is not None:
        way = await way_of(request)
        return to("/join/agreement" if way and way.member_id else "/my/meetings")
    return await _reach_page(request, blank(country=portal_of(request).settings.country), with_alias=with_alias)


@router.post("/join")
async def reach(request: Request) -> Response:
    """Send the code."""
    return await _reach(request, reach_form(fill(await request.form(), JoinFields)), with_alias=True)


@router.post("/sign-in")
async def reach_known(request: Request) -> Response:
    """Send the code."""
    return await _reach(request, reach_form(fill(await request.form(), ReachFields)), with_alias=False)


async def _reach(request: Request, form: Form[ReachFields], *, with_alias: bool) -> Response:
    if not form.ok:
        return await _reach_page(request, form, with_alias=with_alias)
    given, settings = form.given, portal_of(request).settings
    way = await way_of(request) or Way(proposed=MemberId(new_id()))
    contact = joining.clean_contact(given.contact, given.channel)
    alias = seal(request, "registration", given.alias, form.request_id) if isinstance(given, JoinFields) else None
    way = way.model_copy(
        update={
            "purpose": Purpose.JOIN if with_alias else Purpose.SIGN_IN,
            "channel": given.channel,
            "contact": seal(request, "notifications", contact, form.request_id),
            "country": given.country,
            "alias": alias,
            "member_id": None,
        }
    )
    try:
        way = await joining.send_code(
            asking_of(request),
            way,
            VISITOR,
            client=client_of(request),
            locale=settings.locale,
            request_id=form.request_id,
        )
    except Refused as refused:
        return await _reach_page(request, form.refuse(refused), with_alias=with_alias)
    response = to("/join/code")
    await keep_way(request, response, way)
    return response


def _code_page(request: Request, way: Way, form: Form[CodeFields], *, again: bool = False) -> Response:
    return pages_of(request).render(
        request,
        "code.html",
        status=form.status,
        form=form,
        way=way,
        again=again,
        here="/join/code",
        back="/join" if way.purpose is Purpose.JOIN else "/sign-in",
    )


@router.get("/join/code")
async def code(request: Request) -> Response:
    """The second page: the code."""
    way = await way_of(request)
    if way is None or way.verification_id is None:
        return to("/join")
    return _code_page(request, way, blank(), again="again" in request.query_params)


@router.post("/join/code/again")
async def code_again(request: Request) -> Response:
    """Send another code to the same contact."""
    way = await way_of(request)
    if way is None or way.contact is None:
        return to("/join")
    try:
        way = await joining.send_code(
            asking_of(request),
            way,
            VISITOR,
            client=client_of(request),
            locale=portal_of(request).settings.locale,
            request_id=await sent_request_id(request),
        )
    except Refused as refused:
        return _code_page(request, way, blank().refuse(refused))
    response = to("/join/code?again")
    await keep_way(request, response, way)
    return response


@router.post("/join/code")
async def check_code(request: Request) -> Response:
    """The code is right: they are signed in, and go on to what is still to do."""
    way = await way_of(request)
    if way is None or way.verification_id is None:
        return to("/join")
    form = fill(await request.form(), CodeFields)
    if not form.ok:
        return _code_page(request, way, form)
    sealed = seal(request, "notifications", form.given.code, form.request_id)
    try:
        way = await joining.confirm_code(asking_of(request), way, sealed, VISITOR, request_id=form.request_id)
    except Refused as refused:
        return _code_page(request, way, code_refused(form, refused))
    return await go_on(request, way, form.request_id)
