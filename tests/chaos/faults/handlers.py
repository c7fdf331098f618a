"""Handlers that fail: at random, always for a while, after their work, and after the commit."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from services.local.programs import SERVICES
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import hands, redelivered
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork
from tests.chaos.orders import Moment, Orders, Work
from tests.chaos.shape import LADDER

EVERYTHING: tuple[Work, ...] = ("event", "command", "query", "every", "background")
ORDERED = "OrderedFailure"
"""Why it failed, as logs and parking lots tell it (tests.chaos.serve)."""
LOOK = 0.25
"""Seconds between looks at the metrics."""


def failed(network: ChaosNetwork) -> float:
    """Events that failed and climbed the ladder so far, as the services count them."""
    return network.metrics(network.service_processes(), "chapterhouse_events_handled_total", outcome="retry")


def complaints(network: ChaosNetwork, words: str) -> int:
    """How often these words stand in the logs of the services."""
    return sum(network.log(each).read_bytes().count(words.encode()) for each in network.service_processes())


@dataclass(frozen=True)
class Failing(Fault):
    """Handlers fail as told, in all processes of all services, for some seconds."""

    kind: str
    share: float
    moment: Moment
    works: tuple[Work, ...]
    lasts: tuple[float, float]
    minimum: int = 2
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: events that climbed the ladder, and requests that failed."""
        before, faults = failed(network), complaints(network, "request_failed")
        orders, began = Orders(fail=self.share, moment=self.moment, works=self.works), time.monotonic()
        for process in network.service_processes():
            network.order(process, orders)
        lasts = rng.uniform(*self.lasts)
        until(lambda: time.monotonic() - began > lasts and failed(network) > before, 2 * self.lasts[1], every=LOOK)
        for process in network.service_processes():
            network.order(process, Orders())
        climbed, broken = failed(network) - before, complaints(network, "request_failed") - faults
        what = (
            f"for {time.monotonic() - began:.0f} s: {climbed:.0f} events climbed the ladder, {broken} requests failed"
        )
        return Effect(self.kind, observed=climbed > 0, what=what)


@dataclass(frozen=True)
class FailsForLong(Fault):
    """Some events of one service fail each time they come, until one has climbed the whole ladder and is parked.

    Not all of them: a handler in which everything fails is broken, and its events wait instead (docs/decisions/0006).
    """

    minimum: int = 2
    kind: str = "handlers fail until events are parked"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: events parked for this reason. They can be replayed."""
        role = rng.choice(("registration", "notifications"))
        began = time.monotonic()
        before = self._parked(network, role)
        for process in network.processes(role):
            network.order(process, Orders(poison=0.3))
        until(lambda: self._parked(network, role) > before, sum(LADDER) + 10.0, every=LOOK)
        for process in network.processes(role):
            network.order(process, Orders())
        parked, took = self._parked(network, role) - before, time.monotonic() - began
        return Effect(
            self.kind, observed=parked > 0, what=f"{role}: {parked} parked with {ORDERED} within {took:.0f} s"
        )

    @staticmethod
    def _parked(network: ChaosNetwork, role: str) -> int:
        """As the logs tell it: what is malformed is parked too, for another reason."""
        lines = [line for each in network.processes(role) for line in network.log(each).read_bytes().splitlines()]
        return sum(b'"event_parked"' in line and ORDERED.encode() in line for line in lines)


@dataclass(frozen=True)
class Lost(Fault):
    """Connections of all services are lost after the commit, before the acks and answers: what was done comes again."""

    minimum: int = 3
    kind: str = "lost between commit and ack"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: connections that ended with something in their hands, and that it came again."""
        processes, moment = network.service_processes(), time.monotonic()
        before = self._again(network)
        for process in processes:
            network.order(process, Orders(lose=0.4))
        lasts = rng.uniform(2.0, 4.0)
        until(lambda: time.monotonic() - moment > lasts and self._again(network) > before, 12.0)
        for process in processes:
            network.order(process, Orders())
        again = self._again(network) - before
        losses = [loss for each in processes for loss in network.line(each).lost_since(moment) if loss.in_hand]
        what = f"{len(losses)} connections, {hands(losses)}, {again} redelivered"
        return Effect(self.kind, observed=bool(losses) and again > 0, what=what)

    @staticmethod
    def _again(network: ChaosNetwork) -> int:
        return sum(redelivered(network, role) for role in SERVICES)


FAULTS: tuple[Fault, ...] = (
    Failing("handlers fail at random", 0.3, "before", EVERYTHING, (3.0, 6.0)),
    Failing("handlers fail after their work", 0.5, "after", ("event", "command"), (2.0, 5.0)),
    FailsForLong(),
    Lost(),
)
