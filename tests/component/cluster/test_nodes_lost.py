"""One of three nodes is lost, in each of the ways in which it can be, and the network goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import amqp
import kombu.exceptions
import psutil

from services.local.broker import PrivateBroker, unreachable
from services.local.cluster import Cluster
from services.local.erlang import VHOST
from shared.contracts.base import Actor, Role
from shared.contracts.errors import Unreachable
from shared.gateway.client import Client
from shared.runtime.ids import new_id
from tests.component.cluster.conftest import KEPT, vhost
from tests.support.cluster import copies, cut_off, frozen, leader, leaders, move_leader, others
from tests.support.probe.service import Raise
from tests.support.processes import eventually
from tests.support.site import QUEUE, Said, Site, chapter, stop
from tests.support.world import ring

LOST = (amqp.exceptions.AMQPError, kombu.exceptions.OperationalError, OSError, AttributeError)
"""What a connection raises whose node is lost: py-amqp forgets its transport, kombu gives what it found a name of its own."""


@contextmanager
def stream(site: Site, count: int) -> Iterator[list[Said]]:
    """So many events, said in the background in lots; what a lost node leaves in doubt is said again, as a relay does."""
    said = [chapter() for _ in range(count)]

    def say() -> None:
        for lot in (said[at : at + 20] for at in range(0, count, 20)):
            while True:
                try:
                    site.say(*lot)
                    break
                except LOST:
                    continue

    thread = threading.Thread(target=say)
    thread.start()
    try:
        eventually(lambda: len(site.inbox()) > 40, what="the first being handled")
        yield said
    finally:
        thread.join(60)
    assert not thread.is_alive()


def raised(site: Site, name: str) -> int:
    """A command through whichever node answers, repeated under its id until it is answered: the counter."""
    actor, request_id = Actor(role=Role.MEMBER, id="member-1"), new_id()

    async def run() -> int:
        async with Client(site.broker_url, ring("portal")) as client:
            for _ in range(10):
                try:
                    return (await client.send(Raise(name=name), actor, request_id=request_id, seconds=3)).value
                except Unreachable:
                    await asyncio.sleep(0.5)
        raise AssertionError("nobody answered")

    return asyncio.run(run())


def spoken_to(site: Site, cluster: Cluster) -> set[PrivateBroker]:
    """The nodes to which the processes of the probe have connections."""
    connections = [each for child in site.children for each in psutil.Process(child.pid).net_connections("tcp")]
    ports = {each.raddr.port for each in connections if each.raddr and each.status == psutil.CONN_ESTABLISHED}
    return {node for node in cluster.nodes if node.port in ports}


def test_a_network_of_one_node_becomes_a_cluster_with_all_that_it_kept(cluster: Cluster, grown: Site) -> None:
    """Every queue has a copy on every node, also those that were there before; nothing in them was lost."""
    everywhere = {node.name for node in cluster.nodes}
    kept = copies(cluster, VHOST)
    assert set(kept) >= {"feedback.events", "feedback.dead", "feedback.requests", "unrouted"}
    assert {name: nodes for name, nodes in kept.items() if nodes != everywhere} == {}
    grown.start()
    grown.balances(KEPT)


def test_a_leader_killed_in_mid_stream_loses_nothing_and_doubles_nothing(cluster: Cluster, site: Site) -> None:
    """Two processes go on with the other nodes, events and commands alike, before the killed one is back."""
    first, second = site.start(), site.start()
    move_leader(cluster, vhost(site), QUEUE, cluster.nodes[0])
    eventually(lambda: leader(cluster, vhost(site), QUEUE) is cluster.nodes[0], what="the leader's moving")
    with stream(site, 600) as said:
        cluster.nodes[0].kill()
        assert raised(site, "while it is away") == 1
    site.balances(said, within=60)
    assert raised(site, "while it is away") == 2
    assert leader(cluster, vhost(site), QUEUE) is not cluster.nodes[0]
    assert unreachable(cluster.nodes[0].url)
    assert (first.alive(), second.alive()) == (True, True)


def test_all_nodes_restarted_one_by_one_in_mid_stream(cluster: Cluster, site: Site) -> None:
    """As an upgrade of the broker does it: wherever a process was connected, it goes on, and ends as well as ever."""
    child = site.start()
    with stream(site, 300) as said:
        for node in cluster.nodes:
            node.restart()
            cluster.wait_whole()
    site.balances(said, within=60)
    assert raised(site, "afterwards") == 1
    stop(child)


def test_a_node_that_is_cut_off_serves_nobody_and_the_others_go_on(cluster: Cluster, site: Site) -> None:
    """It takes nothing that the others would not know of; when the cut is healed, it is one of them again."""
    site.start()
    alone = leader(cluster, vhost(site), QUEUE)
    with stream(site, 300) as said:
        with cut_off(cluster, alone):
            eventually(lambda: unreachable(alone.url) is not None, what="its pausing")
            assert raised(site, "while it is cut off") == 1
            site.balances(said, within=60)
            assert alone not in spoken_to(site, cluster)
        cluster.wait_whole()
    assert all(leaders(cluster, vhost(site)).values())
    site.say(*(more := [chapter() for _ in range(20)]))
    site.balances(more)


def test_a_node_that_stands_still_is_left(cluster: Cluster, site: Site) -> None:
    """Its connections stay open and silent: a process that hears nothing for two heartbeats goes elsewhere."""
    site.start(broker_url=";".join(f"{node.url_of(vhost(site))}?heartbeat=2" for node in cluster.nodes))
    still = leader(cluster, vhost(site), QUEUE)
    with stream(site, 300) as said:
        with frozen(still):
            eventually(lambda: spoken_to(site, cluster) <= set(others(cluster, still)), what="leaving it")
        site.balances(said, within=60)
