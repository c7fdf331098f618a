"""Who may open what, from the route table: a route that this table does not know fails the test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from shared.contracts.base import Role
from tests.component.admin.scene import NORTH, SOUTH, THERE, Browser

ANYONE = {
    "/livez", "/readyz", "/metrics", "/robots.txt", "/static/{name:path}", "/sign-in", "/sign-out",
    "/invitation/{token}",
}  # fmt: skip
ON_THE_WAY = {"/second-factor", "/sign-in/code"}
SIGNED_IN = {
    "/", "/account", "/account/sessions/end-others", "/account/sessions/{session_id}/end", "/account/password",
    "/account/recovery-codes", "/windows", "/windows/{window_id}/report",
}  # fmt: skip
IDS = {
    "chapter_id": SOUTH,
    "meeting_id": THERE,
    "revision": "2",
    "what": "online",
    "import_id": "import-1",
    "window_id": "window-closed",
    "session_id": "session-1",
    "token": "token",
}


def kind_of(path: str) -> str:
    """Whom a path is for."""
    for kind, paths in {"anyone": ANYONE, "on_the_way": ON_THE_WAY, "signed_in": SIGNED_IN}.items():
        if path in paths:
            return kind
    for kind, part in {"regional": "/region", "chapter": "{chapter_id}", "meeting": "{meeting_id}"}.items():
        if part in path:
            return kind
    if path == "/meetings":
        return "coordinator"
    raise AssertionError(f"say in tests/component/admin/test_roles.py who may open {path}")


def leaves(routes: Any) -> Iterator[APIRoute]:
    """The routes, also those within included routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            yield from leaves(inner or [])


def table(client: TestClient) -> list[tuple[str, str, str]]:
    """(kind, method, path) of every route."""
    found = [
        (kind_of(route.path), method, route.path)
        for route in leaves(client.app.routes)  # type: ignore[attr-defined]
        for method in sorted(route.methods & {"GET", "POST"})
    ]
    assert len(found) > 40
    return found


def call(browser: Browser, method: str, path: str) -> int:
    """The status of a call with somebody else's ids, and a good token."""
    url = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: IDS.get(found[1], "x"), path)
    token = re.search(r'name="csrf" value="([^"]+)"', browser.client.get("/sign-in").text)
    assert token
    data = {"csrf": token[1]} if method == "POST" else None
    return browser.client.request(method, url, data=data, follow_redirects=False).status_code


def test_nobody_gets_in_without_signing_in(browser: Browser) -> None:
    """Every page but those of signing in leads to signing in."""
    for kind, method, path in table(browser.client):
        if kind != "anyone":
            assert call(browser, method, path) == 303, (method, path)
    assert not browser.asking.asked
    assert not browser.asking.sent


def test_half_way_in_is_not_in(browser: Browser) -> None:
    """A password without its code opens nothing."""
    account_id = browser.sign_in()
    sessions = browser.client.app.state.sessions  # type: ignore[attr-defined]
    browser.client.cookies.set("session-admin", sessions.begin(account_id, stage="password"))
    for kind, method, path in table(browser.client):
        if kind not in ("anyone", "on_the_way"):
            assert call(browser, method, path) == 303, (method, path)
    assert not browser.asking.sent


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.REGIONAL])
def test_what_is_not_ones_own_is_not_found(browser: Browser, role: Role) -> None:
    """A coordinator finds no other chapter and no regional page; regional staff find no person's page."""
    browser.sign_in(role)
    closed = {"regional"} if role is Role.COORDINATOR else {"coordinator"}
    for kind, method, path in table(browser.client):
        if kind in ("chapter", "meeting") or kind in closed:
            assert call(browser, method, path) == 404, (method, path)
    assert not browser.asking.sent


def test_a_form_without_its_token_does_nothing(browser: Browser) -> None:
    """On every route that changes something, also one's own."""
    browser.sign_in(Role.COORDINATOR, NORTH, SOUTH)
    for _, method, path in table(browser.client):
        if method == "POST":
            url = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: IDS.get(found[1], "x"), path)
            assert browser.client.post(url, follow_redirects=False).status_code == 403, path
    assert not browser.asking.sent
