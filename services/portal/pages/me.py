"""The start of my own pages, what I said yes to, and signing out."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from services.portal import joining, words
from services.portal.parts import (
    forget_here,
    know,
    portal_of,
    session_of,
    signed_in,
    to,
)
from shared.contracts.base import Channel
from shared.contracts.registration import DecideConsents, MyMembership
from shared.gateway.database import in_thread
from shared.gateway.forms import blank, sent_request_id
from shared.gateway.web import asking_of, pages_of

router = APIRouter(prefix="/my", dependencies=[Depends(know)])


@router.get("")
async def me(request: Request) -> Response:
    """The start of my own pages."""
    membership = await joining.membership_of(asking_of(request), signed_in(request).id or "")
    session = session_of(request)
    others = await in_thread(portal_of(request).sessions.of, session.subject) if session else []
    return pages_of(request).render(request, "me.html", membership=membership, devices=len(others))


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
    return to("/my/yes?saved")


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign out here."""
    portal = portal_of(request)
    await in_thread(portal.sessions.end, portal.cookie.read(request))
    await in_thread(portal.ways.end, portal.way_cookie.read(request))
    return forget_here(request, to("/"))


@router.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request) -> Response:
    """Sign out on every phone and computer."""
    portal, actor = portal_of(request), signed_in(request)
    await in_thread(portal.sessions.end_all, actor.id or "")
    await in_thread(portal.ways.end, portal.way_cookie.read(request))
    return forget_here(request, to("/"))
