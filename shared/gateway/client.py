"""The gateways' and the command line's way to the broker: aio-pika, direct reply-to, plain reconnecting.

A lost connection fails everything that waits for an answer (Unanswered) and is opened anew in the background;
nothing is repeated behind the caller's back. A command may be sent again under its request id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Self, TypeVar, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError

from shared.contracts.base import Actor, Command, Event, Query, Request, Sealed, View
from shared.contracts.errors import Unanswered, Unreachable
from shared.messaging.envelope import Envelope, Unreadable, decode
from shared.messaging.nodes import in_turn
from shared.messaging.requests import ask_bytes, read_reply
from shared.runtime.address import why
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id, new_traceparent
from shared.runtime.keys import KeyRing

log = structlog.get_logger()

V = TypeVar("V", bound=View)

REPLY_TO = "amq.rabbitmq.reply-to"
LIVE_LENGTH = 10_000
"""A live page may miss; the stream of a gateway that does not keep up drops its oldest."""


async def connect(urls: str, name: str) -> AbstractConnection:
    """A connection to the first of the broker's nodes that lets us in. Raises what the last one raised."""
    lost: Exception = ConnectionError("no broker is named")
    for url in in_turn(urls):
        try:
            return await aio_pika.connect(url, timeout=5, client_properties={"connection_name": name})
        except (AMQPError, OSError, TimeoutError) as error:
            lost = error
    raise lost


class Client:
    """Implements shared.gateway.asking.Asking on a real broker. Use as an async context manager."""

    def __init__(self, url: str, keys: KeyRing) -> None:
        self._url = url
        self._keys = keys
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start connecting; does not wait for the broker (the pages say so when it is away)."""
        self._keeper = asyncio.create_task(self._keep())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._up.wait(), 3)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._connection:
            await self._connection.close()

    @property
    def connected(self) -> bool:
        """Whether the broker answers at this moment."""
        return self._up.is_set()

    def seal_for(self, service: str, text: str) -> Sealed:
        """Seal what a person typed so that only this service can open it."""
        return self._keys.seal_for(service, text)

    def unseal(self, sealed: Sealed) -> str:
        """Open what a service sealed to this gateway."""
        return self._keys.unseal(sealed)

    async def ask(self, query: Query[V], actor: Actor, *, seconds: float = 5.0) -> V:
        """Ask for a view. Raises refusals, Fault, Unreachable."""
        return await self._request(query, actor, new_id(), seconds)

    async def send(self, command: Command[V], actor: Actor, *, request_id: str, seconds: float = 5.0) -> V:
        """Ask for a change. Raises refusals, Fault, Unreachable."""
        return await self._request(command, actor, request_id, seconds)

    async def _request(self, request: Request[V], actor: Actor, request_id: str, seconds: float) -> V:
        channel = self._channel
        if not self.connected or channel is None:
            raise Unreachable("the broker cannot be reached")
        correlation_id = new_id()
        body, signature = ask_bytes(
            request,
            actor=actor,
            keys=self._keys,
            request_id=request_id,
            correlation_id=correlation_id,
            traceparent=new_traceparent(),
            deadline=real_now() + timedelta(seconds=seconds),
        )
        message = aio_pika.Message(
            body,
            reply_to=REPLY_TO,
            correlation_id=correlation_id,
            expiration=timedelta(seconds=seconds),
            headers={"signature": signature.hex()},
        )
        answer = self._answers[correlation_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await channel.default_exchange.publish(message, f"{request.receiver()}.requests", mandatory=True)
                reply = await answer
        except TimeoutError as error:
            raise Unanswered(f"{request.receiver()} did not answer in {seconds:.0f} s") from error
        except PublishError as error:
            raise Unreachable(f"{request.receiver()} has never run on this broker") from error
        except DeliveryError as error:  # this channel may go on being refused: shared.messaging.link.Link.leave
            self._lost.set()
            raise Unanswered(f"the broker could not take a request for {request.receiver()}") from error
        except (AMQPError, ConnectionError, RuntimeError) as error:
            raise Unanswered("the connection to the broker was lost") from error
        finally:
            self._answers.pop(correlation_id, None)
        return cast(V, read_reply(reply, type(request).answer_type()))

    async def follow(self) -> AsyncIterator[tuple[Envelope, Event]]:
        """The event stream from now on; ends when the connection is lost (call again)."""
        await self._up.wait()
        if self._connection is None:
            return
        channel: AbstractChannel | None = None
        try:
            channel = await self._connection.channel()
            queue = await channel.declare_queue(
                exclusive=True,
                auto_delete=True,
                arguments={"x-queue-type": "classic", "x-max-length": LIVE_LENGTH, "x-overflow": "drop-head"},
            )
            await queue.bind("events", routing_key="#")
            async with queue.iterator(no_ack=True) as messages:
                async for message in messages:
                    with contextlib.suppress(Unreadable):
                        yield decode(message.body)
        except (AMQPError, ConnectionError) as error:  # lost while it was being set up
            log.warning("stream_lost_broker", error=type(error).__name__)
        finally:
            with contextlib.suppress(AMQPError, RuntimeError, ConnectionError):
                if channel is not None:
                    await channel.close()

    async def _keep(self) -> None:
        """Connect, wait for the loss, connect again."""
        delay = 0.2
        while True:
            try:
                await self._connect()
                delay = 0.2
                await self._lost.wait()
                log.warning("gateway_lost_broker")
            except Exception as error:  # noqa: BLE001 - whatever it was, a gateway that stops trying is dead
                log.warning("gateway_waiting_for_broker", error=type(error).__name__, why=why(error))
            await self._down()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _connect(self) -> None:
        self._lost = asyncio.Event()
        lost = self._lost
        self._connection = await connect(self._url, f"{self._keys.name} gateway")
        self._connection.close_callbacks.add(lambda *_: lost.set())
        channel = self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(lambda *_: lost.set())
        replies = await channel.get_queue(REPLY_TO, ensure=False)
        await replies.consume(self._answered, no_ack=True)
        self._up.set()

    async def _down(self) -> None:
        """Fail what waits, and close what is left: a channel may be lost while its connection lives."""
        self._up.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Unanswered("the connection to the broker was lost"))
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), 2)

    async def _answered(self, message: AbstractIncomingMessage) -> None:
        answer = self._answers.get(message.correlation_id or "")
        if answer is not None and not answer.done():
            answer.set_result(message.body)
