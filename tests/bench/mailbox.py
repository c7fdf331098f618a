"""A mail server that takes everything and keeps nothing but when and for whom: as fast as asyncio can read."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Self


class Mailbox:
    """Listens on a loopback port, in a thread of its own."""

    def __init__(self) -> None:
        self.count = 0
        self.first: dict[str, float] = {}
        self.last = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def taken(self, to: str) -> None:
        """A mail has arrived."""
        self.last = time.perf_counter()
        self.first.setdefault(to, self.last)
        self.count += 1

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Talk(self), "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()


class _Talk(asyncio.Protocol):
    """One conversation."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._buffer = b""
        self._to = ""
        self._data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 bench\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._data:
                _, dot, rest = self._buffer.partition(b"\r\n.\r\n")
                if not dot:
                    return
                self._buffer, self._data = rest, False
                self._mailbox.taken(self._to)
                self._transport.write(b"250 taken\r\n")
            line, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                return
            self._buffer = rest
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        word = line[:4].upper()
        if word == b"EHLO":
            self._transport.write(b"250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        elif word == b"DATA":
            self._data = True
            self._transport.write(b"354 go on\r\n")
        elif word == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            if word == b"RCPT":
                self._to = line.partition(b"<")[2].partition(b">")[0].decode()
            self._transport.write(b"250 well\r\n")
