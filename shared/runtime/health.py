"""/livez, /readyz and /metrics as a WSGI page, for the processes that have no web server of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Start = Callable[[str, list[tuple[str, str]]], Any]


def application(ready: Callable[[], Mapping[str, bool | str]]) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """The page. ``ready`` gives what must hold for the process to take work, with False or a sentence where it does not.

    /readyz is 503 unless all of it holds.
    """

    def page(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/livez":
            return _answer(start, "200 OK", b'{"alive": true}')
        if path == "/readyz":
            state = ready()
            status = "200 OK" if all(value is True for value in state.values()) else "503 Service Unavailable"
            return _answer(start, status, json.dumps(state).encode())
        if path == "/metrics":
            return _answer(start, "200 OK", generate_latest(), CONTENT_TYPE_LATEST)
        return _answer(start, "404 Not Found", b'{"see": ["/livez", "/readyz", "/metrics"]}')

    return page


def _answer(start: Start, status: str, body: bytes, kind: str = "application/json") -> Iterable[bytes]:
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
    return [body]
