"""One connection through the proxy, in both directions, and what can be done to it and seen of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.chaos.amqp import TUNE, Frames, Hands, Middle, with_heartbeat

if TYPE_CHECKING:
    from tests.chaos.proxy import Line

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
