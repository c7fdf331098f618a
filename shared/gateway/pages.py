"""Rendering: Jinja2 with autoescape, the site's own templates first, then the shared ones (``gateway/…``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from shared.gateway.assets import Assets
from shared.gateway.forgery import Forgery
from shared.gateway.wording import filters
from shared.runtime.ids import new_id

SHARED = Path(__file__).parent / "templates"


class Pages:
    """Renders the pages of one site."""

    def __init__(
        self, *, templates: Path, assets: Assets, forgery: Forgery, title: str, layout: str, locale: str
    ) -> None:
        self._forgery = forgery
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(SHARED)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(filters(locale))
        self.environment.globals.update(asset=assets.url, site_title=title, site_layout=layout, new_id=new_id)

    def text(self, request: Request, template: str, **context: Any) -> str:
        """A template as text. Every template has ``request``, ``csrf()``, ``asset(name)``, ``new_id()``, ``who``."""
        context.setdefault("who", getattr(request.state, "who", None))
        return self.environment.get_template(template).render(
            request=request, csrf=lambda: self._forgery.token(request), **context
        )

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A page, or a fragment of one."""
        return HTMLResponse(self.text(request, template, **context), status_code=status, headers=headers)


def pages_of(request: Request) -> Pages:
    """The pages of the site that this request came to."""
    found: Pages = request.app.state.pages
    return found


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of a page that is already open."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


def go(request: Request, url: str) -> Response:
    """Go on to another page after a form was done (303), also where htmx sent it."""
    if wants_fragment(request):
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)
