"""One node of a cluster killed, cut off, frozen; all restarted one by one; the queues' leaders moved."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.local.broker import PrivateBroker, unreachable
from services.local.cluster import Cluster
from services.local.erlang import VHOST
from services.local.processes import Leash
from tests.chaos.faults.broker import OnBroker, lost_since
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import hands
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork
from tests.support.cluster import cut_off, frozen, leaders, move_leader, named, others

WHOLE_WITHIN = 60.0
"""Seconds until a node that was lost is one of the others again. An idle machine takes ten."""
STAYS = (2.0, 6.0)
"""Seconds that it is away."""
LED_WITHIN = 20.0
"""Seconds until the others lead what it led. Whoever is frozen is missed after five at least (aten, poll_interval)."""


@contextmanager
def cluster_in(folder: Path, nodes: int) -> Iterator[Cluster]:
    """A cluster for a ChaosNetwork to be handed in, stopped at the end."""
    leash = Leash()
    cluster = Cluster(folder / "broker", leash, size=nodes)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        leash.close()


class _OnCluster(OnBroker[Cluster]):
    """What is done to the nodes of a cluster. How we speak to them: on three nodes, or more."""

    def ours(self, network: ChaosNetwork) -> Cluster | None:
        """The cluster."""
        broker = network.network.broker
        return broker if isinstance(broker, Cluster) else None

    def await_whole(self, broker: Cluster) -> None:
        """Until all nodes are one."""
        broker.wait_whole(within=WHOLE_WITHIN)


def _led_by(cluster: Cluster, nodes: Sequence[PrivateBroker]) -> set[str]:
    """The queues that one of these nodes leads."""
    names = {node.name for node in nodes}
    return {queue for queue, leader in leaders(cluster, VHOST).items() if leader in names}


def _victim(cluster: Cluster, rng: random.Random) -> tuple[PrivateBroker, set[str]]:
    """A node that leads something, and what it leads."""
    leading = leaders(cluster, VHOST)
    node = rng.choice([node for node in cluster.nodes if node.name in leading.values()] or cluster.nodes)
    return node, {queue for queue, leader in leading.items() if leader == node.name}


@dataclass(frozen=True)
class NodeKilled(_OnCluster):
    """SIGKILL to a node that leads queues; whoever keeps the network up starts it again."""

    minimum: int = 2
    kind: str = "node of a cluster killed"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: Cluster, rng: random.Random) -> Effect:
        """Observed: connections that were lost or leaders that moved, and that the node is one of them again."""
        node, led = _victim(broker, rng)
        moment = time.monotonic()
        node.kill()
        losses = lost_since(network, moment)
        broker.wait_whole(within=WHOLE_WITHIN)
        moved = led - _led_by(broker, [node])
        what = f"{len(losses)} connections lost, {hands(losses)}, {len(moved)} of {len(led)} leaders moved"
        return Effect(
            self.kind, observed=bool(losses or moved), what=f"{what}, whole after {time.monotonic() - moment:.0f} s"
        )


@dataclass(frozen=True)
class NodeCutOff(_OnCluster):
    """No word passes between one node and the others: the minority pauses, and comes back when it hears them again."""

    minimum: int = 2
    kind: str = "node of a cluster cut off"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: Cluster, rng: random.Random) -> Effect:
        """Observed: that it served nobody, that the others led what it had led, and that they are whole again."""
        node, led = _victim(broker, rng)
        rest = others(broker, node)
        moment = time.monotonic()
        with cut_off(broker, node):
            paused = until(lambda: unreachable(node.url) is not None, LED_WITHIN, every=0.2)
            losses = lost_since(network, moment)
            moved = until(lambda: _led_by(broker, rest) >= led, LED_WITHIN, every=0.2)
            time.sleep(rng.uniform(*STAYS))
        broker.wait_whole(within=WHOLE_WITHIN)
        what = f"{'paused' if paused else 'did not pause'}, {len(losses)} connections lost, {hands(losses)}"
        led_now = f"{len(led)} queues {'led by the others' if moved else 'without a leader'}"
        return Effect(self.kind, observed=paused and moved, what=f"{what}, {led_now}")


@dataclass(frozen=True)
class NodeFrozen(_OnCluster):
    """A node stands still, and nobody is told: its connections stay open, and silent, as on a cable that was cut."""

    minimum: int = 1
    kind: str = "node of a cluster frozen"
    in_short: bool = False

    def hurt(self, network: ChaosNetwork, broker: Cluster, rng: random.Random) -> Effect:
        """Observed: that the others led what it had led while it stood still."""
        node, led = _victim(broker, rng)
        rest = others(broker, node)
        moment = time.monotonic()
        with frozen(node):
            moved = until(lambda: _asked(rest[0], rest) >= led, LED_WITHIN, every=0.5)
        still = time.monotonic() - moment
        broker.wait_whole(within=WHOLE_WITHIN)
        losses = lost_since(network, moment)
        what = f"{still:.0f} s, {len(losses)} connections left, {hands(losses)}, {len(led)} leaders"
        return Effect(self.kind, observed=moved, what=f"{what} {'moved' if moved else 'did not move'}")


def _asked(node: PrivateBroker, nodes: Sequence[PrivateBroker]) -> set[str]:
    """What these nodes lead, as this one knows it from the votes: the register of queues waits for the frozen one."""
    names = {each.name for each in nodes}
    told = node.ctl(
        "eval",
        '[io:format("~s ~w~n", [element(4, amqqueue:get_name(Q)), ra_leaderboard:lookup_leader(element(1,'
        f' amqqueue:get_pid(Q)))]) || Q <- rabbit_amqqueue:list(<<"{VHOST}">>),'
        " amqqueue:get_type(Q) == rabbit_quorum_queue], ok.",
    )
    rows = re.findall(r"^(\S+) \{\S+,'?([\w-]+@\w+)'?\}", told, re.MULTILINE)
    return {queue for queue, leader in rows if leader in names}


@dataclass(frozen=True)
class NodesRestarted(_OnCluster):
    """All nodes are stopped and started, one by one: an upgrade of the broker. Takes half a minute."""

    minimum: int = 1
    kind: str = "nodes of a cluster restarted one by one"
    in_short: bool = False

    def hurt(self, network: ChaosNetwork, broker: Cluster, rng: random.Random) -> Effect:
        """Observed: the connections that were lost, and that the cluster is whole after each."""
        moment = time.monotonic()
        for node in rng.sample(broker.nodes, len(broker.nodes)):
            node.stop()
            node.start()
            broker.wait_whole(within=WHOLE_WITHIN)
        losses = lost_since(network, moment)
        what = f"{len(broker.nodes)} nodes in {time.monotonic() - moment:.0f} s, {len(losses)} connections lost"
        return Effect(self.kind, observed=bool(losses), what=f"{what}, {hands(losses)}")


@dataclass(frozen=True)
class LeadersMoved(_OnCluster):
    """Every service's queue of events gets another leader while messages are on their way through it."""

    minimum: int = 3
    kind: str = "leaders of queues moved"
    in_short: bool = True

    def hurt(self, network: ChaosNetwork, broker: Cluster, rng: random.Random) -> Effect:
        """Observed: that another node leads."""
        before = {queue: leader for queue, leader in leaders(broker, VHOST).items() if queue.endswith(".events")}
        for queue, leader in before.items():
            move_leader(broker, VHOST, queue, rng.choice(others(broker, named(broker, leader))))
        until(lambda: all(leaders(broker, VHOST).values()), LED_WITHIN, every=0.2)
        after = leaders(broker, VHOST)
        moved = sum(after[queue] != leader for queue, leader in before.items())
        return Effect(self.kind, observed=moved > 0, what=f"{moved} of {len(before)} queues have another leader")


FAULTS: tuple[Fault, ...] = (NodeKilled(), NodeCutOff(), NodeFrozen(), NodesRestarted(), LeadersMoved())
