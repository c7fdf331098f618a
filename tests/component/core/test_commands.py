"""What the requests' side promises: once per request id, in time, signed by who may, refused without a trace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import aio_pika
import pytest

from shared.contracts.base import Actor, Role
from shared.contracts.errors import Fault, Forbidden, Invalid, PayloadDiffers, TooLate, Unanswered, Unreachable
from shared.gateway.client import Client
from shared.messaging.requests import ask_bytes, read_reply
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id, new_traceparent
from tests.support.broker import TestBroker
from tests.support.probe.service import SECRET, AskElsewhere, CounterValue, Full, Raise, ReadCounter
from tests.support.processes import eventually
from tests.support.site import Site, chapter
from tests.support.world import ring

T = TypeVar("T")

MEMBER = Actor(role=Role.MEMBER, id="member-1")
REQUESTS = "feedback.requests"


def talk(site: Site, say: Callable[[Client], Awaitable[T]], *, name: str = "portal") -> T:
    """A conversation of a gateway with the probe."""

    async def run() -> T:
        async with Client(site.broker_url, ring(name)) as client:
            return await say(client)

    return asyncio.run(run())


def signed(request: Any, *, signer: str = "portal", actor: Actor = MEMBER, **more: Any) -> tuple[bytes, str]:
    """A request's body and signature, as its signer would send it."""
    given = {"request_id": new_id(), "deadline": real_now() + timedelta(seconds=10), "keys": ring(signer)} | more
    body, signature = ask_bytes(request, actor=actor, correlation_id=new_id(), traceparent=new_traceparent(), **given)
    return body, signature.hex()


def raw(site: Site, *sent: tuple[bytes, Any]) -> list[bytes]:
    """Send any bytes with any signature header; the replies, in order. Fails the test when one does not come."""

    async def run() -> list[bytes]:
        async with await aio_pika.connect(site.broker_url) as connection:
            channel = await connection.channel(publisher_confirms=False)
            replies: dict[str, bytes] = {}
            all_there = asyncio.Event()

            async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
                replies[str(message.correlation_id)] = message.body
                if len(replies) == len(sent):
                    all_there.set()

            queue = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
            await queue.consume(take, no_ack=True)
            for number, (body, signature) in enumerate(sent):
                headers = None if signature is None else {"signature": signature}
                message = aio_pika.Message(
                    body, reply_to="amq.rabbitmq.reply-to", correlation_id=str(number), headers=headers
                )
                await channel.default_exchange.publish(message, REQUESTS)
            await asyncio.wait_for(all_there.wait(), 15)
            return [replies[str(number)] for number in range(len(sent))]

    return asyncio.run(run())


def value(site: Site, name: str) -> int:
    """The counter as it stands."""
    return talk(site, lambda client: client.ask(ReadCounter(name=name), MEMBER)).value


def test_a_command_sent_twice_answers_the_same_and_takes_effect_once(running: Site) -> None:
    """One after the other and at the same moment."""
    name, request_id = new_id(), new_id()

    async def say(client: Client) -> list[CounterValue]:
        first = await client.send(Raise(name=name), MEMBER, request_id=request_id)
        rest = [client.send(Raise(name=name), MEMBER, request_id=request_id) for _ in range(20)]
        return [first, *await asyncio.gather(*rest)]

    assert {answer.value for answer in talk(running, say)} == {1}
    assert value(running, name) == 1


def test_a_request_id_with_another_payload_or_actor_is_refused(running: Site) -> None:
    """The form was sent before, with other content or by someone else."""
    name, request_id = new_id(), new_id()

    async def say(client: Client) -> None:
        await client.send(Raise(name=name), MEMBER, request_id=request_id)
        with pytest.raises(PayloadDiffers):
            await client.send(Raise(name=name, by=2), MEMBER, request_id=request_id)
        with pytest.raises(PayloadDiffers):
            await client.send(Raise(name=name), Actor(role=Role.MEMBER, id="another"), request_id=request_id)

    talk(running, say)
    assert value(running, name) == 1


def test_who_waits_for_another_service_holds_up_nobody(running: Site) -> None:
    """Also who came later, with a command, is answered before; and the first is answered too."""
    name = new_id()

    async def say(client: Client) -> list[tuple[str, int]]:
        order: list[tuple[str, int]] = []

        async def waiting() -> None:
            order.append(("elsewhere", (await client.ask(AskElsewhere(name=name, seconds=2.0), MEMBER)).value))

        asked = asyncio.create_task(waiting())
        await asyncio.sleep(0.2)
        order.append(("here", (await client.send(Raise(name=name), MEMBER, request_id=new_id())).value))
        await asked
        return order

    assert talk(running, say) == [("here", 1), ("elsewhere", 1)]


def test_a_command_past_its_deadline_is_not_begun(running: Site) -> None:
    """It may have waited in the queue while its caller gave up."""
    name = new_id()
    late = real_now() - timedelta(milliseconds=1)
    replies = raw(running, signed(Raise(name=name), deadline=late), signed(ReadCounter(name=name), deadline=late))
    for reply in replies:
        with pytest.raises(TooLate):
            read_reply(reply, CounterValue)
    assert value(running, name) == 0


def test_a_request_expires_with_its_deadline_in_a_queue_that_nobody_serves(site: Site) -> None:
    """The caller is told in time, and a service that starts later finds nothing to do."""
    name = new_id()

    async def say(client: Client) -> None:
        with pytest.raises(Unanswered):
            await client.send(Raise(name=name), MEMBER, request_id=new_id(), seconds=0.3)

    talk(site, say)
    site.start()
    assert value(site, name) == 0


def test_only_who_may_sign_for_a_role_is_believed(running: Site) -> None:
    """Forged, tampered with, unsigned, by another signer, or for a role that is not theirs: nothing is done."""
    name = new_id()
    body, signature = signed(Raise(name=name))
    tampered = body.replace(b'"by":1', b'"by":9')
    assert tampered != body
    regional = Actor(role=Role.REGIONAL, id="someone")
    unknown = json.dumps(json.loads(body) | {"signer": "nobody"}).encode()
    sent = [
        (tampered, signature),
        (body, "00" * 64),
        (body, ""),
        (body, "no hex"),
        (body, None),
        (unknown, signature),
        signed(Raise(name=name), actor=regional),
        signed(Raise(name=name), signer="admin"),
        signed(Raise(name=name), actor=Actor(role=Role.SERVICE, id="meetings")),
    ]
    for reply in raw(running, *sent):
        with pytest.raises(Forbidden):
            read_reply(reply, CounterValue)
    assert value(running, name) == 0


def test_what_is_no_request_is_refused_with_the_field_named(running: Site) -> None:
    """Unreadable, of an unknown type, with a naive deadline, or with a wrong field; the process lives on."""
    asked = json.loads(signed(Raise(name="x"))[0])
    naive = asked | {"deadline": "2036-01-01T00:00:00"}
    stranger = asked | {"type": "feedback.no_such.v1"}
    wrong = asked | {"payload": {"name": "x", "by": "many"}}
    portal = ring("portal")
    bodies = [b"\xff", *(json.dumps(each).encode() for each in (naive, stranger, wrong))]
    fields = []
    for reply in raw(running, *((body, portal.sign(body).hex()) for body in bodies)):
        with pytest.raises(Invalid) as told:
            read_reply(reply, CounterValue)
        fields.append(told.value.field)
    assert fields == [None, None, "type", "by"]


def test_a_refusal_undoes_its_own_and_not_its_batch_mates(running: Site) -> None:
    """All at once, in few batches: as many effects as there is room for, the rest refused as what they are."""
    name = new_id()

    async def say(client: Client) -> list[Any]:
        asks = [client.send(Raise(name=name, most=25), MEMBER, request_id=new_id(), seconds=20) for _ in range(60)]
        return await asyncio.gather(*asks, return_exceptions=True)

    answers = talk(running, say)
    refused = [each for each in answers if isinstance(each, Full)]
    assert len(refused) == 35
    assert {(each.field, each.facts["most"]) for each in refused} == {("by", 25)}
    assert sorted(each.value for each in answers if isinstance(each, CounterValue)) == list(range(1, 26))
    assert value(running, name) == 25


def test_a_fault_is_told_without_its_text_and_costs_its_batch_mates_nothing(running: Site) -> None:
    """The log has it under its correlation id, and has no text either."""
    name = new_id()

    async def say(client: Client) -> list[Any]:
        asks = [
            client.send(Raise(name=name, fault=number == 3), MEMBER, request_id=new_id(), seconds=20)
            for number in range(10)
        ]
        return await asyncio.gather(*asks, return_exceptions=True)

    answers = talk(running, say)
    faults = [each for each in answers if isinstance(each, BaseException)]
    assert [type(each) for each in faults] == [Fault]
    assert SECRET not in str(faults[0])
    assert value(running, name) == 9
    logs = running.logs()
    assert faults[0].correlation_id in logs
    assert SECRET not in logs


def test_two_processes_that_get_one_request_give_one_answer(site: Site) -> None:
    """Also when both begin before either commits."""
    site.start()
    site.start()
    ids = [new_id() for _ in range(15)]

    async def say(client: Client) -> list[Any]:
        asks = [
            client.send(Raise(name=request_id, seconds=0.02), MEMBER, request_id=request_id, seconds=20)
            for request_id in ids
            for _ in range(4)
        ]
        return await asyncio.gather(*asks, return_exceptions=True)

    assert {str(answer) for answer in talk(site, say)} == {"value=1"}
    assert [value(site, request_id) for request_id in ids] == [1] * len(ids)


def test_a_request_that_took_effect_is_refused_by_no_second_process(site: Site) -> None:
    """A redelivery that is handled while the first is being committed waits, and finds its answer."""
    site.start()
    site.start()
    ids = [new_id() for _ in range(15)]

    async def say(client: Client) -> list[Any]:
        for request_id in ids:
            await client.send(Raise(name=request_id, by=0), MEMBER, request_id=new_id())
        asks = [
            client.send(Raise(name=request_id, most=1, seconds=0.02), MEMBER, request_id=request_id, seconds=20)
            for request_id in ids
            for _ in range(4)
        ]
        return await asyncio.gather(*asks, return_exceptions=True)

    assert {str(answer) for answer in talk(site, say)} == {"value=1"}


@asynccontextmanager
async def gateway(site: Site) -> AsyncIterator[Client]:
    """A gateway that is connected."""
    async with Client(site.broker_url, ring("portal")) as client:
        assert client.connected
        yield client


def test_a_gateway_says_at_once_that_the_broker_is_away_and_comes_back_by_itself(
    one_site: Site, broker: TestBroker
) -> None:
    """Killed in the middle of a command: Unanswered; asked for while it is away: Unreachable, since nothing leaves.
    Sent again under its id it takes effect once. The live stream ends, and can be followed anew.
    """
    site = one_site
    site.start()
    name, request_id = new_id(), new_id()

    heard = asyncio.Event()

    async def follow(client: Client) -> None:
        async for _ in client.follow():
            heard.set()

    async def followed() -> None:
        while not heard.is_set():
            await asyncio.to_thread(site.say, chapter())
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.2)

    async def run() -> int:
        async with gateway(site) as client:
            live = asyncio.create_task(follow(client))
            await asyncio.wait_for(followed(), 20)
            slow = asyncio.create_task(
                client.send(Raise(name=name, seconds=8), MEMBER, request_id=request_id, seconds=30)
            )
            begun = site.folder / f"try-{name}"
            await asyncio.to_thread(eventually, begun.exists, what="the command's beginning")
            await asyncio.to_thread(broker.kill)
            with pytest.raises(Unanswered):
                await asyncio.wait_for(slow, 5)
            began = asyncio.get_running_loop().time()
            with pytest.raises(Unreachable) as away:
                await client.ask(ReadCounter(name=name), MEMBER)
            assert away.type is Unreachable
            assert asyncio.get_running_loop().time() - began < 0.5
            await asyncio.wait_for(live, 5)
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(60):
                while True:
                    try:
                        again = await client.send(Raise(name=name, seconds=8), MEMBER, request_id=request_id)
                        break
                    except Unreachable:
                        await asyncio.sleep(0.2)
            return again.value

    assert asyncio.run(run()) == 1
    assert value(site, name) == 1
