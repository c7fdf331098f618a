"""Live pages: one follower of the event stream a process, and a word to whoever looks at what changed.

The stream to the browser carries nothing but the word "changed": the page then asks again for its fragment, under
the rights of who looks. It may miss and repeat; a page stays right because it also asks every now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import structlog
from fastapi import Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from shared.contracts.base import Event
from shared.gateway.asking import Asking

log = structlog.get_logger()

GATHER_SECONDS = 0.3
"""Changes within this time are told of once: forty people joining are not forty fetches."""
AGAIN_SECONDS = 1.0
LONGEST_SECONDS = 3600.0
"""A stream ends after an hour; the browser opens it again, and is asked again who it is."""


def topics_of(event: Event) -> Iterator[str]:
    """What a page may watch: one meeting, one chapter, one feedback window."""
    for kind in ("meeting", "chapter", "window"):
        value = getattr(event, f"{kind}_id", None)
        if value is not None:
            yield f"{kind}:{value}"


class Live:
    """Fans the event stream out to the open pages of this process."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, asking: Asking) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow(asking), name="live")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self, asking: Asking) -> None:
        while True:
            try:
                async for _, event in asking.follow():
                    for topic in topics_of(event):
                        self.tell(topic)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, pages shall live on
                log.warning("live_stream_lost", kind=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            for topic in list(self._watchers):
                self.tell(topic)  # something may have been missed

    def tell(self, topic: str) -> None:
        """Say that something about this topic changed."""
        for watcher in self._watchers.get(topic, ()):
            watcher.set()

    @contextmanager
    def watching(self, *topics: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of these topics changes."""
        watcher = asyncio.Event()
        for topic in topics:
            self._watchers.setdefault(topic, set()).add(watcher)
        try:
            yield watcher
        finally:
            for topic in topics:
                self._watchers[topic].discard(watcher)
                if not self._watchers[topic]:
                    del self._watchers[topic]

    async def changes(self, *topics: str) -> AsyncIterator[ServerSentEvent]:
        """The word "changed", gathered, for an hour."""
        ends = asyncio.get_running_loop().time() + LONGEST_SECONDS
        with self.watching(*topics) as watcher:
            while (left := ends - asyncio.get_running_loop().time()) > 0:
                try:
                    await asyncio.wait_for(watcher.wait(), left)
                except TimeoutError:
                    return
                await asyncio.sleep(GATHER_SECONDS)
                watcher.clear()
                yield ServerSentEvent(event="changed", data="")

    def stream(self, request: Request, *topics: str) -> Response:
        """The response of a page's stream. Check before who may watch these topics."""
        return EventSourceResponse(
            self.changes(*topics), ping=15, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
