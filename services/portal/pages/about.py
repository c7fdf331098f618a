"""Help right now, and how privacy is kept."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from services.portal.help_lines import help_lines
from services.portal.parts import know, portal_of
from shared.gateway.web import pages_of

router = APIRouter(dependencies=[Depends(know)])


@router.get("/help")
async def help_now(request: Request) -> Response:
    """Who answers when things are hard."""
    portal = portal_of(request)
    countries = help_lines(portal.settings.country, portal.clock.now().date())
    return pages_of(request).render(request, "help.html", countries=countries)


@router.get("/privacy")
async def privacy(request: Request) -> Response:
    """What is kept, who sees it, and what the button at the top does and does not do."""
    return pages_of(request).render(request, "privacy.html")
