"""How a greenlet waits for PostgreSQL: others run meanwhile (see shared.storage.silence)."""

from __future__ import annotations

from eventlet.hubs import trampoline

from shared.storage.silence import SILENCE


def in_a_greenlet(socket: int, writing: bool) -> bool:  # noqa: FBT001 - see shared.storage.silence.Ready
    """Whether the socket can be read, or written to, within ``SILENCE`` seconds."""
    try:
        trampoline(socket, read=not writing, write=writing, timeout=SILENCE, timeout_exc=TimeoutError)
    except TimeoutError:
        return False
    return True
