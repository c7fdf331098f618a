"""Processes that are killed, asked to stop, or stand still."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass

from services.local.programs import GATEWAYS, SERVICES
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork
from tests.chaos.orders import Orders
from tests.chaos.proxy import Line
from tests.chaos.shape import HEARTBEAT
from tests.chaos.wire import Loss

SOON = 6.0
"""Seconds in which a process under load should have something in its hands."""
STARTED_WITHIN = 15.0
"""Seconds until whoever keeps the network up has started a process again. That it takes work is seen at the settling:
a busy machine needs more time for that than a fault may last.
"""
GONE_WITHIN = 25.0
"""Seconds in which a process that was asked to stop has drained and gone; its own limit is twenty."""
AGAIN_WITHIN = 3.0
"""Seconds in which what was in a dead process's hands comes to another."""
HEARING = ("registration", "notifications", "feedback")
"""The services that hear events; meetings hears none."""


def hands(losses: list[Loss]) -> str:
    """What was in them, in words."""
    return f"{sum(loss.in_hand for loss in losses)} unacknowledged, {sum(loss.waiting for loss in losses)} unconfirmed"


def busy(line: Line) -> bool:
    """Whether the process has something in its hands now."""
    return bool(line.in_hand or line.waiting)


def victim(network: ChaosNetwork, processes: list[str], rng: random.Random) -> str:
    """One of these at random, rather one that is at work."""
    until(lambda: any(network.line(each).open for each in processes), SOON)
    return rng.choice([each for each in processes if network.line(each).open] or processes)


def restarted(network: ChaosNetwork, process: str, after: int | None) -> bool:
    """Whether a process was started again."""
    return until(lambda: network.network.pid(process) not in (None, after), STARTED_WITHIN)


def redelivered(network: ChaosNetwork, role: str) -> int:
    """Deliveries to all processes of a service so far that the broker had given out before."""
    return sum(line.redelivered for line in network.lines(role))


@dataclass(frozen=True)
class Killed(Fault):
    """SIGKILL to a service or gateway, at a moment when it has something in its hands."""

    role: str
    minimum: int
    in_short: bool = True

    @property
    def kind(self) -> str:  # type: ignore[override]
        """One line for each service."""
        return f"{self.role} killed"

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: what was unacknowledged or unconfirmed when its connections broke, or, where nothing was, that
        connections broke; and that it is there again.
        """
        process = victim(network, network.processes(self.role), rng)
        line, before, moment = network.line(process), redelivered(network, self.role), time.monotonic()
        until(lambda: busy(line), SOON, every=0.001)
        pid = network.signal(process, signal.SIGKILL)
        if pid is None:
            return Effect(self.kind, observed=False, what=f"{process} was not there")
        until(lambda: line.open == 0, 5.0)
        losses = line.lost_since(moment)
        if any(loss.in_hand for loss in losses):
            until(lambda: redelivered(network, self.role) > before, AGAIN_WITHIN)
        again = redelivered(network, self.role) - before
        back = restarted(network, process, pid)
        what = f"{process}: {len(losses)} connections lost, {hands(losses)}, {again} redelivered"
        return Effect(self.kind, observed=bool(losses) and back, what=what if back else f"{what}; it did not come back")


@dataclass(frozen=True)
class Stopped(Fault):
    """SIGTERM: it finishes what it has begun, acknowledges it, and goes."""

    role: str
    minimum: int
    in_short: bool = False

    @property
    def kind(self) -> str:  # type: ignore[override]
        """One line for each service."""
        return f"{self.role} asked to stop"

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that its connections ended, that nothing was left in its hands, and that it is there again."""
        process = victim(network, network.processes(self.role), rng)
        line, moment = network.line(process), time.monotonic()
        until(lambda: busy(line), SOON, every=0.001)
        pid = network.signal(process, signal.SIGTERM)
        if pid is None:
            return Effect(self.kind, observed=False, what=f"{process} was not there")
        gone = until(lambda: network.network.pid(process) != pid, GONE_WITHIN)
        took, losses = time.monotonic() - moment, line.lost_since(moment)
        back = restarted(network, process, pid)
        what = f"{process}: {len(losses)} connections ended, {hands(losses)}, gone after {took:.1f} s"
        return Effect(self.kind, observed=gone and bool(losses) and back, what=what)


@dataclass(frozen=True)
class KilledAt(Fault):
    """A service kills itself at a named point of the event core (shared.runtime.points)."""

    point: str
    minimum: int
    roles: tuple[str, ...]
    in_short: bool = True

    @property
    def kind(self) -> str:  # type: ignore[override]
        """One line for each point."""
        return f"killed {self.point}"

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that the first process of a service that came there died, and what came again."""
        for role in rng.sample(self.roles, len(self.roles)):
            if effect := self._in(network, role):
                return effect
        return Effect(self.kind, observed=False, what=f"no process came there within {SOON * len(self.roles):.0f} s")

    def _in(self, network: ChaosNetwork, role: str) -> Effect | None:
        processes, before, moment = network.processes(role), redelivered(network, role), time.monotonic()
        pids = {process: network.network.pid(process) for process in processes}
        for process in processes:
            network.order(process, Orders(kill_at=self.point))
        came = until(lambda: any(network.network.pid(each) != pids[each] for each in processes), SOON)
        for process in processes:
            network.order(process, Orders())
        if not came:
            return None
        died = [each for each in processes if network.network.pid(each) != pids[each]]
        losses = [loss for each in died for loss in network.line(each).lost_since(moment)]
        if any(loss.in_hand for loss in losses):
            until(lambda: redelivered(network, role) > before, AGAIN_WITHIN)
        again = redelivered(network, role) - before
        back = all(restarted(network, each, pids[each]) for each in died)
        what = f"{' and '.join(died)}: {hands(losses)}, {again} redelivered"
        return Effect(self.kind, observed=back, what=what if back else f"{what}; not there again")


@dataclass(frozen=True)
class Frozen(Fault):
    """SIGSTOP for longer than the broker waits for a heartbeat, then SIGCONT: the process believes that it is still on."""

    minimum: int = 1
    kind: str = "a process frozen"
    in_short: bool = False

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that the broker gave it up, and what it gave to others meanwhile."""
        process = victim(network, [each for role in HEARING for each in network.processes(role)], rng)
        line, moment = network.line(process), time.monotonic()
        until(lambda: busy(line), SOON, every=0.001)
        role = next(program.role for program in network.programs if program.name == process)
        before, given_up = redelivered(network, role), line.hung_up["broker"]
        network.signal(process, signal.SIGSTOP)
        seen = until(lambda: line.hung_up["broker"] > given_up, 4.0 * HEARTBEAT)
        network.signal(process, signal.SIGCONT)
        recovered = until(lambda: line.open > 0, STARTED_WITHIN)
        again = redelivered(network, role) - before
        lost = line.hung_up["broker"] - given_up
        took = time.monotonic() - moment
        what = f"{process}: given up by the broker on {lost} connections, {again} redelivered, well after {took:.0f} s"
        return Effect(self.kind, observed=seen and recovered, what=what)


@dataclass(frozen=True)
class SinkKilled(Fault):
    """The mail server and the SMS provider die, and come back with all that they had accepted."""

    minimum: int = 1
    kind: str = "sink killed"
    in_short: bool = True
    sign: signal.Signals = signal.SIGKILL

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that it is gone, that it is there again, and that no line of its log was lost."""
        before = len(network.sink_log.read_bytes().splitlines())
        pid = network.signal("sink", self.sign)
        gone = until(lambda: network.network.pid("sink") != pid, GONE_WITHIN)
        back = restarted(network, "sink", pid) and until(lambda: network.network.ready("sink"), STARTED_WITHIN)
        lines = len(network.sink_log.read_bytes().splitlines())
        what = f"gone with {before} lines in its log, back with {lines}"
        return Effect(self.kind, observed=gone and back and lines >= before, what=what)


FAULTS: tuple[Fault, ...] = (
    *(Killed(role, minimum=2) for role in SERVICES),
    *(Killed(role, minimum=1) for role in GATEWAYS),
    *(Stopped(role, minimum=1) for role in (*SERVICES, *GATEWAYS)),
    KilledAt("before commit", 1, HEARING),
    KilledAt("between commit and ack", 1, HEARING),
    KilledAt("between publish and mark", 1, SERVICES),
    Frozen(),
    SinkKilled(),
    SinkKilled(kind="sink asked to stop", sign=signal.SIGTERM, in_short=False),
)
