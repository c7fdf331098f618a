"""Our services on a broker as production has it: each with a user of its own that may do little, and TLS both ways."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import amqp
import pytest
from amqp.exceptions import AccessRefused
from sqlalchemy import select

from services.local.broker import VHOST, GivenBroker
from services.local.network import Network
from services.local.programs import PROGRAMS, SERVICES
from shared.contracts.base import Actor, Event, Role
from shared.contracts.meetings import ChapterOpened, FoundRegion, OpenChapter
from shared.gateway.client import Client
from shared.messaging import topology
from shared.messaging.address import connection_to
from shared.messaging.definitions import GATEWAYS
from shared.messaging.link import Link, LinkLost
from shared.runtime.keys import load_keys, make_keys
from shared.runtime.settings import Settings
from shared.storage.core import inbox, parked
from shared.storage.engine import make_engine
from tests.component.deploy.certificates import Authority
from tests.component.deploy.secured import OWNER, Secured
from tests.support.processes import eventually
from tests.support.shipped import shipped_mark

OPERATOR = Actor(role=Role.OPERATOR, id="operator")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    broker = Secured(tmp_path_factory.mktemp("secured"))
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def network(secured: Secured) -> Iterator[Network]:
    """The four services, each with its own user."""
    programs = [program for program in PROGRAMS if program.kind == "service"]
    urls = {name: {"CHAPTERHOUSE_BROKER_URL": secured.url(name)} for name in SERVICES}
    given = GivenBroker(secured.url(OWNER))
    with Network(secured.folder / "var", broker=given, programs=programs, env_of=urls) as network:
        yield network


@contextmanager
def channel_of(secured: Secured, user: str) -> Iterator[Any]:
    with connection_to(secured.url(user)) as connection:
        yield connection.channel()


def allowed(secured: Secured, user: str, act: str, *arguments: Any, **named: Any) -> bool:
    """Whether the broker lets this user do this."""
    with connection_to(secured.url(user)) as connection:
        try:
            getattr(connection.channel(), act)(*arguments, **named)
        except AccessRefused:
            return False
    return True


def taken_in(network: Network, service: str, table: Any) -> set[str]:
    engine = make_engine(network.database(service))
    with engine.connect() as connection:
        found = set(connection.scalars(select(table.c.event_id)))
    engine.dispose()
    return found


def live_streams(secured: Secured) -> list[str]:
    """The queues of live streams that are bound to the events: those that the broker named."""
    told = secured.node.ctl("list_bindings", "--vhost", VHOST, "source_name", "destination_name")
    return [line for line in told.splitlines() if line.startswith("events\tamq.gen-")]


# -- what must be possible --------------------------------------------------------------------


def test_services_that_may_declare_nothing_do_their_work(secured: Secured, network: Network) -> None:
    """A command, its event to those who hear it, a gateway's live stream, and the parking lot."""

    async def play() -> Event:
        keys = network.folder / "keys"
        async with (
            Client(secured.url("operator"), load_keys(keys, "operator")) as client,
            Client(secured.url("portal"), load_keys(keys, "portal")) as portal,
        ):
            stream = portal.follow()
            heard = asyncio.create_task(anext(stream))
            await asyncio.to_thread(eventually, lambda: live_streams(secured), what="the portal's live stream")
            founded = await client.send(
                FoundRegion(name="North Side", slug="north-side"), OPERATOR, request_id=str(uuid.uuid4())
            )
            opened = OpenChapter(region_id=founded.region_id, name="Elm", slug="elm", time_zone="America/New_York")
            await client.send(opened, OPERATOR, request_id=str(uuid.uuid4()))
            _, event = await asyncio.wait_for(heard, 20)
            await stream.aclose()
            return event

    assert isinstance(asyncio.run(play()), ChapterOpened)
    for service in ("notifications", "feedback"):
        eventually(lambda service=service: taken_in(network, service, inbox), what=f"{service} hearing it")

    with channel_of(secured, "operator") as channel:  # what nobody can read is parked
        channel.basic_publish(amqp.Message(b"{"), exchange="", routing_key="registration.events")
    eventually(lambda: taken_in(network, "registration", parked))


def test_a_service_puts_a_failing_event_on_the_ladder_and_gets_it_back(secured: Secured) -> None:
    """Without a service that would take it: the broker alone brings it back."""
    name = f"meetings.{topology.DELIVERY_LIMIT}"
    with channel_of(secured, OWNER) as channel:
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    with channel_of(secured, "meetings") as channel:
        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message(b"again"), exchange=topology.rung_name(1), routing_key=name)
    with channel_of(secured, OWNER) as channel:
        eventually(lambda: channel.basic_get(name, no_ack=True), what="coming back")


# -- what must not ----------------------------------------------------------------------------


@pytest.mark.parametrize("user", [*SERVICES, *GATEWAYS, "operator"])
def test_nobody_reads_the_queue_of_another(secured: Secured, user: str) -> None:
    """A service takes from its own three queues, and from no other; gateways and operator from none."""
    for owner in SERVICES:
        for queue in (f"{owner}.events", f"{owner}.requests", f"{owner}.dead"):
            assert allowed(secured, user, "basic_consume", queue) is (user == owner), queue
    for queue in ("unrouted", topology.rung_name(1)):
        assert not allowed(secured, user, "basic_get", queue)


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_hears_only_what_it_was_bound_to(secured: Secured, user: str) -> None:
    """It can bind and declare nothing: else it would hear all."""
    assert not allowed(secured, user, "queue_bind", f"{user}.events", "events", "#")
    assert not allowed(secured, user, "queue_declare", "mine", durable=True)
    assert not allowed(secured, user, "queue_delete", f"{user}.events")


@pytest.mark.parametrize("user", [*SERVICES, *GATEWAYS])
def test_nobody_says_what_is_another_services_to_say(secured: Secured, user: str) -> None:
    """By the type that an event is published under."""
    for owner in SERVICES:
        with connection_to(secured.url(user)) as connection:
            channel = connection.channel()
            channel.confirm_select()
            message, key = amqp.Message(b"{"), f"{owner}.nothing_like_it.v1"
            if user == owner:
                channel.basic_publish_confirm(message, exchange="events", routing_key=key)
            else:
                with pytest.raises(AccessRefused):
                    channel.basic_publish_confirm(message, exchange="events", routing_key=key)


def test_a_broker_that_was_furnished_for_another_version_is_not_spoken_to(secured: Secured) -> None:
    """A binding cannot be looked at: the mark stands for all of them."""
    ladder = Settings().ladder
    with connection_to(secured.url("meetings")) as connection:
        topology.furnish(connection, ladder, shipped_mark(ladder))
        with pytest.raises(topology.NotFurnished):
            topology.furnish(connection, ladder, shipped_mark((*ladder, 7.0)))


# -- TLS --------------------------------------------------------------------------------------


def refusal(url: str) -> str:
    """How a service is told that it got no connection."""
    with pytest.raises(LinkLost) as lost:
        Link(url, name="test").close()
    return str(lost.value)


def test_a_wrong_authority_is_refused_in_a_sentence(secured: Secured, tmp_path: Path) -> None:
    """Services and gateways alike; the sentence names what to mend."""
    stranger = Authority(tmp_path / "stranger").ca
    url = secured.url("meetings", cafile=str(stranger))
    assert "cafile names who must have signed it" in refusal(url)

    async def knock() -> bool:
        async with Client(url, load_keys(_keys(tmp_path), "operator")) as client:
            return client.connected

    assert not asyncio.run(knock())


def test_a_certificate_for_another_name_is_refused(secured: Secured) -> None:
    """The broker's is for localhost; by its number it is somebody else."""
    assert "certificate was not accepted" in refusal(secured.url("meetings", host="127.0.0.1"))


def test_who_shows_no_certificate_or_a_strangers_is_not_let_in(secured: Secured, tmp_path: Path) -> None:
    """Even with the right password."""
    assert refusal(secured.url("meetings", certfile="", keyfile=""))
    certificate, key = Authority(tmp_path / "stranger").sign("meetings")
    assert refusal(secured.url("meetings", certfile=str(certificate), keyfile=str(key)))


def test_a_wrong_password_is_told_as_such(secured: Secured) -> None:
    """And the password is not."""
    url = secured.url("meetings").replace(secured.passwords["meetings"], "wrong-password")
    said = refusal(url)
    assert "refuses our user" in said
    assert "wrong-password" not in said


def _keys(folder: Path) -> Path:
    make_keys(folder / "keys")
    return folder / "keys"
