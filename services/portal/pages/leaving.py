"""Leaving for good: what will happen, one button, and a page that says that it is done."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from services.portal.parts import forget_member, know, signed_in, to
from shared.contracts.registration import Leave
from shared.gateway.forms import sent_request_id
from shared.gateway.web import asking_of, pages_of

router = APIRouter(dependencies=[Depends(know)])


@router.get("/my/leave")
async def may_leave(request: Request) -> Response:
    """Say what is erased and what stays, before it is done."""
    signed_in(request)
    return pages_of(request).render(request, "leave.html")


@router.post("/my/leave")
async def leave(request: Request) -> Response:
    """Leave. While no answer has come they stay signed in: the same form can be sent again, and it is done once."""
    actor = signed_in(request)
    await asking_of(request).send(Leave(), actor, request_id=await sent_request_id(request))
    return await forget_member(request, to("/done"), actor.id or "")


@router.get("/done")
async def done(request: Request) -> Response:
    """It says that it is done, and not what: whoever looks over the shoulder, or at the history, learns nothing."""
    return pages_of(request).render(request, "left.html")
