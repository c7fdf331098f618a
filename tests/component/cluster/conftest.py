"""``cluster``: three nodes, once for all; the first ran alone before, and kept events. ``site``: a probe on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection, Producer

from services.local.broker import PrivateBroker
from services.local.cluster import Cluster
from services.local.erlang import VHOST
from services.local.processes import Leash
from shared.messaging import topology
from tests.support.broker import chosen_server
from tests.support.cluster import leaders
from tests.support.processes import eventually
from tests.support.site import LADDER, Site, chapter
from tests.support.zygote import Zygote

KEPT = [chapter() for _ in range(50)]
"""What was said while there was one node, and heard by nobody yet."""


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What all processes of these tests are forked from."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, grown from one node."""
    folder, leash = tmp_path_factory.mktemp("cluster") / "broker", Leash()
    alone = PrivateBroker(folder, leash, server=chosen_server())
    alone.start()
    with Connection(alone.url) as connection:
        topology.declare(connection, LADDER)
    with Connection(alone.url, transport_options={"confirm_publish": True}) as connection:
        producer = Producer(connection.channel())
        for each in KEPT:
            producer.publish(each.body, routing_key="feedback.events", delivery_mode=2, serializer=None)
    alone.stop()
    made = Cluster(folder, leash, server=chosen_server())
    try:
        made.start()
        made.add_vhosts(*VHOSTS)
        yield made
    finally:
        made.stop()
        leash.close()


VHOSTS = ("one", "two", "three", "four")
_next = itertools.count()


@pytest.fixture
def cluster(whole: Cluster) -> Cluster:
    """All three nodes run, whatever the test before did to them."""
    for node in whole.nodes:
        node.launch()
    whole.wait_ready()
    return whole


@pytest.fixture
def site(cluster: Cluster, zygote: Zygote, tmp_path: Path) -> Iterator[Site]:
    """A virtual host of this test's own, a database, and no process yet."""
    made = Site(zygote, cluster.url_of(VHOSTS[next(_next)]), f"sqlite:///{tmp_path}/feedback.db", tmp_path)
    yield made
    made.close()


def vhost(site: Site) -> str:
    """The name of its virtual host."""
    return site.broker_url.rpartition("/")[2]


@pytest.fixture
def grown(cluster: Cluster, zygote: Zygote, tmp_path: Path) -> Iterator[Site]:
    """A probe where the first node ran alone before."""
    made = Site(zygote, cluster.url_of(VHOST), f"sqlite:///{tmp_path}/feedback.db", tmp_path)
    eventually(lambda: all(leaders(cluster, VHOST).values()))
    yield made
    made.close()
