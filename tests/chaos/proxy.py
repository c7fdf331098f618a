"""A TCP proxy between each process and the broker, which does to their connections what networks do.

One thread, one loop. A *line* is the way of one process: it listens on a port of its own and carries any number
of connections (*wires*). What the line is told holds for those that are open and for those that come. Little is
read ahead of what was passed on, so that a line which stands still pushes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from services.local.ports import LOOPBACK
from tests.chaos.amqp import TUNE, Frames, Hands, Middle, with_heartbeat

T = TypeVar("T")
Way = Literal["to broker", "to process"]
Side = Literal["process", "broker", "us"]
WAYS: tuple[Way, Way] = ("to broker", "to process")
PIECE = 65536
TRICKLE = 0.05
"""Seconds between the drops of a line that trickles."""
HELD_AT_MOST = 1024 * 1024
"""Bytes that a line which is shut takes before it pushes back."""
LOOK_AGAIN = 0.02
"""Seconds between looks whether a line that stands still may go on."""


@dataclass(frozen=True)
class Loss:
    """One connection that ended."""

    at: float  # time.monotonic
    by: Side
    in_hand: int
    """Deliveries that were not acknowledged."""
    waiting: int
    """Publishes that were not confirmed."""


@dataclass(frozen=True)
class Cut:
    """A frame that was cut in the middle."""

    way: Way
    passed: int
    of: int


@dataclass
class Weather:
    """What is done to a line. The default does nothing."""

    shut: frozenset[Way] = frozenset()
    """Nothing passes this way; both sides believe that they are connected."""
    delay: float = 0.0
    """Seconds that each piece waits, either way."""
    rate: float = 0.0
    """Bytes a second at most, either way; 0: as they come."""
    cut_in_frame: Way | None = None
    """The next frame this way is cut in the middle, and its connection with it. Done once."""


class Wire:
    """One connection, in both directions."""

    def __init__(self, line: Line, process: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.hands = Hands()
        self._line = line
        self._ended = False
        self._writers: dict[Way, asyncio.StreamWriter] = {"to broker": broker, "to process": process}
        self._frames: dict[Way, Frames] = {"to broker": Frames(preamble=8), "to process": Frames()}
        self._opening = Frames()
        self._tuned = line.heartbeat is None

    async def carry(self, way: Way, source: asyncio.StreamReader) -> None:
        """Pass on what comes, as the weather allows; ends when either side does."""
        by: Side = "process" if way == "to broker" else "broker"
        hung_up = False
        while not hung_up and not self._ended:
            data = await self._read(way, source)
            if data and self._line.weather.delay:
                await asyncio.sleep(self._line.weather.delay)
            hung_up = not data
            while self._shut(way):
                data, hung_up = await self._hold(way, data, source, hung_up=hung_up)
            self._line.held[way] -= len(data)
            with contextlib.suppress(OSError):  # the other side is gone, which its own direction finds
                if data and await self._pass(way, data):
                    by, hung_up = "us", True
        self.end(by)

    def _shut(self, way: Way) -> bool:
        return way in self._line.weather.shut and not self._ended

    async def _read(self, way: Way, source: asyncio.StreamReader) -> bytes:
        """What comes next; nothing where that side has hung up, which is counted."""
        data = b""
        with contextlib.suppress(OSError):
            data = await source.read(PIECE)
        self._line.held[way] += len(data)
        if not data and not self._ended:
            self._line.hung_up["process" if way == "to broker" else "broker"] += 1
        return data

    async def _hold(self, way: Way, data: bytes, source: asyncio.StreamReader, *, hung_up: bool) -> tuple[bytes, bool]:
        """For a moment, keep what came, and listen for more, so that a hanging up is seen: it does not pass either."""
        if hung_up or len(data) > HELD_AT_MOST:
            await asyncio.sleep(LOOK_AGAIN)
            return data, hung_up
        try:
            async with asyncio.timeout(LOOK_AGAIN):
                more = await self._read(way, source)
        except TimeoutError:
            return data, False
        return data + more, not more

    async def _pass(self, way: Way, data: bytes) -> bool:
        """Pass on this piece; True when it was cut, and the connection is to end with it."""
        middle: Middle | None = None
        if way == "to process" and not self._tuned:
            data = self._tune(data)
        elif self._line.weather.cut_in_frame == way and (middle := self._frames[way].middle(data)):
            self._line.weather.cut_in_frame = None
            data = data[: middle.upto]
        self._look(way, data)
        writer = self._writers[way]
        for piece in self._pieces(data):
            self._line.passed[way] += len(piece)
            writer.write(piece)
            await writer.drain()
            if len(piece) < len(data):
                await asyncio.sleep(TRICKLE)
        if middle is None:
            return False
        self._line.cuts.append(Cut(way, middle.passed, middle.of))
        await asyncio.sleep(0.05)  # so that the half is read before the end is heard of
        return True

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """All at once, or, while the line trickles, a little at a time."""
        at = 0
        while at < len(data):
            rate = self._line.weather.rate
            size = max(1, int(rate * TRICKLE)) if rate else len(data) - at
            yield data[at : at + size]
            at += size

    def _look(self, way: Way, data: bytes) -> None:
        if not self._line.amqp:
            return
        hear = self.hands.client_says if way == "to broker" else self.hands.broker_says
        for frame in self._frames[way].feed(data):
            hear(frame)

    def _tune(self, data: bytes) -> bytes:
        """During the handshake whole frames are passed, the broker's offer with a quicker heart."""
        said = b""
        for frame in self._opening.feed(data):
            if frame.method == TUNE:
                self._tuned = True
                said += with_heartbeat(frame, self._line.heartbeat or 0).whole()
            else:
                said += frame.whole()
        return said + (self._opening.rest() if self._tuned else b"")

    def end(self, by: Side, *, reset: bool = False) -> None:
        """Close both sides. ``reset``: as a router does that forgot us, not as a program does that leaves."""
        if self._ended:
            return
        self._ended = True
        self._line.ended(self, by)
        for writer in self._writers.values():
            if reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()


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
        """The first node that answers."""
        for host, port in self._upstream[:-1]:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port)
        return await asyncio.open_connection(*self._upstream[-1])

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
