"""The app that admin and portal start from: :func:`make_app`."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from shared.contracts.base import Contract, Event, View
from shared.contracts.errors import Fault, Forbidden, NotFound, Refused, Stale, TooMany, Unreachable
from shared.gateway.asking import Asking
from shared.gateway.assets import Assets
from shared.gateway.forgery import Forged, Forgery, from_elsewhere, leaves_no_trace
from shared.gateway.frame import Figures, Frame
from shared.gateway.live import Live
from shared.gateway.pages import Pages, pages_of, wants_fragment
from shared.gateway.sessions import Cookie
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.keys import KeyRing

log = structlog.get_logger()

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
    found: Asking = request.app.state.asking
    return found


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

    ``app.state`` has site, pages, forgery, assets, figures, and while it runs asking and live.
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
        failed=_failed,
        most_bytes=site.most_bytes,
    )
    _add_error_pages(app)
    app.include_router(machinery)
    for router in routers:
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


# -- error pages ------------------------------------------------------------------------------


def error_page(request: Request, status: int, title: str, *sentences: str, retry: int | None = None) -> Response:
    """A page that says what went wrong and what can be done. For htmx only its sentences, shown by enhance.js."""
    headers = {"Retry-After": str(retry)} if retry else {}
    if wants_fragment(request):
        return PlainTextResponse(" ".join(sentences), status_code=status, headers={**headers, "X-Told": "1"})
    return pages_of(request).render(
        request, "gateway/error.html", status=status, headers=headers, title=title, sentences=sentences
    )


NOTHING_DONE = "Nothing was done."


async def _not_found(request: Request, _error: Exception) -> Response:
    return error_page(
        request,
        404,
        "Page not found",
        "There is no such page, or it is not one that you may see.",
        "If you typed the address, check it. If you followed a link, it may be out of date.",
    )


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    if status == 404:
        return await _not_found(request, error)
    titles = {401: "Please sign in", 403: "You may not do that", 405: "That does not work here"}
    return error_page(request, status, titles.get(status, "That did not work"), NOTHING_DONE)


async def _invalid(request: Request, _error: Exception) -> Response:
    return error_page(
        request, 400, "That did not work", "The address or the form holds something unexpected.", NOTHING_DONE
    )


async def _unaskable(request: Request, error: Exception) -> Response:
    """An address or a form holds what cannot even be asked for. An answer that cannot be read is our fault, not theirs."""
    if not isinstance(error, ValidationError) or error.title not in _askable():
        raise error
    fields = [str(each["loc"][0]) for each in error.errors(include_input=False, include_url=False) if each["loc"]]
    if fields and all(field.endswith(("_id", "token")) for field in fields):
        return await _not_found(request, error)
    return await _invalid(request, error)


@functools.cache
def _askable() -> frozenset[str]:
    """The names of requests and of what stands in them; views and events come from services."""
    kinds = list(Contract.__subclasses__())
    for kind in kinds:
        kinds += kind.__subclasses__()
    return frozenset(kind.__name__ for kind in kinds if not issubclass(kind, View | Event))


async def _forged(request: Request, error: Exception) -> Response:
    log.warning("form_refused", why=str(error))
    return error_page(
        request,
        403,
        "This page was open too long",
        "To keep you safe, a form works only in the browser that opened it, while you are signed in.",
        "Nothing was done. Go back, reload the page, and send it again.",
    )


async def _forbidden(request: Request, _error: Exception) -> Response:
    return error_page(request, 403, "You may not do that", "Your account is not allowed to do this.", NOTHING_DONE)


async def _too_many(request: Request, error: Exception) -> Response:
    wait = error.facts.get("retry_after") if isinstance(error, Refused) else None
    retry = int(wait) if isinstance(wait, int) else 60
    return error_page(request, 429, "Please wait a little", str(error), "Then try again.", retry=retry)


async def _refused(request: Request, error: Exception) -> Response:
    return error_page(request, 409, "That cannot be done now", str(error), NOTHING_DONE)


async def _stale(request: Request, error: Exception) -> Response:
    return error_page(
        request, 409, "It has changed meanwhile", str(error), "Nothing was done. Look again, then decide."
    )


async def _unreachable(request: Request, _error: Exception) -> Response:
    return error_page(
        request,
        503,
        "The network cannot be reached right now",
        "The network cannot be reached right now. Nothing was done. Please try again in a minute.",
        retry=30,
    )


async def _fault(request: Request, error: Exception) -> Response:
    reference = error.correlation_id if isinstance(error, Fault) else request.state.correlation_id
    log.error("service_failed", reference=reference)
    return _broken(request, reference)


async def _failed(request: Request) -> Response:
    return _broken(request, request.scope["state"]["correlation_id"])


def _broken(request: Request, reference: str) -> Response:
    return error_page(
        request,
        500,
        "Something broke on our side",
        "Something broke on our side. It has been noted.",
        f"If you report it, please quote this reference: {reference}",
    )


def _add_error_pages(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _unaskable)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Forged, _forged)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(TooMany, _too_many)
    app.add_exception_handler(Stale, _stale)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Fault, _fault)
    app.add_exception_handler(Unreachable, _unreachable)


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
