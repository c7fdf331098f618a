"""Leaving for good: what will happen, one button, and a page that says that it is done."""

from __future__ import annotations

from hmac import compare_digest

from fastapi import APIRouter, Depends, Request, Response

from services.portal.joining import member, membership_of
from services.portal.parts import forget_member, know, portal_of, session_of, signed_in, to
from shared.contracts.registration import Leave
from shared.gateway.forms import sent_request_id
from shared.gateway.web import asking_of, pages_of

router = APIRouter(dependencies=[Depends(know)])


@router.get("/my/leave")
async def may_leave(request: Request) -> Response:
    """Say what is erased and what stays, before it is done."""
    me = signed_in(request).id or ""
    return pages_of(request).render(request, "leave.html", whose={"me": me, "proof": _proof(request, me)})


@router.post("/my/leave")
async def leave(request: Request) -> Response:
    """Leave. The same form can be sent again, and it is done once: also where only the last page was lost on its way."""
    me = await _leaver(request)
    await asking_of(request).send(Leave(), member(me), request_id=await sent_request_id(request))
    return await forget_member(request, to("/done"), me)


async def _leaver(request: Request) -> str:
    """Who leaves: who is signed in; else who has left already, by this form, in this browser. Raises SignInNeeded.

    A session that ended otherwise, on a phone that was lost or lent, makes nobody leave.
    """
    form = await request.form()
    me, proof = str(form.get("me", "")), str(form.get("proof", ""))
    if session_of(request) is None and compare_digest(proof.encode(), _proof(request, me).encode()):
        membership = await membership_of(asking_of(request), me)
        if membership.left:
            return me
    return signed_in(request).id or ""


def _proof(request: Request, me: str) -> str:
    """Whose form it is, bound to the session's token: it outlives the session, but not the cookie."""
    portal = portal_of(request)
    return portal.keys.keyed_hash("leaving", f"{me}:{portal.cookie.read(request)}")


@router.get("/done")
async def done(request: Request) -> Response:
    """It says that it is done, and not what: whoever looks over the shoulder, or at the history, learns nothing."""
    return pages_of(request).render(request, "left.html")
