"""The app that admin and portal start from: :func:`make_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from starlette.exceptions import HTTPException

from shared.gateway.asking import Asking, Noting
from shared.gateway.assets import Assets
from shared.gateway.error_pages import add_error_pages, error_page, failed
from shared.gateway.forgery import Forgery, from_elsewhere, leaves_no_trace
from shared.gateway.frame import Figures, Frame
from shared.gateway.live import Live
from shared.gateway.pages import Pages, pages_of
from shared.gateway.sessions import Cookie
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.keys import KeyRing

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Site:
    """What makes one gateway differ from the other."""

    name: str  # admin, portal: the principal, and the prefix of its static files
    title: str  # in the page's header; says nothing that a stranger should not read
    keys: KeyRing
    open_asking: Callable[[], AbstractAsyncContextManager[Asking]]
    templates: Path
    static: Path | None = None
    layout: str = "gateway/base.html"  # what error pages extend
    base_url: str = "http://127.0.0.1"  # as browsers call it; https makes cookies Secure and sends HSTS
    cookie: str = "session"
    cookie_seconds: int | None = None
    locale: str = "en"
    """How times are written, unless a page knows better."""
    clock: Clock = field(default_factory=SystemClock)
    most_bytes: int = 3_000_000
    metrics_from: frozenset[str] = frozenset({"127.0.0.1", "::1"})

    @property
    def secure(self) -> bool:
        """Whether it is served over https."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def session_cookie(self) -> Cookie:
        """The cookie that holds the session's token."""
        return Cookie(f"{self.cookie}-{self.name}", self.secure, self.cookie_seconds)


def asking_of(request: Request) -> Asking:
    """The way to the services."""
    return Noting(request.app.state.asking, request.state)


def live_of(request: Request) -> Live:
    """The live stream."""
    found: Live = request.app.state.live
    return found


def site_of(request: Request) -> Site:
    """The site."""
    found: Site = request.app.state.site
    return found


def make_app(site: Site, routers: Sequence[APIRouter]) -> FastAPI:
    """The app: headers, static files, error pages, health, the CSRF check on every route, and these routers.

    ``app.state`` has site, pages, forgery, assets, figures, routes, and while it runs asking and live.
    """
    assets = Assets({"gateway": HERE / "static", **({site.name: site.static} if site.static else {})})
    forgery = Forgery(site.keys, site.session_cookie, origin=_origin(site.base_url))
    figures = Figures()
    app = FastAPI(
        title=site.title,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        dependencies=[Depends(forgery.guard)],
    )
    app.state.site, app.state.assets, app.state.forgery, app.state.figures = site, assets, forgery, figures
    app.state.pages = Pages(
        templates=site.templates,
        assets=assets,
        forgery=forgery,
        title=site.title,
        layout=site.layout,
        locale=site.locale,
    )
    app.add_middleware(
        Frame,
        figures=figures,
        secure=site.secure,
        visitor=forgery.visitor,
        failed=failed,
        most_bytes=site.most_bytes,
    )
    add_error_pages(app)
    app.state.routes = [route for router in (machinery, *routers) for route in router.routes]
    for router in (machinery, *routers):
        app.include_router(router)
    return app


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    async with site.open_asking() as asking:
        app.state.asking, app.state.live = asking, Live()
        app.state.live.start(asking)
        try:
            yield
        finally:
            await app.state.live.stop()


machinery = APIRouter()


@machinery.get("/livez")
async def alive() -> Response:
    """The process runs."""
    return PlainTextResponse("ok\n")


@machinery.get("/readyz")
async def ready(request: Request) -> Response:
    """The services can be asked."""
    if asking_of(request).connected:
        return PlainTextResponse("ok\n")
    return PlainTextResponse("the broker does not answer\n", status_code=503)


@machinery.get("/metrics")
async def metrics(request: Request) -> Response:
    """Figures, for this machine alone: how busy a site is can tell something too."""
    allowed = request.app.state.site.metrics_from
    if request.client is None or request.client.host not in allowed or "x-forwarded-for" in request.headers:
        raise HTTPException(404)
    return Response(generate_latest(request.app.state.figures.registry), media_type="text/plain; version=0.0.4")


@machinery.get("/static/{name:path}")
async def static(request: Request, name: str) -> Response:
    """A static file."""
    found: Assets = request.app.state.assets
    return found.serve(request, name)


@machinery.get("/robots.txt")
async def robots() -> Response:
    """Pages say for themselves whether they may be listed (X-Robots-Tag)."""
    return PlainTextResponse("User-agent: *\nDisallow: /static/\n")


__all__ = [
    "Site",
    "asking_of",
    "error_page",
    "from_elsewhere",
    "leaves_no_trace",
    "live_of",
    "make_app",
    "pages_of",
    "site_of",
]
