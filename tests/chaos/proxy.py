"""A TCP proxy between each process and the broker, which does to their connections what networks do.

One thread, one loop. A *line* is the way of one process: it listens on a port of its own and carries any number
of connections (*wires*). What the line is told holds for those that are open and for those that come. Little is
read ahead of what was passed on, so that a line which stands still pushes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from services.local.ports import LOOPBACK
from tests.chaos.wire import WAYS, Cut, Loss, Side, Way, Weather, Wire

T = TypeVar("T")


class Line:
    """The way of one process to the broker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstream: Sequence[tuple[str, int]],
        *,
        amqp: bool = True,
        heartbeat: int | None = None,
    ) -> None:
        self.weather = Weather()
        self.amqp = amqp
        """Whether what passes is looked into."""
        self.heartbeat = heartbeat
        """Seconds, put into the broker's offer, so that silence is noticed sooner."""
        self.port = 0
        self.opened = 0
        self.losses: list[Loss] = []
        self.cuts: list[Cut] = []
        self.passed: dict[Way, int] = dict.fromkeys(WAYS, 0)
        self.held: dict[Way, int] = dict.fromkeys(WAYS, 0)
        self.hung_up: dict[Side, int] = {"process": 0, "broker": 0}
        """How often a side ended a connection by itself, also where the other could not hear of it yet."""
        self._redelivered = 0
        self._loop = loop
        self._upstream = upstream
        self._wires: set[Wire] = set()

    # -- what is seen -------------------------------------------------------------------------

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self._wires)

    @property
    def in_hand(self) -> int:
        """Deliveries that the process got and has not acknowledged."""
        return sum(wire.hands.in_hand for wire in list(self._wires))

    @property
    def waiting(self) -> int:
        """Publishes that the broker has not confirmed."""
        return sum(wire.hands.waiting for wire in list(self._wires))

    @property
    def redelivered(self) -> int:
        """Deliveries so far that the broker said had been given out before."""
        return self._redelivered + sum(wire.hands.redelivered for wire in list(self._wires))

    def lost_since(self, moment: float) -> list[Loss]:
        """Connections that ended since then (time.monotonic)."""
        return [loss for loss in list(self.losses) if loss.at >= moment]

    # -- what is done -------------------------------------------------------------------------

    def heal(self) -> None:
        """Nothing is done to it any more."""
        self.weather = Weather()

    def cut(self, *, reset: bool = True) -> int:
        """End every open connection now; how many there were."""
        wires = list(self._wires)
        for wire in wires:
            self._loop.call_soon_threadsafe(partial(wire.end, "us", reset=reset))
        return len(wires)

    # -- for the loop -------------------------------------------------------------------------

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A process connects."""
        try:
            upstream_reader, upstream_writer = await self._connect()
        except OSError:
            writer.close()
            return
        wire = Wire(self, writer, upstream_writer)
        self._wires.add(wire)
        self.opened += 1
        await asyncio.gather(wire.carry("to broker", reader), wire.carry("to process", upstream_reader))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A node that answers, by chance, as the processes choose theirs (shared.messaging.nodes)."""
        *others, last = random.sample(self._upstream, len(self._upstream))
        for host, port in others:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port)
        return await asyncio.open_connection(*last)

    def ended(self, wire: Wire, by: Side) -> None:
        """Keep what was in whose hands when this connection ended."""
        hands = wire.hands
        self.losses.append(Loss(time.monotonic(), by, hands.in_hand, hands.waiting))
        self._redelivered += hands.redelivered
        self._wires.discard(wire)


class Proxy:
    """All lines of one network. A context manager."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def line(
        self, name: str, upstream: Sequence[tuple[str, int]], *, amqp: bool = True, heartbeat: int | None = None
    ) -> Line:
        """A new line, listening on a free port of loopback."""
        line = self.lines[name] = Line(self._loop, upstream, amqp=amqp, heartbeat=heartbeat)
        self._run(self._listen(line))
        return line

    def heal(self) -> None:
        """All lines are as good as new."""
        for line in self.lines.values():
            line.heal()

    async def _listen(self, line: Line) -> None:
        server = await asyncio.start_server(line.answer, LOOPBACK, 0)
        line.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for line in self.lines.values():
            line.heal()
            line.cut()
        await asyncio.sleep(0.1)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)
