"""Several RabbitMQ nodes of our own on loopback, as one broker: every quorum queue has a copy on each.

The first node is the one that a single machine runs on, in the same folder: a network that ran on one node becomes
a cluster by being started as one. There is no way back, since one node of three is no majority.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from services.local.broker import NODE, READY_WITHIN, Broker, BrokerFailed, GivenBroker, PrivateBroker
from services.local.erlang import VHOST, Epmd
from services.local.ports import answers, free_ports
from services.local.processes import Leash

_MARK = "cluster.json"
"""In the first node's folder, once it is a cluster: how many nodes it has."""


class Cluster:
    """Three nodes, or another odd number: half and one must run for the queues to take anything.

    ``nodes[0]``'s folder is the one given; the others' lie beside it. Each node may be stopped, killed and started
    by itself; ``url`` names all of them, so that whoever loses one finds another.
    """

    def __init__(self, folder: Path, leash: Leash, *, size: int = 3, server: Path | None = None) -> None:
        self._folder = folder.absolute()
        self._epmd = Epmd(free_ports(1)[0], self._folder, leash)
        first = PrivateBroker(self._folder, leash, server=server, epmd=self._epmd)
        others = (
            PrivateBroker(
                self._folder.with_name(f"{self._folder.name}-{number}"),
                leash,
                server=server,
                name=NODE.replace("@", f"-{number}@"),
                first=first,
                epmd=self._epmd,
            )
            for number in range(2, size + 1)
        )
        self.nodes: tuple[PrivateBroker, ...] = (first, *others)

    @property
    def url(self) -> str:
        """The URLs of all nodes, with semicolons between them."""
        return self.url_of(VHOST)

    def url_of(self, vhost: str) -> str:
        """The same for another virtual host."""
        return ";".join(node.url_of(vhost) for node in self.nodes)

    @property
    def pids(self) -> list[int]:
        """The process groups of the nodes and their epmd."""
        pids = [pid for node in self.nodes for pid in node.pids]
        return [*pids, self._epmd.pid] if self._epmd.pid else pids

    def start(self, *, on_wait: Callable[[float], None] | None = None) -> None:
        """Start all nodes and wait until they are one cluster. Raises ProgramMissing, BrokerFailed."""
        self.launch()
        self.wait_ready(on_wait=on_wait)

    def launch(self) -> None:
        """Start without waiting: all nodes of a cluster, since each waits for the others' news; else the first."""
        first, *others = self.nodes
        first.launch()
        if self._formed():
            for node in others:
                node.launch()

    def wait_ready(self, *, on_wait: Callable[[float], None] | None = None) -> None:
        """Wait until every node takes connections; at the first start they join the first. Raises BrokerFailed."""
        first, *others = self.nodes
        try:
            first.wait_ready(on_wait=on_wait)
            for node in others:
                node.launch()
            for node in others:
                node.wait_ready(on_wait=on_wait)
            self.wait_whole()
            if not self._formed():
                self._grow()
                (self._folder / _MARK).write_text(json.dumps({"nodes": len(self.nodes)}))
        except BrokerFailed:
            self.kill()
            raise

    def wait_whole(self, *, within: float = READY_WITHIN) -> None:
        """Wait until every node sees every other. Raises BrokerFailed naming what each sees."""
        until, wanted = time.monotonic() + within, {node.name for node in self.nodes}
        while {name: seen for name, seen in self.seen().items() if seen != wanted}:
            if time.monotonic() > until:
                raise BrokerFailed(f"the nodes of the cluster do not find each other: {self.seen()}")
            time.sleep(0.5)

    def seen(self) -> dict[str, set[str]]:
        """Which running nodes each node sees, itself included, as far as one that answers can ask them."""
        names = ", ".join(f"'{node.name}'" for node in self.nodes)
        asked = f"[{{N, rpc:call(N, rabbit_nodes, all_running, [], 5000)}} || N <- [{names}]]"
        told = f'[io:format("~s ~s~n", [N, Seen]) || {{N, All}} <- {asked}, is_list(All), Seen <- All], ok.'
        seen: dict[str, set[str]] = {node.name: set() for node in self.nodes}
        with suppress(BrokerFailed, subprocess.TimeoutExpired):
            for line in self.ctl("eval", told).splitlines():
                if "@" in line:
                    node, other = line.split()
                    seen[node].add(other)
        return seen

    def problem(self) -> str | None:
        """A sentence if a node has died, else None."""
        return next(filter(None, (node.problem() for node in self.nodes)), None)

    def stop(self) -> None:
        """Stop cleanly, the first node last: it is the first to be started again."""
        for node in reversed(self.nodes):
            node.stop()
        self._epmd.stop()

    def kill(self) -> None:
        """SIGKILL to all of them."""
        for node in self.nodes:
            node.kill()
        self._epmd.kill()

    def ctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """Run rabbitmqctl against a node that takes connections; its output. Raises BrokerFailed."""
        for node in self.nodes:
            if answers(node.port):
                return node.ctl(*arguments, timeout=timeout)
        raise BrokerFailed("no node of the cluster takes connections")

    def add_vhosts(self, *names: str) -> None:
        """Add virtual hosts, all for our user."""
        self.nodes[0].add_vhosts(*names)

    def _formed(self) -> bool:
        return (self._folder / _MARK).exists()

    def _grow(self) -> None:
        """Queues of the time when there was one node get a copy on each."""
        for node in self.nodes[1:]:
            self.nodes[0].ctl("eval", f'rabbit_quorum_queue:grow(\'{node.name}\', <<".*">>, <<".*">>, all).')


OwnBroker = PrivateBroker | Cluster
"""A broker that we started: its ``nodes`` may be killed, stopped and started, and ``ctl`` speaks to it."""


def get_broker(folder: Path, leash: Leash, *, nodes: int = 1, env: Mapping[str, str] = os.environ) -> Broker:
    """The broker of the environment (CHAPTERHOUSE_BROKER_URL), else nodes of our own, started but not yet ready.

    Raises ProgramMissing, BrokerFailed.
    """
    if url := env.get("CHAPTERHOUSE_BROKER_URL"):
        given = GivenBroker(url)
        if problem := given.problem():
            raise BrokerFailed(problem)
        return given
    kept = nodes_kept(folder)
    if nodes < kept:
        raise BrokerFailed(
            f"The broker in {folder} is a cluster of {kept} nodes, and stays one: run it with --nodes {kept}"
        )
    node = Cluster(folder, leash, size=nodes) if nodes > 1 else PrivateBroker(folder, leash)
    node.launch()
    return node


def nodes_kept(folder: Path) -> int:
    """Of how many nodes the broker in this folder is made: one, unless it became a cluster."""
    mark = folder / _MARK
    return int(json.loads(mark.read_text())["nodes"]) if mark.exists() else 1
