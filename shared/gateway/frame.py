"""What goes round every request: security headers, a correlation id, a log line and figures that name nobody."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.gateway.sessions import Cookie
from shared.runtime.ids import new_id

log = structlog.get_logger()

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Set unless the response says otherwise: a public page says ``X-Robots-Tag: all``, a static file how long it keeps."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Told apart in figures and log (RFC 9110, RFC 5789). A server takes any word as a method, and figures are never forgotten."""
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"


class Figures:
    """The figures of one site (Prometheus). Routes are counted by their template, so that no id becomes a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "chapterhouse_web_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "chapterhouse_web_seconds", "Time to answer, in seconds.", ("route",), registry=self.registry
        )


Failed = Callable[[Request], Awaitable[Response]]


class Frame:
    """ASGI middleware. ``failed`` renders the page for an error that nothing foresaw."""

    def __init__(
        self, app: ASGIApp, *, figures: Figures, secure: bool, visitor: Cookie, failed: Failed, most_bytes: int
    ) -> None:
        self._app = app
        self._figures = figures
        self._headers = {**HEADERS, **({"Strict-Transport-Security": STRICT_TRANSPORT} if secure else {})}
        self._visitor = visitor
        self._failed = failed
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the same headers; the server leaves the body out
        correlation_id = new_id()
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        began, status = time.monotonic(), 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(scope, message)
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                refused = self._refused(scope)
                if refused is not None:
                    await refused(scope, receive, framed)
                else:
                    await self._app(scope, receive, framed)
            except ClientDisconnect:
                log.info("caller_left")  # in the middle of what they sent: nobody is there to be answered
            except Exception as error:
                log.error("page_failed", kind=type(error).__name__, where=_where(error))  # noqa: TRY400 - a traceback may hold names
                if status:
                    raise
                await (await self._failed(Request(scope)))(scope, receive, framed)
            finally:
                self._note(scope, status, time.monotonic() - began)

    def _refused(self, scope: Scope) -> Response | None:
        """A body of a length that is too great, or that nobody has told: browsers and providers say it."""
        for name, value in scope["headers"]:
            if name == b"transfer-encoding":
                return PlainTextResponse("Say the length of what you send (Content-Length).\n", 411)
            if name == b"content-length" and (not value.isdigit() or int(value) > self._most_bytes):
                most = f"{self._most_bytes // 1000:,} kB"
                return PlainTextResponse(
                    f"That is more than can be sent at once: {most} at most. Nothing was done. Go back, and send less of it.\n",
                    413,
                )
        return None

    def _dress(self, scope: Scope, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        headers["X-Correlation-Id"] = scope["state"]["correlation_id"]
        new_visitor = scope["state"].get("new_visitor")
        if new_visitor:
            cookie = Response()
            self._visitor.set(cookie, new_visitor)
            headers.append("Set-Cookie", cookie.headers["set-cookie"])

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        if getattr(scope.get("endpoint"), "leaves_no_trace", False):
            return
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._figures.requests.labels(method, route, str(status)).inc()
        self._figures.seconds.labels(route).observe(seconds)
        if route not in ("/livez", "/readyz", "/metrics", "/static/{name:path}"):
            log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to look it up, and no value of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}" if trace else ""
