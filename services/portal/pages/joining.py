"""The way in, one thing a page: how to reach you, the code, the agreement, the seat.

The same pages sign in someone who is known; nothing on them tells the two apart before the code was right.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar
from uuid import UUID, uuid5

import phonenumbers
from babel import Locale
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from services.portal import joining, words
from services.portal.joining import Next
from services.portal.parts import (
    VISITOR,
    begin_session,
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
from services.portal.store import Purpose, Way
from shared.contracts.base import Channel, MemberId, Sealed
from shared.contracts.errors import Fault, Refused, Stale, Unreachable
from shared.contracts.meetings import ListChapters
from shared.contracts.notifications import CodeExpired, ListMyContacts, SetPreferences, WrongCode
from shared.contracts.registration import AgreementNeeded, CurrentAgreement, NotAMember, RoleInAttending
from shared.gateway.forms import Fields, Form, blank, fill, sent_request_id
from shared.gateway.web import asking_of, pages_of
from shared.runtime.ids import new_id

router = APIRouter(dependencies=[Depends(know)])


def needs_agreement(refused: Refused) -> bool:
    """Whether the next step is the page with the agreement."""
    return isinstance(refused, (AgreementNeeded, NotAMember))


@cache
def countries(locale: str) -> tuple[tuple[str, str], ...]:
    """Countries that have a calling code, by name: ``("US", "United States (+1)")``."""
    names = Locale.parse(locale).territories
    listed = [
        (region, f"{names[region]} (+{phonenumbers.country_code_for_region(region)})")
        for region in phonenumbers.SUPPORTED_REGIONS
        if region in names
    ]
    return tuple(sorted(listed, key=lambda each: each[1]))


class ReachFields(Fields):
    """How someone can be reached."""

    missing: ClassVar[dict[str, str]] = {
        "channel": "Choose email or text message",
        "contact": "Enter your email address or phone number",
    }
    wrong: ClassVar[dict[str, str]] = {"channel": "Choose email or text message"}

    channel: Channel
    country: str = "US"
    contact: str

    @field_validator("country")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("Choose a country from the list")
        return value

    @field_validator("contact")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 254:
            raise ValueError("That is too long for an address or a number")
        return value


class JoinFields(ReachFields):
    """How someone new can be reached, and what to call them."""

    missing: ClassVar[dict[str, str]] = {**ReachFields.missing, "alias": "Enter a name we can call you"}

    alias: str

    @field_validator("alias")
    @classmethod
    def _an_alias(cls, value: str) -> str:
        return joining.check_alias(value)


def reach_form(form: Form[ReachFields]) -> Form[ReachFields]:
    """Check the contact against its channel, with the error beside the field."""
    if form.value is not None:
        try:
            joining.clean_contact(form.value.contact, form.value.channel)
        except ValueError as error:
            form.errors["contact"] = str(error)
            form.request_id = new_id()
    return form


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
        return to("/join/agreement" if way and way.member_id else "/me/seats")
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


class CodeFields(Fields):
    """The code that was sent."""

    missing: ClassVar[dict[str, str]] = {"code": "Enter the 6 digits that we sent you"}

    code: str

    @field_validator("code")
    @classmethod
    def _six_digits(cls, value: str) -> str:
        return joining.clean_code(value)


def code_refused(form: Form[CodeFields], refused: Refused) -> Form[CodeFields]:
    """Why the code was not taken, beside its field, in words that help."""
    left = refused.facts.get("tries_left")
    if isinstance(refused, WrongCode):
        tries = f" You can try {left} more time{'' if left == 1 else 's'}." if isinstance(left, int) and left else ""
        message = f"That is not the code we sent last.{tries}"
    elif isinstance(refused, CodeExpired):
        message = "This code no longer works. Ask for another one below"
    else:
        return form.refuse(refused)
    form.errors["code"] = message
    form.request_id = new_id()
    return form


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
    return await _go_on(request, way, form.request_id)


async def _go_on(request: Request, way: Way, request_id: str) -> Response:
    member_id = way.member_id or MemberId("")
    todo = joining.what_next(await joining.membership_of(asking_of(request), member_id))
    if todo is Next.NOTHING:
        response = await _finish(request, way, request_id)
    else:
        response = to("/join/agreement")
        await keep_way(request, response, way)
    await begin_session(request, response, member_id)
    return response


async def _finish(request: Request, way: Way, request_id: str) -> Response:
    """The last step: the seat that they came for, or what they can do now."""
    response = to("/join/done" if way.purpose is Purpose.JOIN else "/me/seats")
    if way.meeting_id is not None and way.mode is not None:
        done = await joining.take_seat(
            asking_of(request), way.member_id or "", way.meeting_id, way.mode, request_id=derived(request_id, "seat")
        )
        if done.refused is None:
            response = to(f"/me/seats/{way.meeting_id}")
        elif needs_agreement(done.refused):
            response = to("/join/agreement")
            await keep_way(request, response, way)
            return response
        else:
            response = to(f"/meetings/{way.meeting_id}?told={done.refused.code}")
    await end_way(request, response)
    return response


def derived(request_id: str, what: str) -> str:
    """The request id of a second command of one form: the same whenever the form comes again."""
    return str(uuid5(UUID(request_id), what))


class AgreeFields(Fields):
    """What someone decides on the page with the agreement."""

    missing: ClassVar[dict[str, str]] = {
        "agree": "Tick the box if you agree. Without it you cannot take a place",
        "role": "Choose why you come",
        "version": "Read the agreement again, please",
    }
    wrong: ClassVar[dict[str, str]] = {"role": "Choose why you come"}

    agree: str
    version: int
    role: RoleInAttending | None = None
    alias: str | None = None
    consents: list[str] = Field(default_factory=list)

    @field_validator("alias")
    @classmethod
    def _an_alias(cls, value: str | None) -> str | None:
        return None if value is None else joining.check_alias(value)


async def _channels(request: Request, way: Way | None) -> list[Channel]:
    """The channels to ask about: the one just verified, else those that the member has."""
    if way is not None and way.channel is not None:
        return [way.channel]
    mine = await asking_of(request).ask(ListMyContacts(), signed_in(request))
    return [channel for channel in Channel if any(each.channel is channel for each in mine.contacts)]


async def _agreement_page(request: Request, way: Way | None, form: Form[AgreeFields], todo: Next) -> Response:
    locale = portal_of(request).settings.locale
    text = await asking_of(request).ask(CurrentAgreement(locale=locale), VISITOR)
    ask_alias = todo is Next.JOIN and (way is None or way.alias is None or "alias" in form.errors)
    return pages_of(request).render(
        request,
        "agreement.html",
        status=form.status,
        form=form,
        text=text,
        todo=todo,
        ask_alias=ask_alias,
        roles=[(role, label, note) for role, (label, note) in words.ROLES.items()],
        channels=await _channels(request, way) if todo is Next.JOIN else [],
        purposes=words.PURPOSES,
        channel_names=words.CHANNELS,
    )


@router.get("/join/agreement")
async def agreement(request: Request) -> Response:
    """The third page: the agreement, in full."""
    actor = signed_in(request)
    todo = joining.what_next(await joining.membership_of(asking_of(request), actor.id or ""))
    if todo is Next.NOTHING:
        return to("/me/seats")
    return await _agreement_page(request, await _own_way(request), blank(), todo)


async def _own_way(request: Request) -> Way | None:
    """The way of who is signed in; another's (a shared browser) is none."""
    way, session = await way_of(request), session_of(request)
    return way if way is not None and session is not None and way.member_id == session.subject else None


@router.post("/join/agreement")
async def agree(request: Request) -> Response:
    """Join, or accept what has changed; then the seat."""
    actor = signed_in(request)
    way = await _own_way(request)
    form = fill(await request.form(), AgreeFields)
    todo = joining.what_next(await joining.membership_of(asking_of(request), actor.id or ""))
    if todo is Next.JOIN and form.value is not None:
        _complete(form, way)
    if not form.ok:
        return await _agreement_page(request, way, form, todo)
    try:
        await _say_yes(request, way, form, todo)
    except Refused as refused:
        if isinstance(refused, (Stale, AgreementNeeded)):
            form.overall.append("The agreement has changed just now. Please read it again.")
            form.values["agree"], form.request_id = "", new_id()
        elif refused.field == "alias":
            form.errors["alias"], form.request_id = refused.message, new_id()
        else:
            form.refuse(refused)
        return await _agreement_page(request, way, form, todo)
    return await _finish(request, way or _no_way(request), form.request_id)


def _no_way(request: Request) -> Way:
    member_id = MemberId(signed_in(request).id or "")
    return Way(proposed=member_id, member_id=member_id)


def _complete(form: Form[AgreeFields], way: Way | None) -> None:
    """What someone new must say beside yes."""
    if form.given.role is None:
        form.errors["role"] = AgreeFields.missing["role"]
    if form.given.alias is None and (way is None or way.alias is None):
        form.errors["alias"] = "Enter a name we can call you"
    if not form.ok:
        form.request_id = new_id()


async def _say_yes(request: Request, way: Way | None, form: Form[AgreeFields], todo: Next) -> None:
    given, asking, settings = form.given, asking_of(request), portal_of(request).settings
    member_id = signed_in(request).id or ""
    if todo is Next.AGREE:
        await joining.accept(asking, member_id, given.version, request_id=form.request_id)
    elif todo is Next.JOIN and given.role is not None:
        asked = frozenset(await _channels(request, way))
        agreed = joining.Agreed(given.version, given.role, joining.read_ticks(given.consents), asked)
        alias = _alias(request, way, form)
        await joining.join(asking, member_id, alias, agreed, locale=settings.locale, request_id=form.request_id)
        await _set_zone(request, way, form.request_id)


def _alias(request: Request, way: Way | None, form: Form[AgreeFields]) -> Sealed:
    if form.given.alias is not None or way is None or way.alias is None:
        return seal(request, "registration", form.given.alias or "", form.request_id)
    return way.alias


async def _set_zone(request: Request, way: Way | None, request_id: str) -> None:
    """Quiet hours begin in the zone of the network, where it has one only. A member can change it; failing is no harm."""
    asking, actor = asking_of(request), signed_in(request)
    try:
        zones = {each.time_zone for each in (await asking.ask(ListChapters(), VISITOR)).chapters}
        now = (await asking.ask(ListMyContacts(), actor)).preferences
        if len(zones) == 1 and now.time_zone == "UTC":
            preferences = now.model_copy(update={"time_zone": zones.pop()})
            await asking.send(SetPreferences(preferences=preferences), actor, request_id=derived(request_id, "zone"))
    except (Refused, Fault, Unreachable):
        return


@router.get("/join/done")
async def done(request: Request) -> Response:
    """The last page for someone who came without a meeting in mind."""
    signed_in(request)
    return pages_of(request).render(request, "done.html")
