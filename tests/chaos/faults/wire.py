"""What networks do: connections cut in mid-frame and reset, slow, open one way only, silent."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Literal

from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import hands, victim
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork
from tests.chaos.proxy import Line
from tests.chaos.shape import HEARTBEAT
from tests.chaos.wire import WAYS, Weather

TRAFFIC_WITHIN = 8.0
"""Seconds in which something passes a line under load."""
NOTICED_WITHIN = 2 * HEARTBEAT + 8.0
"""Seconds in which either side notices a silence: the broker after two heartbeats, the link after two and five seconds."""
OPENED_WITHIN = 15.0
"""Seconds until a process has opened a new connection; it waits a little longer each time."""


def reopened(line: Line, opened: int) -> bool:
    """Whether new connections came after so many."""
    return until(lambda: line.opened > opened, OPENED_WITHIN)


@dataclass(frozen=True)
class CutInMidFrame(Fault):
    """A connection ends in the middle of a frame, this way or that."""

    minimum: int = 4
    kind: str = "cut in mid-frame"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: how much of the frame had passed, and that a new connection was opened."""
        way, lines = rng.choice(WAYS), {name: network.line(name) for name in network.service_processes()}
        before = {name: (len(line.cuts), line.opened) for name, line in lines.items()}
        for line in lines.values():
            line.weather = Weather(cut_in_frame=way)
        until(lambda: any(len(line.cuts) > before[name][0] for name, line in lines.items()), TRAFFIC_WITHIN, every=0.01)
        network.proxy.heal()
        cut = [name for name, line in lines.items() if len(line.cuts) > before[name][0]]
        if not cut:
            return Effect(self.kind, observed=False, what=f"no frame worth cutting passed {way}")
        again = all(reopened(lines[name], before[name][1]) for name in cut)
        done = lines[cut[0]].cuts[-1]
        what = f"{cut[0]}: {done.passed} of {done.of} bytes of a frame passed {way}, {len(cut)} connections cut"
        return Effect(self.kind, observed=again, what=what if again else f"{what}; none was opened again")


@dataclass(frozen=True)
class Reset(Fault):
    """All connections of one process are reset at once."""

    minimum: int = 2
    kind: str = "connections reset"
    in_short: bool = False

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: what was in its hands then, and that it opened new ones."""
        process = victim(network, list(network.proxy.lines), rng)
        line, moment, opened = network.line(process), time.monotonic(), network.line(process).opened
        count = line.cut()
        again = reopened(line, opened)
        what = f"{process}: {count} connections reset, {hands(line.lost_since(moment))}"
        return Effect(self.kind, observed=bool(count) and again, what=what)


@dataclass(frozen=True)
class Slow(Fault):
    """Everything between one process and the broker comes late, and trickles."""

    minimum: int = 2
    kind: str = "slow network"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: what passed, and what had to wait."""
        process = victim(network, network.service_processes(), rng)
        line, delay, rate = network.line(process), rng.uniform(0.05, 0.4), rng.uniform(2_000, 20_000)
        line.weather = Weather(delay=delay, rate=rate)
        before, most, until_then = sum(line.passed.values()), 0, time.monotonic() + rng.uniform(4.0, 8.0)
        while time.monotonic() < until_then:
            most = max(most, sum(line.held.values()))
            time.sleep(0.01)
        passed = sum(line.passed.values()) - before
        line.heal()
        what = f"{process}: each piece {delay * 1000:.0f} ms late, {passed} bytes trickled, up to {most} at once waited"
        return Effect(self.kind, observed=passed > 0 and most > 0, what=what)


@dataclass(frozen=True)
class Silent(Fault):
    """Bytes pass one way only, or none, for longer than two heartbeats; neither side is told."""

    kind: str
    way: Literal["one", "none"]
    minimum: int = 1
    in_short: bool = False

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that a side gave the connection up by itself, and that a new one was opened afterwards."""
        process = victim(network, network.service_processes(), rng)
        line = network.line(process)
        given_up, passed, opened = dict(line.hung_up), sum(line.passed.values()), line.opened
        shut = frozenset(WAYS) if self.way == "none" else frozenset({rng.choice(WAYS)})
        line.weather = Weather(shut=shut)
        began = time.monotonic()
        noticed = until(lambda: line.hung_up != given_up, NOTICED_WITHIN)
        took, other = time.monotonic() - began, sum(line.passed.values()) - passed
        by = " and ".join(f"the {side}" for side in given_up if line.hung_up[side] > given_up[side])
        line.heal()
        again = reopened(line, opened)
        where = "no way" if self.way == "none" else f"none {next(iter(shut))}, {other} bytes the other way"
        what = f"{process}: {where}; given up by {by or 'nobody'} after {took:.0f} s"
        return Effect(self.kind, observed=noticed and again, what=what)


FAULTS: tuple[Fault, ...] = (
    CutInMidFrame(),
    Reset(),
    Slow(),
    Silent("bytes pass one way only", "one"),
    Silent("silence on the network", "none"),
)
