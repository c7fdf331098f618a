"""A link: what came in pieces is one frame, whatever the time-outs between them; what was refused is not asked twice."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import amqp
import pytest
from amqp.transport import TCPTransport
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messaging.link import Confirms, Link, _read_at_large


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
    _read_at_large(transport)
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


class _Link:
    """A link on which the broker answers each publish by a word."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.left = False
        self.channel = SimpleNamespace(confirm_select=lambda: None, events={"basic_ack": set(), "basic_nack": set()})
        self.channel.basic_publish = lambda *_, **__: None
        self.tag = 0

    def guard(self) -> AbstractContextManager[None]:
        return nullcontext()

    def writing(self) -> AbstractContextManager[Any]:
        return nullcontext(self.channel)

    def drain(self, _timeout: float) -> bool:
        self.tag += 1
        for hear in self.channel.events[self.answers.pop(0)]:
            hear(self.tag, False)
        return True

    def leave(self) -> None:
        self.left = True


@pytest.mark.parametrize(
    ("answers", "left"), [(("basic_ack", "basic_ack"), False), (("basic_ack", "basic_nack"), True)]
)
def test_a_link_over_which_the_broker_refused_something_is_left(answers: tuple[str, ...], left: bool) -> None:  # noqa: FBT001
    """It may refuse for ever over this one, and take it over the next; what it took is known to be taken."""
    link = _Link(*answers)
    confirms = Confirms(cast(Link, link))
    for key in ("one", "two"):
        confirms.publish(key, amqp.Message(b""), "", "queue")
    taken, refused = confirms.settle(5)
    assert (taken | refused, "two" in refused, link.left) == ({"one", "two"}, left, left)
