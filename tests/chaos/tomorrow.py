"""The release after this one, in a service process: every event that it hears has a newer version there.

What lies in the queues is then of the older one, and goes through an upcaster. Called by tests.chaos.serve before it
serves (CHAPTERHOUSE_CHAOS_BEFORE). Each event that was brought up leaves a line in the file that
CHAPTERHOUSE_CHAOS_UPCAST names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shared.contracts.base import EVENTS
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.contracts.upcasting import UPCASTERS, Data


def arrive() -> None:
    """From now on what this service hears of is of the version after."""
    notes = Path(os.environ["CHAPTERHOUSE_CHAOS_UPCAST"])
    for event in SUBSCRIPTIONS[os.environ["CHAPTERHOUSE_CHAOS_SERVICE"]]:
        newer = f"{event.type}+1"
        EVENTS[newer] = event
        UPCASTERS[event.type] = (newer, _noting(event.type, notes))


def _noting(kind: str, notes: Path) -> Callable[[Data], Data]:
    def step(data: Data) -> Data:
        with notes.open("a") as out:
            out.write(f"{kind}\n")
        return dict(data)

    return step
