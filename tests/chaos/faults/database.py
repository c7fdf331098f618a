"""The database's disk full; PostgreSQL restarted and killed."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from services.local.programs import GATEWAYS, SERVICES
from tests.chaos import databases
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.handlers import complaints
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork

SUFFERED = ("database_away", "relay_failed", "timer_failed", "request_failed", "gauges_failed")
"""What a service says in its log when its database does not do what it asks."""


def sufferings(network: ChaosNetwork) -> int:
    """How often any service has said so."""
    return sum(complaints(network, word) for word in SUFFERED)


@dataclass(frozen=True)
class DiskFull(Fault):
    """Not a byte is free where the databases lie."""

    minimum: int = 2
    kind: str = "database's disk full"
    in_short: bool = True

    def possible(self, network: ChaosNetwork) -> str | None:
        """Only where we may mount a small disk."""
        return network.disk.missing

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: services that said they could not write."""
        before = sufferings(network)
        databases.leave_no_room(network)
        taken = network.disk.fill()
        began, lasts = time.monotonic(), rng.uniform(2.0, 5.0)
        until(lambda: time.monotonic() - began > lasts and sufferings(network) > before, 12.0, every=0.2)
        network.disk.empty()
        took, said = time.monotonic() - began, sufferings(network) - before
        if network.postgres is not None:
            network.postgres.start()  # it may have given up
        what = f"{taken // 2**20} MB taken for {took:.0f} s, services could not write {said} times"
        return Effect(self.kind, observed=said > 0, what=what)


@dataclass(frozen=True)
class PostgresAway(Fault):
    """The server ends, gently or not, and is started again."""

    kind: str
    gently: bool
    minimum: int = 2
    in_short: bool = True

    def applies(self, network: ChaosNetwork) -> bool:
        """Where there is one."""
        return network.postgres is not None

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: the sessions that ended, and that services opened new ones."""
        postgres = network.postgres
        if postgres is None:
            return Effect(self.kind, observed=False, what="there is none")
        before, began = databases.sessions(network), time.monotonic()
        if self.gently:
            postgres.restart()
        else:
            postgres.kill()
            time.sleep(rng.uniform(0.0, 3.0))
            postgres.start()
        took = time.monotonic() - began
        again = until(lambda: databases.sessions(network) >= len((*SERVICES, *GATEWAYS)) - 2, 15.0, every=0.2)
        what = f"{before} sessions ended, up after {took:.1f} s, {databases.sessions(network)} opened"
        return Effect(self.kind, observed=before > 0 and again, what=what)


FAULTS: tuple[Fault, ...] = (
    DiskFull(),
    PostgresAway("PostgreSQL restarted", gently=True),
    PostgresAway("PostgreSQL killed", gently=False),
)
