"""What a test, or ``make chaos``, does to the nodes of a cluster, and how it sees what came of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from services.local.broker import PrivateBroker
from services.local.cluster import Cluster


def leaders(cluster: Cluster, vhost: str) -> dict[str, str]:
    """Of each quorum queue, by name, the node that leads it; empty where none does."""
    rows = cluster.ctl("list_queues", "--vhost", vhost, "--no-table-headers", "name", "leader", "type").splitlines()
    columns = (row.split("\t") for row in rows)
    return {name: leader for name, leader, kind in columns if kind == "quorum"}


def leader(cluster: Cluster, vhost: str, queue: str) -> PrivateBroker:
    """The node that leads this queue."""
    return named(cluster, leaders(cluster, vhost)[queue])


def copies(cluster: Cluster, vhost: str) -> dict[str, set[str]]:
    """Of each quorum queue, by name, the nodes that keep a copy."""
    rows = cluster.ctl("list_queues", "--vhost", vhost, "--no-table-headers", "name", "members", "type").splitlines()
    columns = (row.split("\t") for row in rows)
    return {name: set(re.findall(r"[\w-]+@\w+", members)) for name, members, kind in columns if kind == "quorum"}


def move_leader(cluster: Cluster, vhost: str, queue: str, to: PrivateBroker) -> None:
    """Have another node lead this queue."""
    found = f'rabbit_amqqueue:lookup(rabbit_misc:r(<<"{vhost}">>, queue, <<"{queue}">>))'
    cluster.ctl("eval", f"{{ok, Q}} = {found}, rabbit_quorum_queue:transfer_leadership(Q, '{to.name}').")


def others(cluster: Cluster, node: PrivateBroker) -> list[PrivateBroker]:
    """The other nodes."""
    return [each for each in cluster.nodes if each is not node]


def named(cluster: Cluster, name: str) -> PrivateBroker:
    """The node of this name."""
    return next(node for node in cluster.nodes if node.name == name)


@contextmanager
def cut_off(cluster: Cluster, node: PrivateBroker) -> Iterator[None]:
    """No word between this node and the others: it hangs up on them, and neither side knows the other's cookie."""
    names = ", ".join(f"'{each.name}'" for each in others(cluster, node))
    node.ctl("eval", f"[begin erlang:set_cookie(N, cut_off), erlang:disconnect_node(N) end || N <- [{names}]], ok.")
    try:
        yield
    finally:
        node.ctl("eval", f"[erlang:set_cookie(N, erlang:get_cookie()) || N <- [{names}]], ok.")


@contextmanager
def frozen(node: PrivateBroker) -> Iterator[None]:
    """The node stands still, and nobody is told: connections to it stay open, and silent."""
    pid = node.pids[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
