"""The proxy, against a plain echo on TCP: it does to a connection what it was told, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Line, Proxy
from tests.chaos.wire import Weather
from tests.support.processes import eventually


class Echo(socketserver.BaseRequestHandler):
    """Says what it hears."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


@pytest.fixture
def line(echo: tuple[str, int]) -> Iterator[Line]:
    with Proxy() as proxy:
        yield proxy.line("echo", [echo])


@pytest.fixture
def client(line: Line) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", line.port), timeout=10) as client:
        yield client


def said(client: socket.socket, count: int) -> bytes:
    """What comes, until there are so many bytes or the other side hangs up."""
    heard = b""
    while len(heard) < count and (data := client.recv(65536)):
        heard += data
    return heard


def frame(payload: bytes) -> bytes:
    """A body frame of AMQP."""
    return struct.pack(">BHI", 3, 1, len(payload)) + payload + b"\xce"


def test_in_fair_weather_all_bytes_pass_unchanged(line: Line, client: socket.socket) -> None:
    """In both directions, counted."""
    sent = bytes(range(256)) * 2000
    threading.Thread(target=client.sendall, args=(sent,)).start()
    assert said(client, len(sent)) == sent
    assert line.passed == {"to broker": len(sent), "to process": len(sent)}


def test_a_frame_is_cut_in_its_middle_and_the_connection_with_it(line: Line, client: socket.socket) -> None:
    """Half of it arrives, and not a byte more."""
    client.sendall(b"AMQP\0\0\x09\x01" + frame(b"whole" * 10))
    said(client, 8 + 58)
    line.weather = Weather(cut_in_frame="to broker")
    client.sendall(frame(b"x" * 92))
    assert said(client, 100) in (frame(b"x" * 92)[:50], b"")  # the echo of the half may come too late to be passed
    eventually(lambda: line.cuts)
    assert (line.cuts[0].passed, line.cuts[0].of) == (50, 100)
    assert [loss.by for loss in line.losses] == ["us"]


def test_one_way_passes_while_the_other_does_not(line: Line, client: socket.socket) -> None:
    """Neither side is told; what was held comes when the way is open again."""
    line.weather = Weather(shut=frozenset({"to process"}))
    client.sendall(b"there")
    eventually(lambda: line.held["to process"] == 5)
    assert line.passed == {"to broker": 5, "to process": 0}
    line.heal()
    assert said(client, 5) == b"there"


def test_nobody_hears_of_a_hanging_up_while_the_line_is_shut(line: Line, client: socket.socket) -> None:
    """As in a network that fell silent; it is seen from between."""
    client.sendall(b"hello")
    said(client, 5)
    line.weather = Weather(shut=frozenset({"to broker", "to process"}))
    client.close()
    eventually(lambda: line.hung_up["process"])
    assert line.open == 1
    line.heal()
    eventually(lambda: line.open == 0)


def test_a_slow_line_passes_everything_late(line: Line, client: socket.socket) -> None:
    """No sooner than a piece waits on its way there and back."""
    line.weather = Weather(delay=0.2)
    began = time.monotonic()
    client.sendall(b"slow")
    assert said(client, 4) == b"slow"
    assert time.monotonic() - began >= 0.4  # a lower bound, which no load can break


def test_a_reset_ends_all_connections_at_once(line: Line, client: socket.socket) -> None:
    """The next one finds its way."""
    client.sendall(b"hello")
    said(client, 5)
    assert line.cut() == 1
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with socket.create_connection(("127.0.0.1", line.port), timeout=10) as again:
        again.sendall(b"again")
        assert said(again, 5) == b"again"
