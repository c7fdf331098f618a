"""The machine's clock of one process steps back or forward; monotonic time does not."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx

from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import victim
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork

STEP = (8.0, 45.0)
"""Seconds. Longer than the time that a request may take and than a lease of the relay; not so long that what a process
leased in its future would outlast the run, should it be killed then."""
SEEN_WITHIN = 5.0
"""Seconds in which a process believes the new time (tests.chaos.clocks.CACHE), and a whole second of a header."""


def ahead(network: ChaosNetwork, process: str) -> float:
    """By how much a process's clock is ahead of ours, as the Date of its health page tells, to a second."""
    where = f"http://127.0.0.1:{network.network.ports.health[process]}/livez"
    try:
        date = httpx.get(where, timeout=5, trust_env=False).headers["date"]
    except (httpx.HTTPError, KeyError):
        return 0.0
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


@dataclass(frozen=True)
class Stepped(Fault):
    """One step there, and after some seconds the step back."""

    way: Literal["back", "forward"]
    minimum: int = 2
    in_short: bool = True

    @property
    def kind(self) -> str:  # type: ignore[override]
        """One line each way."""
        return f"clock stepped {self.way}"

    def possible(self, network: ChaosNetwork) -> str | None:
        """Only with libfaketime."""
        return network.clocks.missing

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: the Date of its health page."""
        process = victim(network, network.service_processes(), rng)
        step = rng.uniform(*STEP) * (1 if self.way == "forward" else -1)
        network.clocks.step(process, step)
        seen = until(lambda: abs(ahead(network, process) - step) < 2.5, SEEN_WITHIN, every=0.2)
        shown = ahead(network, process)
        time.sleep(rng.uniform(2.0, 5.0))
        network.clocks.step(process, 0.0)
        right = until(lambda: abs(ahead(network, process)) < 2.5, SEEN_WITHIN, every=0.2)
        return Effect(
            self.kind, observed=seen and right, what=f"{process}: its page said {shown:+.0f} s, and then right"
        )


FAULTS: tuple[Fault, ...] = (Stepped("back"), Stepped("forward", in_short=False))
