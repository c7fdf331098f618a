"""What is in use on a broker while everything runs is what every version of RabbitMQ from 3.10 on will have."""

from __future__ import annotations

import asyncio

import pytest

from shared.gateway.client import Client
from tests.support.broker import PrivateTestBroker, TestBroker
from tests.support.processes import eventually
from tests.support.site import Site
from tests.support.world import ring


def test_nothing_is_in_use_that_rabbitmq_4_calls_deprecated(one_site: Site, broker: TestBroker) -> None:
    """Not by a service, nor by a gateway that follows the stream. A version that knows the word is asked itself; of an
    older one we ask what the word means there: queues that are neither durable nor somebody's own.
    """
    if not isinstance(broker, PrivateTestBroker):
        pytest.fail("this test needs the private node: unset CHAPTERHOUSE_TEST_BROKER, CHAPTERHOUSE_TEST_DOCKER=0")
    one_site.start()

    async def in_use() -> tuple[str, list[str]]:
        async with Client(one_site.broker_url, ring("portal")) as client:
            stream = asyncio.ensure_future(anext(aiter(client.follow())))
            await asyncio.to_thread(eventually, lambda: _queues(one_site, broker, "true"), what="following the stream")
            found = await asyncio.gather(
                asyncio.to_thread(_deprecated, broker), asyncio.to_thread(_queues, one_site, broker, "false")
            )
            stream.cancel()
            return found[0], [queue for queue, durable in found[1].items() if durable != "true"]

    assert asyncio.run(in_use()) == ("", [])


def _queues(site: Site, broker: PrivateTestBroker, exclusive: str) -> dict[str, str]:
    """Of the queues that are somebody's own, or of the others: whether they are durable."""
    vhost = site.broker_url.rpartition("/")[2]
    told = broker.node.ctl("list_queues", "--vhost", vhost, "--no-table-headers", "name", "durable", "exclusive")
    rows = (row.split("\t") for row in told.splitlines())
    return {name: durable for name, durable, own in rows if own == exclusive}


def _deprecated(broker: PrivateTestBroker) -> str:
    if broker.node.ctl("version").startswith("3."):
        return ""
    return broker.node.ctl("list_deprecated_features", "--used", "--no-table-headers").strip()
