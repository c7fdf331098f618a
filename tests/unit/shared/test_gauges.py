"""What a process shows of itself while its database is away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import eventlet
from prometheus_client import REGISTRY

from shared.messaging.process import Core
from shared.runtime import metrics


def shown(name: str) -> float | None:
    """A figure of feedback's."""
    return REGISTRY.get_sample_value(f"chapterhouse_{name}", {"service": "feedback"})


def test_a_database_that_is_away_shows_and_hides_nothing_else() -> None:
    """Whether events are taken is known without it; what it alone can tell stays as it was told last."""

    def away() -> tuple[int, float]:
        raise OSError

    for each in (metrics.consuming, metrics.database_answers):
        each.labels("feedback").set(1)
    metrics.outbox_age.labels("feedback").set(7)
    core: Any = Core.__new__(Core)
    core.name, core.consumers = "feedback", []
    core.dispatcher = SimpleNamespace(breaker=SimpleNamespace(told=dict), entrypoints=SimpleNamespace(events={}))
    core.relay = SimpleNamespace(outbox=SimpleNamespace(unsent=away))
    gauging = eventlet.spawn(core._gauge)
    eventlet.sleep(0.05)
    gauging.kill()
    assert (shown("consuming"), shown("database_answers"), shown("outbox_oldest_seconds")) == (0, 0, 7)
