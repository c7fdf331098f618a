"""Free ports on loopback, and what to say when one is taken."""

from __future__ import annotations

import itertools
import random
import socket

LOOPBACK = "127.0.0.1"
_OURS = range(15000, 32000)


class PortTaken(Exception):  # noqa: N818 - told to the operator as a sentence
    """A port that was asked for is in use; the message says which, and what to set."""


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing uses now, below those that the system hands to outgoing connections.

    Of the others (Linux: from 32768 on) any connection of a program may be given one before we listen on it. Another
    program that listens may still take one: whoever starts on it must be ready to hear that it is taken.
    """
    found = (port for port in random.sample(_OURS, len(_OURS)) if is_free(port))
    return list(itertools.islice(found, count))


def is_free(port: int) -> bool:
    """Whether we could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, *, timeout: float = 1.0) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout).close()
    except OSError:
        return False
    return True


def require_free(port: int, what: str, variable: str) -> None:
    """Raise PortTaken with a sentence that names the port, what wanted it and the variable that moves it."""
    if not is_free(port):
        raise PortTaken(
            f"Port {port}, where {what} should answer, is in use by another program. "
            f"Stop that program, or choose another port: {variable}={free_ports(1)[0]} make run"
        )
