"""The addresses of both apps, read from their route tables."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from fastapi.routing import APIRoute

import services.admin.pages
import services.portal.pages

NO_PAGES = {
    "/meetings/{meeting_id}/seats": "a part of the meeting's page",
    "/meetings/{meeting_id}/live": "an event stream",
    "/my/meetings/{meeting_id}/calendar.ics": "a calendar file",
}
"""What answers to GET and is no page, besides the feeds. The rest are pages, and each is visited."""


def of(package: ModuleType) -> list[str]:
    """The GET routes of an app's pages that a person can open."""
    found: set[str] = set()
    for each in pkgutil.iter_modules(package.__path__):
        router = getattr(importlib.import_module(f"{package.__name__}.{each.name}"), "router", None)
        routes = router.routes if router is not None else []
        found |= {route.path for route in routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
    return sorted(path for path in found - NO_PAGES.keys() if not path.startswith("/feeds/"))


ADMIN = of(services.admin.pages)
PORTAL = of(services.portal.pages)
