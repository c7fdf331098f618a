"""The agreement, in full, with what else someone new decides; then the seat that they came for."""

from __future__ import annotations

from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, field_validator

from services.portal import joining, words
from services.portal.joining import Next
from services.portal.pages.arriving import derived, finish
from services.portal.parts import (
    VISITOR,
    know,
    portal_of,
    seal,
    session_of,
    signed_in,
    to,
    way_of,
)
from services.portal.store import Way
from shared.contracts.base import Channel, MemberId, Sealed
from shared.contracts.errors import Fault, Refused, Stale, Unreachable
from shared.contracts.meetings import ListChapters
from shared.contracts.notifications import ListMyContacts, SetPreferences
from shared.contracts.registration import AgreementNeeded, CurrentAgreement, HasLeft, RoleInAttending
from shared.gateway.forms import Fields, Form, blank, fill
from shared.gateway.web import asking_of, pages_of
from shared.runtime.ids import new_id

router = APIRouter(dependencies=[Depends(know)])


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
        return to("/my/meetings")
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
    except HasLeft:
        raise
    except Refused as refused:
        if isinstance(refused, (Stale, AgreementNeeded)):
            form.overall.append("The agreement has changed just now. Please read it again.")
            form.values["agree"], form.request_id = "", new_id()
        elif refused.field == "alias":
            form.errors["alias"], form.request_id = refused.message, new_id()
        else:
            form.refuse(refused)
        return await _agreement_page(request, way, form, todo)
    return await finish(request, way or _no_way(request), form.request_id)


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
