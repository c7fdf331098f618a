"""The frames that carry events, read and written in bulk (AMQP 0-9-1, sections 2.3.5 and 4.2).

py-amqp reads a delivery in nine calls and packs a publish in twenty, and a service does both for every event.
Here a delivery is cut out of what the socket gave, and an event's frames are joined from parts that are made
once. Whatever is not of the ordinary shape is left to py-amqp, which knows the whole protocol.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from struct import Struct
from struct import error as TooShort  # noqa: N812 - what it means here
from typing import Any

from amqp.exceptions import UnexpectedFrame
from amqp.serialization import PROPERTY_CLASSES

METHOD, HEADER, BODY, END = 1, 2, 3, 0xCE
BASIC = 60
PUBLISH, DELIVER, ACK = 40, 60, 80
READ = 256 * 1024

_FRAME = Struct(">BHI")
_METHOD = Struct(">BHIHH")
_CONTENT = Struct(">BHIHHQ")
_TAG = Struct(">QB")

CONTENT_TYPE, CONTENT_ENCODING, HEADERS, DELIVERY_MODE, MESSAGE_ID, TYPE = 0x8000, 0x4000, 0x2000, 0x1000, 0x80, 0x20
"""Property flags of a content header."""


def _legible(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
    """The properties of a message; none where they cannot be read.

    RabbitMQ passes on what py-amqp raises at in various ways: a header's time past the year 9999, a text that is no
    UTF-8, a table a thousand deep. Whoever may publish could end every process with it, one after the other; so the
    body alone says what becomes of such a message.
    """
    try:
        properties, end = _AS_SENT(raw, at)
    except Exception:  # noqa: BLE001 - whatever it was, it is the sender's
        return {}, len(raw)
    return properties, end


_AS_SENT = PROPERTY_CLASSES[BASIC]
PROPERTY_CLASSES[BASIC] = _legible  # for what py-amqp reads itself, too


class Arrived:
    """A delivery. Shows what py-amqp's Message shows of one; the properties are read when somebody asks."""

    __slots__ = ("_properties", "_raw", "body", "delivery_tag", "redelivered")

    def __init__(self, body: bytes, delivery_tag: int, redelivered: bool, raw: bytes) -> None:  # noqa: FBT001
        self.body = body
        self.delivery_tag = delivery_tag
        self.redelivered = redelivered
        self._raw = raw
        self._properties: dict[str, Any] | None = None

    @property
    def delivery_info(self) -> dict[str, Any]:
        """The tag to acknowledge, and whether the broker gave it out before."""
        return {"delivery_tag": self.delivery_tag, "redelivered": self.redelivered}

    @property
    def properties(self) -> dict[str, Any]:
        """By py-amqp's names, such as ``message_id``."""
        if self._properties is None:
            self._properties, _ = _legible(self._raw, 0)
        return self._properties

    @property
    def headers(self) -> dict[str, Any]:
        """The headers table; most events have an empty one or none."""
        return self.properties.get("application_headers", {}) if self._has_headers() else {}

    def _has_headers(self) -> bool:
        raw, at = self._raw, 2
        flags = raw[0] << 8 | raw[1]
        if not flags & HEADERS:
            return False
        for before in (CONTENT_TYPE, CONTENT_ENCODING):
            if flags & before:
                at += 1 + raw[at]
        return raw[at : at + 4] != b"\0\0\0\0"


def delivery_at(data: bytes, at: int) -> tuple[str, Arrived, int] | None:
    """The delivery whose first frame begins here: its consumer's tag, itself, and where it ends.

    None where it has not come whole, or is another frame, or more or fewer than three.
    """
    try:
        kind, channel, size, group, method = _METHOD.unpack_from(data, at)
        if (kind, group, method) != (METHOD, BASIC, DELIVER):
            return None
        header = at + 8 + size
        tag_end = at + 12 + data[at + 11]
        delivery_tag, redelivered = _TAG.unpack_from(data, tag_end)
        header_kind, header_channel, size, _, _, length = _CONTENT.unpack_from(data, header)
        body = header + 8 + size
        body_kind, body_channel, size = _FRAME.unpack_from(data, body)
        end = body + 8 + length
        shape = header_kind, body_kind, size, header_channel, body_channel
        if shape != (HEADER, BODY, length, channel, channel):
            return None
        if not data[header - 1] == data[body - 1] == data[end - 1] == END:
            return None
    except (TooShort, IndexError):
        return None
    arrived = Arrived(data[body + 7 : end - 1], delivery_tag, bool(redelivered & 1), data[header + 19 : body - 1])
    return data[at + 12 : tag_end].decode(), arrived, end


class Inflow:
    """What a py-amqp transport's socket gave and nobody took yet. py-amqp itself reads from it too, frame by frame."""

    def __init__(self, transport: Any) -> None:
        self.reads = 0
        self._transport = transport
        self._data, self._at = b"", 0
        transport._read = self.exactly  # noqa: SLF001

    def exactly(self, count: int, initial: bool = False) -> bytes:  # noqa: FBT001, FBT002 - py-amqp's signature
        """So many bytes, or the socket's exception with nothing lost."""
        self._take_back()
        while len(self._data) - self._at < count:
            self.fill()
        self._at += count
        return self._data[self._at - count : self._at]

    def fill(self) -> None:
        """Take what the socket has, at once. Raises TimeoutError where nothing came in the socket's time."""
        try:
            taken = self._transport.sock.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError) as error:  # in mid-frame py-amqp gives back for this one only
            raise TimeoutError from error
        if not taken:
            raise OSError("the broker closed the connection")
        self.reads += 1
        self._data, self._at = self._data[self._at :] + taken, 0

    def delivery(self) -> tuple[str, Arrived] | None:
        """The next delivery and its consumer's tag; None where something else comes first."""
        self._take_back()
        found = delivery_at(self._data, self._at)
        if found is None:
            return None
        tag, arrived, self._at = found
        return tag, arrived

    def frame(self) -> tuple[int, int, bytes] | None:
        """The next frame as py-amqp's reader gives it: kind, channel, payload; None where none has come whole."""
        self._take_back()
        data, at = self._data, self._at
        if len(data) - at < 7:
            return None
        kind, channel, size = _FRAME.unpack_from(data, at)
        if len(data) - at < size + 8:
            return None
        if data[at + 7 + size] != END:
            raise UnexpectedFrame("a frame does not end where it should")
        self._at = at + 8 + size
        return kind, channel, data[at + 7 : at + 7 + size]

    def _take_back(self) -> None:
        """What py-amqp's frame reader pushed back after a time-out comes first."""
        pushed_back = self._transport._read_buffer  # noqa: SLF001
        if pushed_back:
            self._data, self._at = pushed_back + self._data[self._at :], 0
            self._transport._read_buffer = b""  # noqa: SLF001


def acknowledged(frame: tuple[int, int, bytes]) -> tuple[int, bool] | None:
    """The tag that the broker confirms with this frame, and whether all up to it; None where it is another frame."""
    kind, _, payload = frame
    if kind != METHOD or payload[:4] != _ACK:
        return None
    tag, bits = _TAG.unpack_from(payload, 4)
    return tag, bool(bits & 1)


_ACK = bytes((0, BASIC, 0, ACK))


def event_frames(  # noqa: PLR0917 - a frame has so many parts
    body: bytes, event_id: str, kind: str, exchange: str, channel: int, frame_max: int
) -> bytes:
    """What publishes an event under its type: byte for byte what py-amqp makes of ``link.event_message``."""
    properties = b"".join((_PROPERTIES, _short(event_id), _short(kind)))
    parts = [
        _publish(exchange, kind, channel),
        _CONTENT.pack(HEADER, channel, 12 + len(properties), BASIC, 0, len(body)),
        properties,
        b"\xce",
    ]
    most = frame_max - 8
    for at in range(0, len(body), most):
        piece = body if len(body) <= most else body[at : at + most]
        parts += (_FRAME.pack(BODY, channel, len(piece)), piece, b"\xce")
    return b"".join(parts)


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes((len(data),)) + data


@lru_cache(maxsize=1024)
def _publish(exchange: str, routing_key: str, channel: int) -> bytes:
    arguments = b"\0\0" + _short(exchange) + _short(routing_key) + b"\0"
    return _METHOD.pack(METHOD, channel, 4 + len(arguments), BASIC, PUBLISH) + arguments + b"\xce"


_PROPERTIES = b"".join(
    (
        (CONTENT_TYPE | HEADERS | DELIVERY_MODE | MESSAGE_ID | TYPE).to_bytes(2, "big"),
        _short("application/cloudevents+json"),
        b"\0\0\0\0",  # no headers
        b"\x02",  # persistent
    )
)
