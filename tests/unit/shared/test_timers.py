"""A timed method that fails: run again soon, whatever its period."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest

from shared.messaging import subscriber
from shared.messaging.subscriber import Timer


class Tidying:
    """Fails at first."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.runs = 0

    def tidy(self) -> bool:
        """Nothing more to do after a run."""
        self.runs += 1
        if self.left:
            self.left -= 1
            raise OSError
        return False


def test_a_timer_that_failed_runs_again_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what happens every five minutes would keep a moved clock from settling for five minutes."""
    monkeypatch.setattr(subscriber, "FAILED_PAUSE", 0.05)
    service, began = Tidying(failures=2), time.monotonic()
    core: Any = SimpleNamespace(clock_moved=-1.0, service=service)
    timer = Timer(core, "tidy", 300, transaction=False)
    running = eventlet.spawn(timer._run)
    with eventlet.Timeout(5):
        while not timer.quiet_since(began):
            eventlet.sleep(0.01)
    assert service.runs == 3
    eventlet.sleep(0.3)
    assert service.runs == 3, "what did its work waits for its period"
    timer._stopping = True
    running.wait()
