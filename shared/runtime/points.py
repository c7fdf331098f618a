"""Named points at which a test may kill this process: a crash in a test is a SIGKILL, not a raised exception.

``CHAPTERHOUSE_KILL_AT="between publish and mark"`` kills the process the first time it comes there;
``CHAPTERHOUSE_KILL_AT="before commit:3"`` the third time. Does nothing in production, where it cannot be set.
"""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("CHAPTERHOUSE_KILL_AT", "").partition(":")
_left = int(_count or 1)
_armed = bool(_name) and os.environ.get("CHAPTERHOUSE_ENV", "development") != "production"


def reached(point: str) -> None:
    """This point of the code was reached."""
    global _left  # noqa: PLW0603 - one process, one counter
    if _armed and point == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
