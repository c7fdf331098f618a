"""What the curious and the careless send: values for every field, and bodies that are no form at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from shared.gateway.forms import Fields

VALUES = (
    "", "\0", "x" * 20_000, "\u202egnp.exe", "-1", "9" * 400, "NaN", "2026-02-30", "9999-12-31", "0001-01-01",
    "23:59:59+25:00", "<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd",
)  # fmt: skip
BODIES = (
    (b"csrf=%FF%FE&day=%ED%A0%80", "application/x-www-form-urlencoded"),
    (b"&&&===;;;%", "application/x-www-form-urlencoded"),
    (b"a=1&" * 3000, "application/x-www-form-urlencoded"),
    (b'{"csrf": {"$ne": null}}', "application/json"),
    (b"\xff\xfec\0s\0r\0f\0", "application/x-www-form-urlencoded; charset=utf-16"),
    (b"--x\r\nno header", "multipart/form-data; boundary=x"),
    (b"csrf=1", "multipart/form-data"),
    (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "text/xml"),
)
SEGMENTS = ("%00", "..%2f..%2fetc%2fpasswd", "a" * 3000, "%F0%9F%92%A3", "%FF", "-1", "new", "%3Cscript%3E")


def leaves(routes: Any) -> Iterator[APIRoute]:
    """The routes of an app, also those within included routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
            yield from leaves(inner or [])


def routes_of(client: TestClient, method: str) -> list[str]:
    """The paths that answer to this method, but for streams that do not end."""
    found = {route.path for route in leaves(client.app.routes) if method in route.methods}  # type: ignore[attr-defined]
    return sorted(path for path in found if not path.endswith("/live"))


def fields() -> list[str]:
    """Every field of every form."""
    kinds = list(Fields.__subclasses__())
    for kind in kinds:
        kinds += kind.__subclasses__()
    return sorted({name for kind in kinds for name in kind.model_fields})


def token_on(client: TestClient, path: str) -> str:
    """The token of the first form on this page."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found, path
    return found[1]


def broken(client: TestClient, ids: dict[str, str], token: str) -> Iterator[str]:
    """Send all of it everywhere, signing out last; what was answered with a fault, an echo, or a way to elsewhere."""
    names = fields()
    for path in routes_of(client, "GET"):
        for segment in SEGMENTS:
            url = (
                _filled(path, dict.fromkeys(ids, segment))
                + f"?next={segment}&day={segment}&after={segment}&told={segment}"
            )
            yield from _wrong(client.get(url, follow_redirects=False), f"GET {path} {segment[:20]}")
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            yield from _wrong(client.request(method, _filled(path, ids)), f"{method} {path}")
    for path in routes_of(client, "POST"):
        url = _filled(path, ids)
        for value in VALUES:
            yield from _wrong(client.post(url, data={**dict.fromkeys(names, value), "csrf": token}, follow_redirects=False), f"POST {path} {value[:20]!r}")  # fmt: skip
        for body, kind in BODIES:
            yield from _wrong(client.post(url, content=body, headers={"Content-Type": kind}), f"POST {path} {body[:20]!r}")  # fmt: skip


def _filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: ids.get(found[1], "x"), path)


def _wrong(answer: Any, what: str) -> Iterator[str]:
    if answer.status_code >= 500:
        yield f"{what}: {answer.status_code}"
    if "<script>alert(1)" in answer.text:
        yield f"{what}: echoes a script"
    if answer.headers.get("content-security-policy") is None and answer.status_code != 304:
        yield f"{what}: without the headers"
    place = answer.headers.get("location", "")
    if (place and not place.startswith("/")) or place.startswith("//"):
        yield f"{what}: leads to {place[:60]}"
