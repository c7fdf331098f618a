"""What the portal's pages share: its parts, who is signed in, the way someone is on."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from services.portal.joining import Seals
from services.portal.settings import ABSOLUTE, IDLE, PortalSettings
from services.portal.store import LASTS, Way, Ways, sessions
from shared.contracts.base import Actor, Role, Sealed
from shared.contracts.notifications import ListMyContacts, MyContacts
from shared.gateway.database import Database, in_thread
from shared.gateway.sessions import Cookie, Session, Sessions, describe_client
from shared.gateway.web import asking_of
from shared.runtime.clock import Clock
from shared.runtime.keys import KeyRing

VISITOR = Actor(role=Role.VISITOR)


@dataclass(frozen=True)
class Portal:
    """The parts of one portal."""

    settings: PortalSettings
    keys: KeyRing
    clock: Clock
    database: Database
    cookie: Cookie
    seals: Seals = field(default_factory=Seals)

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return Sessions(self.database, sessions, idle=IDLE, absolute=ABSOLUTE)

    @property
    def ways(self) -> Ways:
        """How far people have come on their way in."""
        return Ways(self.database)

    @property
    def way_cookie(self) -> Cookie:
        """The cookie of a way."""
        return Cookie("way-portal", self.cookie.secure, int(LASTS.total_seconds()))


def portal_of(request: Request) -> Portal:
    """The parts of the portal that this request came to."""
    return cast(Portal, request.app.state.portal)


class SignInNeeded(Exception):  # noqa: N818 - answered with the page to sign in
    """The page is for members, and nobody is signed in."""


async def know(request: Request) -> None:
    """Look who is signed in. A dependency of every router whose pages differ for members."""
    portal = portal_of(request)
    request.state.session = await in_thread(portal.sessions.find, portal.cookie.read(request))
    request.state.who = request.state.session.subject if request.state.session else None


def session_of(request: Request) -> Session | None:
    """The session that came with this request."""
    return cast("Session | None", getattr(request.state, "session", None))


def signed_in(request: Request) -> Actor:
    """The member who asks. Raises SignInNeeded."""
    session = session_of(request)
    if session is None:
        raise SignInNeeded
    return Actor(role=Role.MEMBER, id=session.subject)


async def my_contacts(request: Request) -> MyContacts:
    """The contact points and preferences of who is signed in. Raises SignInNeeded."""
    return await asking_of(request).ask(ListMyContacts(), signed_in(request))


async def begin_session(request: Request, response: Response, member_id: str) -> None:
    """Sign a member in: a new token, whatever came before it (ASVS 5.0, 7.2.4)."""
    portal = portal_of(request)
    await in_thread(portal.sessions.end, portal.cookie.read(request))
    client = describe_client(request.headers.get("user-agent", ""))
    portal.cookie.set(response, await in_thread(portal.sessions.begin, member_id, client=client))


async def way_of(request: Request) -> Way | None:
    """The way that this browser is on."""
    portal = portal_of(request)
    return await in_thread(portal.ways.find, portal.way_cookie.read(request))


async def keep_way(request: Request, response: Response, way: Way) -> None:
    """Remember how far this browser has come."""
    portal = portal_of(request)
    token = portal.way_cookie.read(request)
    if token is not None and await in_thread(portal.ways.find, token) is not None:
        await in_thread(portal.ways.keep, token, way)
    else:
        portal.way_cookie.set(response, await in_thread(portal.ways.begin, way))


async def end_way(request: Request, response: Response) -> None:
    """Forget the way that this browser was on."""
    portal = portal_of(request)
    token = portal.way_cookie.read(request)
    if token is not None:
        await in_thread(portal.ways.end, token)
        portal.way_cookie.clear(response)


def forget_here(request: Request, response: Response) -> Response:
    """Have this browser forget who was signed in."""
    portal = portal_of(request)
    portal.cookie.clear(response)
    portal.way_cookie.clear(response)
    if portal.settings.secure:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def forget_member(request: Request, response: Response, member_id: str) -> Response:
    """End every session and every way of someone who has left, on every device."""
    portal = portal_of(request)
    await in_thread(portal.sessions.end_all, member_id)
    await in_thread(portal.ways.end_all, member_id)
    await in_thread(portal.ways.end, portal.way_cookie.read(request))
    return forget_here(request, response)


def to(url: str) -> Response:
    """Go on to another page after a form."""
    return RedirectResponse(url, status_code=303)


def seal(request: Request, service: str, text: str, request_id: str) -> Sealed:
    """Seal what a person typed; the same box when the same form comes again."""
    portal = portal_of(request)
    digest = portal.keys.keyed_hash("seals", text)
    return portal.seals.seal(asking_of(request), service, text, request_id=request_id, digest=digest)


def client_of(request: Request) -> str:
    """A keyed hash of the client's network: /24 of IPv4, /48 of IPv6. For limits only; the address goes nowhere."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        network = host
    else:
        network = str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))
    return portal_of(request).keys.keyed_hash("client", network)[:32]
