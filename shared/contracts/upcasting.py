"""From an older version of an event to today's: one pure function a step.

A breaking change of an event is a new class (``….v2``) and an entry here from ``….v1``. Golden files of every
version ever published must still load (tests/contract).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Data = dict[str, Any]

UPCASTERS: dict[str, tuple[str, Callable[[Data], Data]]] = {}
"""Old type → (newer type, function from the old data to the newer)."""


def current(kind: str, data: Data) -> tuple[str, Data]:
    """Type and data in today's version."""
    while kind in UPCASTERS:
        kind, step = UPCASTERS[kind]
        data = step(data)
    return kind, data
