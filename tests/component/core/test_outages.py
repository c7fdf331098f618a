"""A slow or dead part: database away, handlers slower than the heartbeat, broker away when a service asks another."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from shared.contracts.base import Actor, Role
from shared.contracts.errors import Unreachable
from shared.gateway.client import Client
from shared.messaging import topology
from tests.support.broker import TestBroker
from tests.support.database import TestPostgres
from tests.support.probe.service import ReadCounter
from tests.support.processes import eventually
from tests.support.site import LADDER, QUEUE, Site, chapter, stop
from tests.support.world import ring


@pytest.fixture
def server(request: pytest.FixtureRequest, site: Site) -> TestPostgres | None:
    """The server of the site's database; None for SQLite."""
    if site.database_url.startswith("sqlite"):
        return None
    found: TestPostgres = request.getfixturevalue("postgres")
    return found


def test_while_the_database_is_away_nothing_is_lost_and_nothing_parked(site: Site, server: TestPostgres | None) -> None:
    """The event is not to blame: it stays in hand, unacknowledged, and no rung of the ladder is climbed."""
    child = site.start()
    first = [chapter() for _ in range(5)]
    site.say(*first)
    site.balances(first)
    with site.database_away(server):
        said = [chapter() for _ in range(30)]
        site.say(*said)
        site.put([b"no json"], "", QUEUE)
        eventually(lambda: "database_away" in site.logs(), what="its noticing")
        assert child.alive()
    site.balances(said)
    eventually(lambda: len(site.parked()) == 1)
    assert child.alive()
    assert "event_failed" not in site.logs()


def test_a_dead_letter_waits_for_the_database_too(site: Site, server: TestPostgres | None) -> None:
    """It ends no process."""
    child = site.start()
    poor = chapter()
    with site.database_away(server):
        site.put([poor.body], "dead", "feedback")
        eventually(lambda: "database_away" in site.logs(), what="its noticing")
        assert child.alive()
    site.balances([poor], parked=[poor])
    assert child.alive()


def test_a_stop_while_the_database_is_away_ends_the_process(site: Site, server: TestPostgres | None) -> None:
    """What it held comes again to the next."""
    child = site.start(drain_seconds="5")
    said = [chapter() for _ in range(10)]
    with site.database_away(server):
        site.say(*said)
        eventually(lambda: "database_away" in site.logs(), what="its noticing")
        stop(child, patience=20)
    site.start()
    site.balances(said)


@pytest.mark.parametrize("how", ["slow 5", "block 5"])
def test_a_handler_slower_than_the_heartbeat_takes_effect_once(site: Site, how: str) -> None:
    """Waiting, it keeps the connection; holding the whole process, it loses it, and no more."""
    child = site.start(broker_url=f"{site.broker_url}?heartbeat=1")
    said = [chapter(how), *(chapter() for _ in range(5))]
    site.say(*said)
    site.balances(said)
    eventually(lambda: site.consumers() == 1)
    if how.startswith("slow"):
        assert "lost_broker" not in site.logs()
    site.say(*(more := [chapter() for _ in range(5)]))
    site.balances(more)
    assert child.alive()


def answers(site: Site) -> list[dict[str, Any]]:
    """What the asking service was told."""
    file = site.folder / "asked"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_service_that_asks_another_is_told_at_once_when_the_broker_is_away(
    one_site: Site, broker: TestBroker
) -> None:
    """And asks again by the same means once it is back."""
    site = one_site
    site.start()
    site.start("tests.support.probe.asking", wait=False)

    eventually(lambda: any(each["said"] == "0" for each in answers(site)), what="the first answer")
    broker.kill()
    away = len(answers(site))
    eventually(lambda: len(answers(site)) > away + 4, what="being told")
    told = answers(site)[away + 1 :]
    assert {each["said"] for each in told} == {"Unreachable"}
    assert max(each["seconds"] for each in told) < 1
    broker.start()
    back = time.monotonic()
    eventually(lambda: answers(site)[-1]["said"] == "0", what="the next answer")
    assert time.monotonic() - back < 20


def test_what_the_broker_refuses_is_told_at_once_and_asked_over_another_connection(one_site: Site) -> None:
    """By a service and by a gateway. A broker that lost a node may refuse for ever over this connection."""
    site = one_site
    with site.broker() as connection:  # a queue that takes nothing, in place of the one that is asked
        channel = connection.default_channel
        channel.queue_delete("feedback.requests")
        arguments = {"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"}
        channel.queue_declare("feedback.requests", durable=True, auto_delete=False, arguments=arguments)
        channel.queue_declare("feedback.requests", passive=True)
    asking = site.start("tests.support.probe.asking", wait=False)
    eventually(lambda: len(answers(site)) > 2, what="being told")
    assert all("the broker could not take a request" in each["why"] for each in answers(site))

    async def asked() -> str:
        async with Client(site.broker_url, ring("portal")) as client:
            with pytest.raises(Unreachable, match="could not take a request for feedback"):
                await client.ask(ReadCounter(name="any"), Actor(role=Role.MEMBER, id="member-1"))
            with site.broker() as connection:
                connection.default_channel.queue_delete("feedback.requests")
            await asyncio.to_thread(site.start)
            for _ in range(100):
                try:
                    return str((await client.ask(ReadCounter(name="any"), Actor(role=Role.MEMBER, id="m"))).value)
                except Unreachable:
                    await asyncio.sleep(0.1)
        return "nobody answered"

    assert asyncio.run(asked()) == "0"
    eventually(lambda: answers(site)[-1]["said"] == "0", what="the service's answer")
    assert asking.alive()


def test_while_the_ladder_refuses_its_batch_stays_in_hand(one_site: Site) -> None:
    """Handed back it would come again at once, with all that was fetched, and a hundred times is the broker's limit."""
    with one_site.broker() as connection:
        channel = connection.default_channel
        limits = {"x-max-length": 0, "x-overflow": "reject-publish"}
        channel.queue_declare("full", durable=True, auto_delete=False, arguments=limits)
        channel.queue_bind("full", topology.rung_name(LADDER[0]))
    child = one_site.start()
    said = [chapter("fail 2"), *(chapter() for _ in range(5))]
    one_site.say(*said)
    eventually(lambda: child.log.read_text().count("ladder_away") > 2, what="its asking again")
    with one_site.broker() as connection:
        connection.default_channel.queue_delete("full")
    one_site.balances(said)
    assert "consumer_lost_broker" not in child.log.read_text()
