"""The driver's own line to the broker: a client for each gateway whose keys it speaks with, on one loop in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from shared.contracts.base import Actor, Command, Query, Sealed, View
from shared.gateway.client import Client
from shared.runtime.keys import load_keys

T = TypeVar("T")
V = TypeVar("V", bound=View)
Signer = Literal["operator", "admin", "portal"]
SIGNERS: tuple[Signer, ...] = ("operator", "admin", "portal")


class Bridge:
    """Commands and queries for code that is not asyncio. A context manager; may be used by many threads."""

    def __init__(self, url: str, keys: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bridge", daemon=True)
        self._clients = {signer: Client(url, load_keys(keys, signer)) for signer in SIGNERS}

    def __enter__(self) -> Self:
        self._thread.start()
        for client in self._clients.values():
            self._run(client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            self._run(client.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, signer: Signer, command: Command[V], actor: Actor, request_id: str) -> V:
        """Ask for a change. Raises refusals, Fault, Unreachable."""
        return self._run(self._clients[signer].send(command, actor, request_id=request_id))

    def ask(self, signer: Signer, query: Query[V], actor: Actor) -> V:
        """Ask for a view. Raises refusals, Fault, Unreachable."""
        return self._run(self._clients[signer].ask(query, actor))

    def seal(self, service: str, text: str) -> Sealed:
        """Seal to a service what a person typed."""
        return self._clients["portal"].seal_for(service, text)

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()
