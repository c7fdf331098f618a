"""The pages for what goes wrong: each says what happened, whether anything was done, and what to do next."""

from __future__ import annotations

import functools

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from shared.contracts.base import Contract, Event, View
from shared.contracts.errors import Fault, Forbidden, NotFound, Refused, Stale, TooMany, Unanswered, Unreachable
from shared.gateway.asking import change_left
from shared.gateway.forgery import Forged
from shared.gateway.pages import pages_of, wants_fragment

log = structlog.get_logger()


def error_page(request: Request, status: int, title: str, *sentences: str, retry: int | None = None) -> Response:
    """A page that says what went wrong and what can be done. For htmx only its sentences, shown by enhance.js."""
    headers = {"Retry-After": str(retry)} if retry else {}
    if wants_fragment(request):
        return PlainTextResponse(" ".join(sentences), status_code=status, headers={**headers, "X-Told": "1"})
    return pages_of(request).render(
        request, "gateway/error.html", status=status, headers=headers, title=title, sentences=sentences
    )


NOTHING_DONE = "Nothing was done."
AGAIN = "Nothing was done. Go back, reload the page, and try again."


async def _not_found(request: Request, error: Exception) -> Response:
    """With our refusal's own words where it is one: what is not there and what may not be seen are refused alike."""
    missing = "There is no such page, or it is not one that you may see."
    return error_page(
        request,
        404,
        "Page not found",
        sentence(error.message) if isinstance(error, NotFound) else missing,
        "If you typed the address, check it. If you followed a link, it may be out of date.",
    )


def sentence(words: str) -> str:
    """What a service says, as a sentence for people."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}"


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    if status == 404:
        return await _not_found(request, error)
    titles = {401: "Please sign in", 403: "You may not do that", 405: "That does not work here"}
    page = error_page(request, status, titles.get(status, "That did not work"), AGAIN)
    if status == 405:
        page.headers["Allow"] = ", ".join(_allowed(request))
    return page


def _allowed(request: Request) -> list[str]:
    """The methods that this address takes, each of its routes counted (RFC 9110, 15.5.6)."""
    routes = [route for route in request.app.state.routes if isinstance(route, Route)]
    here = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    found = {method for route in here for method in route.methods or ()}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def _invalid(request: Request, _error: Exception) -> Response:
    return error_page(request, 400, "That did not work", "The address or the form holds something unexpected.", AGAIN)


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
    return error_page(
        request,
        403,
        "You may not do that",
        "Your account is not allowed to do this.",
        NOTHING_DONE,
        "If you need it for your work, ask who runs your network.",
    )


async def _too_many(request: Request, error: Exception) -> Response:
    wait = error.facts.get("retry_after") if isinstance(error, Refused) else None
    retry = int(wait) if isinstance(wait, int) else 60
    return error_page(request, 429, "Please wait a little", str(error), "Then try again.", retry=retry)


async def _refused(request: Request, error: Exception) -> Response:
    return error_page(request, 409, "That cannot be done now", str(error), _undone(request, "Go back and look again."))


async def _stale(request: Request, error: Exception) -> Response:
    told = _undone(request, "Look again, then decide.")
    return error_page(request, 409, "It has changed meanwhile", str(error), told)


def _undone(request: Request, then: str) -> str:
    """That nothing was done, unless an earlier step of the same form did something; and what to do."""
    return then if change_left(request.state) else f"{NOTHING_DONE} {then}"


async def _unreachable(request: Request, error: Exception) -> Response:
    """What left may have been done, in this step or one before it; the form's request id has it done once however often it comes."""
    told = "Nothing was done. Please try again in a minute."
    if request.method == "POST" and (isinstance(error, Unanswered) or change_left(request.state)):
        told = "We do not know whether it was done. Please send it again in a minute: it is done once at most."
    title = "The network cannot be reached right now"
    return error_page(request, 503, title, f"{title}. {told}", retry=30)


async def _fault(request: Request, error: Exception) -> Response:
    reference = error.correlation_id if isinstance(error, Fault) else request.state.correlation_id
    log.error("service_failed", reference=reference)
    return _broken(request, reference)


async def failed(request: Request) -> Response:
    """The page for an error that nothing foresaw."""
    return _broken(request, request.scope["state"]["correlation_id"])


def _broken(request: Request, reference: str) -> Response:
    return error_page(
        request,
        500,
        "Something broke on our side",
        "Something broke on our side. It has been noted. Please go back, and try again in a minute.",
        f"If you report it, please quote this reference: {reference}",
    )


def add_error_pages(app: FastAPI) -> None:
    """Give every kind of failure its page."""
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
