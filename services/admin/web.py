"""The admin app, put together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from services.admin.access import SignInNeeded, ask_to_sign_in
from services.admin.accounts import Book
from services.admin.importing import Imports
from services.admin.pages import (
    account,
    attendance,
    changes,
    chapters,
    imports,
    meetings,
    moving,
    region,
    replanning,
    series,
    series_page,
    signing_in,
)
from services.admin.settings import AdminSettings
from shared.gateway.asking import Asking
from shared.gateway.web import Site, make_app
from shared.runtime.clock import Clock
from shared.runtime.keys import KeyRing

HERE = Path(__file__).parent


def admin_app(
    settings: AdminSettings,
    *,
    keys: KeyRing,
    book: Book,
    clock: Clock,
    open_asking: Callable[[], AbstractAsyncContextManager[Asking]],
) -> FastAPI:
    """The app. ``open_asking`` is entered when it starts and left when it stops."""
    site = Site(
        name="admin",
        title="Chapterhouse",
        keys=keys,
        open_asking=open_asking,
        templates=HERE / "templates",
        layout="layout.html",
        base_url=settings.url,
        locale=settings.locale,
        clock=clock,
    )
    modules = (
        signing_in,
        account,
        meetings,
        changes,
        moving,
        attendance,
        chapters,
        series,
        series_page,
        replanning,
        imports,
        region,
    )
    app = make_app(site, [module.router for module in modules])
    app.add_exception_handler(SignInNeeded, ask_to_sign_in)
    app.state.book = book
    app.state.sessions = book.sessions(
        timedelta(minutes=settings.idle_minutes), timedelta(hours=settings.absolute_hours)
    )
    app.state.imports = Imports()
    return app
