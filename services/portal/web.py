"""The portal: the app that members meet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from sqlalchemy import Engine

from services.portal.pages import (
    about,
    agreement,
    contacts,
    feedback,
    feeds,
    finding,
    hooks,
    joining,
    leaving,
    me,
    notices,
    seats,
    unsubscribe,
)
from services.portal.parts import Portal, SignInNeeded, forget_here, forget_member, keep_way, session_of, to, way_of
from services.portal.settings import PortalSettings
from services.portal.store import Purpose, Way
from shared.contracts.base import MemberId
from shared.contracts.registration import HasLeft
from shared.gateway.asking import Asking
from shared.gateway.database import Database
from shared.gateway.error_pages import error_page
from shared.gateway.web import Site, make_app
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.keys import KeyRing

HERE = Path(__file__).parent

ROUTERS = [
    each.router
    for each in (
        finding,
        joining,
        agreement,
        seats,
        me,
        leaving,
        notices,
        contacts,
        feedback,
        unsubscribe,
        feeds,
        hooks,
        about,
    )
]


def make_portal(
    settings: PortalSettings,
    *,
    keys: KeyRing,
    engine: Engine,
    clock: Clock,
    open_asking: Callable[[], AbstractAsyncContextManager[Asking]],
) -> FastAPI:
    """The app. The database must have been brought to today's schema."""
    site = Site(
        name="portal",
        title=settings.portal_name,
        keys=keys,
        open_asking=open_asking,
        templates=HERE / "templates",
        static=HERE / "static",
        base_url=settings.portal_url,
        clock=clock,
        locale=settings.locale,
        most_bytes=100_000,
    )
    app = make_app(site, ROUTERS)
    app.state.portal = Portal(settings, keys, clock, Database(engine), site.session_cookie)
    app.state.pages.environment.globals.update(exit_url=settings.exit_url)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(HasLeft, _has_left)
    return app


async def _has_left(request: Request, error: Exception) -> Response:
    """Whoever signs in before all have heard that they left comes in as who they were: they begin again, as somebody new."""
    page = error_page(request, 409, "Please begin again", str(error), "Nothing was done. You are signed out here.")
    session = session_of(request)
    return await forget_member(request, page, session.subject) if session else forget_here(request, page)


async def _sign_in(request: Request, _error: Exception) -> Response:
    """First sign in; then the meeting that a notice's link led to."""
    response = to("/sign-in")
    if request.method == "GET" and request.url.path.startswith("/my/meetings/"):
        way = await way_of(request) or Way(purpose=Purpose.SIGN_IN, proposed=MemberId(new_id()))
        await keep_way(request, response, way.model_copy(update={"wanted": request.url.path}))
    return response
