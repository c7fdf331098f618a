"""Against cross-site requests: Fetch-Metadata, and a signed token bound to the session (signed double submit).

The check is a dependency of the whole app, so that no form can forget it. What may be called from elsewhere
(a provider's call-back, a one-click unsubscribe) says so with :func:`from_elsewhere`.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from fastapi import Request

from shared.contracts.errors import Forbidden
from shared.gateway.sessions import Cookie
from shared.runtime.keys import KeyRing

FIELD = "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


def from_elsewhere(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that other sites and programs may post to; it must check by other means who calls."""
    endpoint.from_elsewhere = True  # type: ignore[attr-defined]
    return endpoint


def leaves_no_trace(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint whose calls are neither logged nor counted: a time in a log could be laid beside a slip."""
    endpoint.leaves_no_trace = True  # type: ignore[attr-defined]
    return endpoint


class Forged(Forbidden):
    """The form was not sent from a page of ours that is open in this browser."""

    code = "forged"


class Forgery:
    """Mints and checks tokens. They are bound to the session cookie, or to a visitor cookie before sign-in."""

    def __init__(self, keys: KeyRing, session: Cookie, *, origin: str) -> None:
        self._keys = keys
        self._session = session
        self._origin = origin
        self.visitor = Cookie(f"{session.name}-visitor", session.secure)

    def _binding(self, request: Request) -> str:
        token = self._session.read(request) or self.visitor.read(request)
        if token is None:
            token = getattr(request.state, "new_visitor", None) or secrets.token_urlsafe(24)
            request.state.new_visitor = token  # the frame hands it to the browser
        return token

    def _sign(self, binding: str, nonce: str) -> str:
        return self._keys.keyed_hash("csrf", f"{binding}.{nonce}")

    def token(self, request: Request) -> str:
        """A token for the forms of this page."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._sign(self._binding(request), nonce)}"

    async def guard(self, request: Request) -> AsyncIterator[None]:
        """The dependency of the whole app: the check before, and uploaded files closed afterwards."""
        try:
            await self.check(request)
            yield
        finally:
            await request.close()

    async def check(self, request: Request) -> None:
        """Raises Forged unless the request changes nothing, or comes from a page of ours in this browser."""
        if request.method in SAFE or getattr(request.scope.get("endpoint"), "from_elsewhere", False):
            return
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        ours = {self._origin, f"{request.url.scheme}://{request.url.netloc}"}
        if site not in (None, "same-origin", "none") or (site is None and origin not in (None, *ours)):
            raise Forged("the form came from another site")
        sent = (await request.form()).get(FIELD)
        nonce, _, signature = (sent if isinstance(sent, str) else "").partition(".")
        if not (nonce and hmac.compare_digest(signature, self._sign(self._binding(request), nonce))):
            raise Forged("the form was open too long, or in another browser")
