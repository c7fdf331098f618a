"""A PostgreSQL that says nothing any more is given up: its machine stands still, or its disk, or the way to it is gone.

Where the network reports the loss, or only keeps silent about it, the options of :func:`shared.storage.engine.make_engine`
find it. They do not find a server whose machine lives on and whose process does not: whoever waits for it looks at a clock.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions

SILENCE = 45.0
"""Seconds. Longer than the server itself lets a statement or a lock take."""

Ready = Callable[[int, bool], bool]
"""Waits until this socket can be read (or written to, if true), for ``SILENCE`` at most; whether it can."""


class Silent(psycopg2.OperationalError):
    """The server said nothing for so long; psycopg2 closes the connection."""


def give_up_silence(ready: Ready) -> None:
    """From now on, in this process, no wait for PostgreSQL lasts longer; then it raises Silent."""

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            if not ready(connection.fileno(), state == extensions.POLL_WRITE):
                raise Silent(f"the connection to server was silent for {SILENCE:.0f} s")

    extensions.set_wait_callback(wait)


def in_a_thread(socket: int, writing: bool) -> bool:  # noqa: FBT001 - see Ready
    """Ready for processes whose threads may stand still."""
    waiting = select.poll()
    waiting.register(socket, select.POLLOUT if writing else select.POLLIN)
    return bool(waiting.poll(SILENCE * 1000))
