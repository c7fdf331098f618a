"""A service is upgraded while it works, one process after the other, and older events lie in its queue."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

from services.local.network import NetworkFailed
from shared.contracts.subscriptions import SUBSCRIPTIONS
from tests.chaos import databases
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.events import LOST, channel, publish
from tests.chaos.faults.processes import HEARING
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork

SOON = 5.0
"""Seconds until a process that takes work has taken some."""


@dataclass(frozen=True)
class Upgraded(Fault):
    """SIGTERM to each process in turn, and another release in its place, which knows newer events (tests.chaos.tomorrow)."""

    minimum: int = 1
    kind: str = "service upgraded in mid-stream"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: the older events that the new release read, and that all its processes take work."""
        role = rng.choice(HEARING[:2])
        notes = network.run / f"upcast-{role}"
        before = _lines(notes)
        given = os.environ.get("CHAPTERHOUSE_CHAOS_BEFORE", "")
        env = {
            "CHAPTERHOUSE_CHAOS_BEFORE": ",".join(filter(None, (given, "tests.chaos.tomorrow:arrive"))),
            "CHAPTERHOUSE_CHAOS_UPCAST": str(notes),
        }
        processes = network.processes(role)
        try:
            for process in processes:
                self._say_again(network, role, rng)
                network.network.restart(process, env=env)
            self._say_again(network, role, rng)
        except (NetworkFailed, *LOST) as failed:
            return Effect(self.kind, observed=False, what=str(failed).splitlines()[0])
        until(lambda: _lines(notes) > before, SOON)
        what = f"{len(processes)} of {role} one by one, {_lines(notes) - before} older events read by the new release"
        return Effect(self.kind, observed=_lines(notes) > before, what=what)

    @staticmethod
    def _say_again(network: ChaosNetwork, role: str, rng: random.Random) -> None:
        """Older events, into the queue: the bytes of events that were said, which every inbox knows."""
        heard = {event.type for event in SUBSCRIPTIONS[role]}
        with channel(network) as to:
            for event in databases.said(network, rng, 60):
                if event.type in heard:
                    publish(to, event.body, exchange="", routing_key=f"{role}.events")


def _lines(notes: Path) -> int:
    return len(notes.read_bytes().splitlines()) if notes.exists() else 0


FAULTS: tuple[Fault, ...] = (Upgraded(),)
