"""The broker stopped, killed, restarted, and out of disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.local.broker import BrokerFailed, PrivateBroker, unreachable
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import busy
from tests.chaos.healing import DISK_FREE_LIMIT, until
from tests.chaos.network import ChaosNetwork
from tests.chaos.wire import Loss

B = TypeVar("B")

UP_WITHIN = 60.0
"""Seconds until a node answers again. An idle machine takes 5 to 8."""
BUSY_WITHIN = 3.0
"""Seconds in which some process has something in its hands."""
STAYS = (1.0, 5.0)
"""Seconds that it stays away, or full."""


def lost_since(network: ChaosNetwork, moment: float) -> list[Loss]:
    """Connections of any process that ended since."""
    return [loss for line in network.proxy.lines.values() for loss in line.lost_since(moment)]


def waiting(network: ChaosNetwork) -> int:
    """Publishes of all processes that the broker has not confirmed."""
    return sum(line.waiting for line in network.proxy.lines.values())


class OnBroker(Fault, Generic[B]):
    """What is done to a broker of our own: that of a session is nobody's to hurt."""

    @abstractmethod
    def ours(self, network: ChaosNetwork) -> B | None:
        """The broker, where this network has such a one."""

    @abstractmethod
    def await_whole(self, broker: B) -> None:
        """Wait until it can be hurt. Raises BrokerFailed."""

    @abstractmethod
    def hurt(self, network: ChaosNetwork, broker: B, rng: random.Random) -> Effect:
        """The fault itself."""

    def applies(self, network: ChaosNetwork) -> bool:
        """Where there is such a broker."""
        return self.ours(network) is not None

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """The fault, once the broker is there to be hurt."""
        broker = self.ours(network)
        if broker is None:
            return Effect(self.kind, observed=False, what="there is no such broker of ours")
        try:
            self.await_whole(broker)
            return self.hurt(network, broker, rng)
        except (BrokerFailed, subprocess.TimeoutExpired) as failed:
            return Effect(self.kind, observed=False, what=str(failed).splitlines()[0])


class _OnNode(OnBroker[PrivateBroker]):
    """What is done to a node by itself. A cluster's faults are its own."""

    def ours(self, network: ChaosNetwork) -> PrivateBroker | None:
        """The node."""
        return network.node

    def await_whole(self, broker: PrivateBroker) -> None:
        """Until it answers."""
        if not until(lambda: unreachable(broker.url) is None, UP_WITHIN, every=0.2):
            raise BrokerFailed("the broker was not there")


@dataclass(frozen=True)
class BrokerStopped(_OnNode):
    """stop_app and, some seconds later, start_app: the node lives, the broker in it does not."""

    minimum: int = 2
    kind: str = "broker stopped"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: PrivateBroker, rng: random.Random) -> Effect:
        """Observed: the connections that were lost, and that they were opened again."""
        moment = time.monotonic()
        broker.ctl("stop_app")
        time.sleep(rng.uniform(*STAYS))
        broker.ctl("start_app")
        broker.wait_ready()
        return _away(self.kind, network, moment)


@dataclass(frozen=True)
class BrokerKilled(_OnNode):
    """SIGKILL to the node, as by a power cut; whoever keeps the network up starts it again."""

    sign: signal.Signals = signal.SIGKILL
    minimum: int = 1
    kind: str = "broker killed"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: PrivateBroker, rng: random.Random) -> Effect:
        """Observed: the connections that were lost, and that the node is there again."""
        until(lambda: any(map(busy, network.proxy.lines.values())), BUSY_WITHIN, every=0.001)
        moment, pid = time.monotonic(), broker.pids[0]
        with suppress(ProcessLookupError):
            os.kill(pid, self.sign)
        if not until(lambda: broker.pids[0] != pid and unreachable(broker.url) is None, UP_WITHIN, every=0.2):
            return Effect(self.kind, observed=False, what=f"not there again after {UP_WITHIN:.0f} s")
        return _away(self.kind, network, moment)


def _away(kind: str, network: ChaosNetwork, moment: float) -> Effect:
    losses, took = lost_since(network, moment), time.monotonic() - moment
    in_hand, unconfirmed = sum(loss.in_hand for loss in losses), sum(loss.waiting for loss in losses)
    what = (
        f"{len(losses)} connections lost, {in_hand} unacknowledged, {unconfirmed} unconfirmed, back after {took:.0f} s"
    )
    return Effect(kind, observed=bool(losses), what=what)


@dataclass(frozen=True)
class BrokerDiskFull(_OnNode):
    """The broker's disk alarm: it reads no more from whoever publishes, and confirms wait."""

    minimum: int = 2
    kind: str = "broker's disk full"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: PrivateBroker, rng: random.Random) -> Effect:
        """Observed: publishes that waited for their confirms all that time, and connections that were blocked."""
        network.broker_disk_full = True
        broker.ctl("set_disk_free_limit", "1000000GB")
        try:
            held, most = rng.uniform(*STAYS) + 2.0, 0
            began = time.monotonic()
            while time.monotonic() - began < held:
                most = max(most, waiting(network))
                time.sleep(0.05)
            blocked = broker.ctl("list_connections", "state").split().count("blocked")
        finally:
            broker.ctl("set_disk_free_limit", DISK_FREE_LIMIT)
            network.broker_disk_full = False
        flowing = until(lambda: waiting(network) < most or not most, 10.0)
        what = f"{blocked} connections blocked, {most} publishes waited for their confirms {held:.0f} s"
        return Effect(self.kind, observed=bool(blocked or most) and flowing, what=what)


FAULTS: tuple[Fault, ...] = (
    BrokerStopped(),
    BrokerKilled(),
    BrokerKilled(sign=signal.SIGTERM, kind="broker restarted", in_short=False),
    BrokerDiskFull(),
)
