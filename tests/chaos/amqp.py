"""What can be seen of AMQP 0-9-1 from the middle of a connection: frames, and what is in whose hands.

Only what the faults ask for: deliveries that were not acknowledged, publishes that were not confirmed, deliveries
that came again, and the one field of the handshake that says how often a heart beats.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

HEADER = 7
METHOD = 1
CONSUMER = b"batches"
"""The tag by which a service's consumer is known (shared.messaging.consumer.TAG, which brings eventlet with it)."""
LEAST_FRAME = 24
"""Bytes. Half of a heartbeat tells nobody anything."""
TUNE, CONFIRM, PUBLISH, DELIVER, ACK, REJECT, NACK = (
    (10, 30),
    (85, 10),
    (60, 40),
    (60, 60),
    (60, 80),
    (60, 90),
    (60, 120),
)


@dataclass(frozen=True)
class Frame:
    """One whole frame: where it begins in all that was fed, and what is in it."""

    kind: int
    channel: int
    payload: bytes

    @property
    def method(self) -> tuple[int, int]:
        """Class and method; (0, 0) for what is none."""
        if self.kind != METHOD:
            return 0, 0
        number: tuple[int, int] = struct.unpack_from(">HH", self.payload)
        return number

    def whole(self) -> bytes:
        """The frame as it goes over the wire."""
        return struct.pack(">BHI", self.kind, self.channel, len(self.payload)) + self.payload + b"\xce"


class Middle(NamedTuple):
    """The middle of a frame: bytes of the piece up to it, bytes of the frame up to it, bytes of the frame."""

    upto: int
    passed: int
    of: int


class Frames:
    """Cuts a stream into frames. What is not whole yet is kept."""

    def __init__(self, *, preamble: int = 0) -> None:
        self._skip = preamble  # "AMQP" and the version, which a client says first
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip, data = self._skip - skipped, data[skipped:]
        self._rest += data
        while len(self._rest) >= HEADER:
            kind, channel, size = struct.unpack_from(">BHI", self._rest)
            end = HEADER + size + 1
            if len(self._rest) < end:
                return
            frame = Frame(kind, channel, bytes(self._rest[HEADER : end - 1]))
            del self._rest[:end]
            yield frame

    def rest(self) -> bytes:
        """What has come of a frame that is not whole yet."""
        return bytes(self._rest)

    def middle(self, data: bytes) -> Middle | None:
        """Where this piece, which comes next, holds the middle of a frame that is worth cutting."""
        if self._skip:
            return None
        together, at = self._rest + data, 0
        while len(together) >= at + HEADER:
            whole = HEADER + int(struct.unpack_from(">I", together, at + 3)[0]) + 1
            cut = at + whole // 2
            if whole >= LEAST_FRAME and len(self._rest) < cut <= len(together):
                return Middle(cut - len(self._rest), whole // 2, whole)
            at += whole
        return None


def with_heartbeat(frame: Frame, seconds: int) -> Frame:
    """The broker's offer (connection.tune), with so many seconds as the heart's beat. A client takes the smaller."""
    return Frame(frame.kind, frame.channel, frame.payload[:-2] + struct.pack(">H", seconds))


@dataclass
class Hands:
    """What is on its way over one connection, seen from between. Nothing is asked of either side."""

    unacked: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By channel, the deliveries of a service's consumers that were not acknowledged."""
    unconfirmed: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By channel, the publishes that the broker has not confirmed."""
    redelivered: int = 0
    _published: dict[int, int] = field(default_factory=dict)

    @property
    def in_hand(self) -> int:
        """Deliveries that were not acknowledged."""
        return sum(map(len, list(self.unacked.values())))

    @property
    def waiting(self) -> int:
        """Publishes that were not confirmed."""
        return sum(map(len, list(self.unconfirmed.values())))

    def client_says(self, frame: Frame) -> None:
        """A frame from the process to the broker."""
        method, channel = frame.method, frame.channel
        if method == CONFIRM:
            self._published[channel] = 0
        elif method == PUBLISH and channel in self._published:
            self._published[channel] += 1
            self.unconfirmed[channel].add(self._published[channel])
        elif method in (ACK, NACK):
            _settle(self.unacked[channel], frame)
        elif method == REJECT:
            self.unacked[channel].discard(_tag(frame)[0])

    def broker_says(self, frame: Frame) -> None:
        """A frame from the broker to the process."""
        if frame.method == DELIVER:
            self._deliver(frame)
        elif frame.method in (ACK, NACK):
            _settle(self.unconfirmed[frame.channel], frame)

    def _deliver(self, frame: Frame) -> None:
        length = frame.payload[4]
        if frame.payload[5 : 5 + length] != CONSUMER:
            return  # replies and live pages are not acknowledged
        tag, again = struct.unpack_from(">QB", frame.payload, 5 + length)
        self.unacked[frame.channel].add(tag)
        self.redelivered += again & 1


def _tag(frame: Frame) -> tuple[int, bool]:
    tag, bits = struct.unpack_from(">QB", frame.payload, 4)
    return tag, bool(bits & 1)


def _settle(waiting: set[int], frame: Frame) -> None:
    tag, several = _tag(frame)
    waiting -= {each for each in waiting if not tag or each <= tag} if several else {tag}
