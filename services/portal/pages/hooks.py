"""The SMS provider's call-backs: delivery reports and inbound texts.

What came is handed on as it came, sealed: the service that holds the provider's secret checks the signature, over the
public address exactly as the provider called it.
"""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Request, Response

from services.portal.parts import portal_of
from shared.contracts.base import Actor, Role
from shared.contracts.errors import Refused
from shared.contracts.notifications import BadSignature, ReceiveCallback
from shared.gateway.web import asking_of, from_elsewhere
from shared.runtime.ids import new_id

router = APIRouter(prefix="/hooks")

PROVIDER = Actor(role=Role.PROVIDER)


async def _hand_on(request: Request, what: Literal["status", "inbound"]) -> Response:
    asking = asking_of(request)
    pairs = [[name, value] for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    query = f"?{request.url.query}" if request.url.query else ""
    try:
        answer = await asking.send(
            ReceiveCallback(
                what=what,
                url=f"{portal_of(request).settings.portal_url}{request.url.path}{query}",
                form=asking.seal_for("notifications", json.dumps(pairs)),
                signature=request.headers.get("x-twilio-signature", ""),
            ),
            PROVIDER,
            request_id=new_id(),
        )
    except BadSignature:
        return Response("not signed by the provider\n", status_code=403, media_type="text/plain")
    except Refused as refused:
        return Response(f"{refused.message}\n", status_code=400, media_type="text/plain")
    if not answer.body:
        return Response(status_code=204)
    return Response(answer.body, media_type="text/xml")


@router.post("/sms/status")
@from_elsewhere
async def status(request: Request) -> Response:
    """A delivery report."""
    return await _hand_on(request, "status")


@router.post("/sms/inbound")
@from_elsewhere
async def inbound(request: Request) -> Response:
    """A text that someone sent us."""
    return await _hand_on(request, "inbound")
