"""Frames in bulk: what came in pieces is whole, and what we cut and join is what py-amqp would read and write."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import amqp
import pytest
from amqp.method_framing import frame_handler, frame_writer
from amqp.serialization import dumps
from amqp.transport import TCPTransport
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messaging.frames import Inflow, acknowledged, delivery_at, event_frames
from shared.messaging.link import event_message

SHORT = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
HEADER_TABLES = st.none() | st.dictionaries(SHORT.filter(bool), st.integers(0, 2**31 - 1) | SHORT, max_size=3)


class Wire:
    """What py-amqp's frame writer wrote."""

    def __init__(self, frame_max: int = 131072) -> None:
        self.written = b""
        self.write_frame = frame_writer(SimpleNamespace(frame_max=frame_max, bytes_sent=0), self)

    def write(self, data: Any) -> None:
        self.written += bytes(data)


def delivered(message: amqp.Message, tag: int = 1, *, redelivered: bool = False, frame_max: int = 131072) -> bytes:
    """A delivery as the broker sends it, by py-amqp's own writer."""
    wire = Wire(frame_max)
    wire.write_frame(1, 1, (60, 60), dumps("sLbss", ("batches", tag, redelivered, "events", "a.b.v1")), message)
    return wire.written


def read_by_amqp(data: bytes) -> list[amqp.Message]:
    """The messages that py-amqp reads from these bytes."""
    read: list[amqp.Message] = []
    handle = frame_handler(SimpleNamespace(bytes_recv=0), lambda _channel, _sig, _args, message: read.append(message))
    at = 0
    while at < len(data):
        kind, channel, size = struct.unpack_from(">BHI", data, at)
        handle((kind, channel, data[at + 7 : at + 7 + size]))
        at += 8 + size
    return read


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection."""
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def transport_on(sock: socket.socket) -> TCPTransport:
    """A py-amqp transport on an open socket, reading at large."""
    transport = TCPTransport("127.0.0.1:1")
    transport.sock = sock
    transport._setup_transport()
    transport.connected = True
    transport._read_buffer = b""
    transport.inflow = Inflow(transport)
    return transport


def frame(payload: bytes) -> bytes:
    """A body frame of channel 1."""
    return struct.pack(">BHI", 3, 1, len(payload)) + payload + b"\xce"


@pytest.mark.parametrize("timeout", [0, 0.001])
@given(
    payloads=st.lists(st.binary(max_size=60), min_size=1, max_size=5), cuts=st.lists(st.integers(1, 200), max_size=8)
)
@settings(max_examples=50, deadline=None)
def test_a_frame_that_comes_in_pieces_is_whole(timeout: float, payloads: list[bytes], cuts: list[int]) -> None:
    """Also when the reader does not wait at all, as the consumer does while it collects a batch."""
    ours, theirs = socket.socketpair()
    transport = transport_on(ours)
    stream = b"".join(frame(payload) for payload in payloads)
    places = sorted({cut for cut in cuts if cut < len(stream)} | {len(stream)})
    read, at = [], 0
    try:
        for place in places:
            theirs.sendall(stream[at:place])
            at = place
            while True:
                try:
                    with transport.having_timeout(timeout):
                        read.append(transport.read_frame()[2])
                except TimeoutError:
                    break
        assert [bytes(payload) for payload in read] == payloads
    finally:
        transport._read = None
        ours.close()
        theirs.close()


def test_a_closed_connection_is_an_error_and_no_time_out(pair: tuple[socket.socket, socket.socket]) -> None:
    """Else the reader would wait for ever."""
    ours, theirs = pair
    transport = transport_on(ours)
    theirs.close()
    with pytest.raises(OSError, match="closed"), transport.having_timeout(1):
        transport.read_frame()


@given(
    body=st.binary(min_size=1, max_size=300),
    tag=st.integers(1, 2**63),
    redelivered=st.booleans(),
    headers=HEADER_TABLES,
    texts=st.tuples(SHORT, SHORT, SHORT),
)
@settings(max_examples=200, deadline=None)
def test_a_delivery_is_read_as_py_amqp_reads_it(
    body: bytes,
    tag: int,
    redelivered: bool,  # noqa: FBT001
    headers: dict[str, Any] | None,
    texts: tuple[str, str, str],
) -> None:
    """Whatever its properties are, and whatever stands before and after it."""
    content_type, message_id, reply_to = texts
    properties = {"content_type": content_type, "message_id": message_id, "reply_to": reply_to}
    given_properties = {name: value for name, value in properties.items() if value}
    message = amqp.Message(body, delivery_mode=2, application_headers=headers, **given_properties)
    data = delivered(message, tag, redelivered=redelivered)
    [expected] = read_by_amqp(data)
    found = delivery_at(b"before" + data + b"after", 6)
    assert found is not None
    consumer, arrived, end = found
    assert (consumer, end) == ("batches", 6 + len(data))
    assert arrived.delivery_info == {"delivery_tag": tag, "redelivered": redelivered}
    assert arrived.body == bytes(expected.body)
    assert arrived.headers == (expected.headers or {})
    assert arrived.properties == expected.properties


def test_a_delivery_of_another_shape_is_left_to_py_amqp() -> None:
    """Cut short at any place, without a body, with a body in pieces, broken, or another frame altogether."""
    whole = delivered(amqp.Message(b"body", message_id="1"))
    assert all(delivery_at(whole[:cut], 0) is None for cut in range(len(whole)))
    assert delivery_at(delivered(amqp.Message(b"")), 0) is None
    assert delivery_at(delivered(amqp.Message(b"x" * 5000), frame_max=4096), 0) is None
    assert delivery_at(whole[:-1] + b"\0", 0) is None
    assert delivery_at(frame(b"payload"), 0) is None


def test_deliveries_and_other_frames_come_out_in_their_order(pair: tuple[socket.socket, socket.socket]) -> None:
    """However the socket cuts the stream, a heartbeat or a confirm between two deliveries stays between them."""
    ours, theirs = pair
    inflow = transport_on(ours).inflow
    confirm = struct.pack(">BHIHHQB", 1, 1, 13, 60, 80, 7, 1) + b"\xce"
    heartbeat = struct.pack(">BHI", 8, 0, 0) + b"\xce"
    stream = delivered(amqp.Message(b"one")) + heartbeat + confirm + delivered(amqp.Message(b"two"), 2)
    came: list[Any] = []
    for at in range(0, len(stream), 7):
        theirs.sendall(stream[at : at + 7])
        inflow.fill()
        while True:
            if delivery := inflow.delivery():
                came.append(delivery[1].body)
            elif other := inflow.frame():
                came.append(acknowledged(other) or other[0])
            else:
                break
    # cut like this no delivery is whole at once: its three frames come one by one, for py-amqp to put together
    assert came == [1, 2, 3, 8, (7, True), 1, 2, 3]
    theirs.sendall(stream)
    inflow.fill()
    assert inflow.delivery()[1].body == b"one"
    assert (inflow.delivery(), inflow.frame()[0]) == (None, 8)
    assert (inflow.delivery(), acknowledged(inflow.frame())) == (None, (7, True))
    assert inflow.delivery()[1].body == b"two"
    assert (inflow.delivery(), inflow.frame()) == (None, None)


@given(body=st.binary(max_size=9000), event_id=SHORT, kind=SHORT, frame_max=st.sampled_from([4096, 131072]))
@settings(max_examples=100, deadline=None)
def test_an_event_is_published_with_the_bytes_that_py_amqp_would_write(
    body: bytes, event_id: str, kind: str, frame_max: int
) -> None:
    """Also one that does not fit into one frame."""
    wire = Wire(frame_max)
    wire.write_frame(
        1, 3, (60, 40), dumps("Bssbb", (0, "events", kind, False, False)), event_message(body, event_id, kind)
    )
    assert event_frames(body, event_id, kind, "events", 3, frame_max) == wire.written
