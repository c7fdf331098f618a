"""One-click unsubscribe (RFC 8058): a mail program posts here with no cookie, no token of ours and no redirect.

A GET changes nothing: programs that look for harm fetch every link in a mail.
"""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request, Response

from services.portal.parts import VISITOR
from shared.contracts.errors import AlreadyDone, NotFound
from shared.contracts.notifications import Unsubscribe
from shared.gateway.error_pages import sentence
from shared.gateway.web import asking_of, from_elsewhere, pages_of
from shared.runtime.ids import new_id

router = APIRouter()


@router.get("/u/{token}")
async def ask(request: Request, token: str) -> Response:
    """The page for people: a button that does it."""
    return pages_of(request).render(request, "unsubscribe.html", token=token, done=False, missing=None)


@router.post("/u/{token}")
@from_elsewhere
async def unsubscribe(request: Request, token: str) -> Response:
    """Write to this address no more."""
    try:
        with suppress(AlreadyDone):
            await asking_of(request).send(Unsubscribe(token=token), VISITOR, request_id=new_id())
    except NotFound as refused:
        missing = sentence(refused.message)
        return pages_of(request).render(request, "unsubscribe.html", status=404, token=token, missing=missing)
    return pages_of(request).render(request, "unsubscribe.html", token=token, done=True, missing=None)
