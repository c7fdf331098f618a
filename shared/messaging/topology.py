"""Every exchange, queue and binding, with every argument said, so that RabbitMQ 3.10 and 4.x behave alike.

    events (topic) ──type──▶ <service>.events (quorum) ──delivery limit──▶ dead (direct) ▶ <service>.dead
       │ └─types no service hears──▶ live (topic): gateways listen in; nothing else
       └─unknown types──▶ unrouted (fanout) ▶ unrouted (alarmed)
    retry.<ms> (fanout) ▶ retry.<ms> (quorum, TTL) ──▶ back to the queue that the routing key names
    <service>.requests (quorum): commands and queries; a request expires with its deadline

No queue has a maximum length: one full queue would make the exchange refuse for everyone. How many nodes of a cluster
keep a copy of a queue is not said here: it is decided when a queue is made, and by the operator when nodes are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from amqp.exceptions import AccessRefused, NotFound, PreconditionFailed
from kombu import Connection, Exchange, Queue

from shared.contracts.base import EVENTS
from shared.contracts.subscriptions import SUBSCRIPTIONS

log = structlog.get_logger()

DELIVERY_LIMIT = 100
"""A backstop only: a kill raises the count of every prefetched event, guilty or not."""

events = Exchange("events", type="topic", durable=True, arguments={"alternate-exchange": "unrouted"})
live = Exchange("live", type="topic", durable=True)
unrouted = Exchange("unrouted", type="fanout", durable=True)
dead = Exchange("dead", type="direct", durable=True)

NO_LIMIT = 2**31 - 1
"""Deliveries of a message that nothing may drop: RabbitMQ 4 drops after 20 where nothing is said."""

_QUORUM: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": NO_LIMIT}


def events_queue(service: str) -> Queue:
    """The one queue of a service that events come to; any number of its processes compete on it."""
    arguments = (
        _QUORUM
        | {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": dead.name,
            "x-dead-letter-routing-key": service,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # what at-least-once dead-lettering asks for; without a length it refuses nothing
        }
    )
    return Queue(f"{service}.events", durable=True, queue_arguments=arguments)


def dead_queue(service: str) -> Queue:
    """What the broker gave up on; the service moves it into its parking lot."""
    return Queue(f"{service}.dead", exchange=dead, routing_key=service, durable=True, queue_arguments=_QUORUM)


def requests_queue(service: str) -> Queue:
    """Commands and queries. They are transient, the queue is not: a classic one is gone as long as its node is."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    return Queue(f"{service}.requests", durable=True, queue_arguments=arguments)


def unrouted_queue() -> Queue:
    """Events of a type that nobody knows: a process newer than the topology. Alarmed."""
    return Queue("unrouted", exchange=unrouted, durable=True, queue_arguments=_QUORUM)


def rung_name(seconds: float) -> str:
    """Exchange and queue of one rung; the delay is in the name, since a queue's arguments never change."""
    return f"retry.{round(seconds * 1000)}"


def rung(seconds: float) -> Queue:
    """One rung of the retry ladder: what lies here comes back after so long to the queue in its routing key."""
    name = rung_name(seconds)
    arguments = _QUORUM | {
        "x-message-ttl": round(seconds * 1000),
        "x-dead-letter-exchange": "",  # the default exchange: the routing key, kept, is a queue's name
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return Queue(name, exchange=Exchange(name, type="fanout", durable=True), durable=True, queue_arguments=arguments)


def exchanges(ladder: Sequence[float]) -> list[Exchange]:
    """Every exchange, in an order in which each may be declared."""
    return [unrouted, dead, live, events, *(rung(seconds).exchange for seconds in ladder)]


def queues(ladder: Sequence[float]) -> list[Queue]:
    """Every queue; one that names an exchange is bound to it."""
    kinds = (dead_queue, requests_queue, events_queue)
    return [
        unrouted_queue(),
        *(rung(seconds) for seconds in ladder),
        *(queue(service) for service in SUBSCRIPTIONS for queue in kinds),
    ]


def only_live() -> list[str]:
    """The types of event that no service hears: they go to the gateways alone, and are not unrouted."""
    return sorted(set(EVENTS) - {event.type for heard in SUBSCRIPTIONS.values() for event in heard})


def declare(connection: Connection, ladder: Sequence[float]) -> None:
    """Declare all of it. Safe to run by every process at every start."""
    with connection.channel() as channel:
        for exchange in exchanges(ladder):
            exchange(channel).declare()
    for queue in queues(ladder):
        _declare_or_keep(connection, queue)
    with connection.channel() as channel:
        for service, heard in SUBSCRIPTIONS.items():
            for event in heard:
                events_queue(service)(channel).bind_to(events, routing_key=event.type)
        for kind in only_live():
            live(channel).bind_to(events, routing_key=kind)


def _declare_or_keep(connection: Connection, queue: Queue) -> None:
    """Declare a queue with its exchange. One that an older release made otherwise is kept, as it may hold something.

    A queue's arguments never change; who wants today's deletes it where it is empty (docs/operating.md).
    """
    channel = connection.channel()
    try:
        queue(channel).declare()
        channel.close()
    except PreconditionFailed:  # the broker has closed the channel
        log.warning("queue_made_otherwise", queue=queue.name)


def furnish(connection: Connection, ladder: Sequence[float], mark: str) -> None:
    """Declare all of it; where our user may not, look whether someone else has. Raises NotFurnished.

    ``mark`` is an exchange whose name tells one topology from another (shared.messaging.definitions): a broker
    without it was furnished for another version, or for another ladder, and might not bind what we say. It is declared
    last: a relay says nothing before, as what is said between an exchange and its bindings would be heard by nobody.
    """
    try:
        declare(connection, ladder)
        with connection.channel() as channel:
            channel.exchange_declare(mark, "fanout", durable=True, auto_delete=False)
    except AccessRefused:
        with connection.channel() as channel:
            try:
                channel.exchange_declare(mark, "fanout", passive=True)
                for queue in queues(ladder):
                    channel.queue_declare(queue.name, passive=True)
            except NotFound as missing:
                raise NotFurnished(mark) from missing


class NotFurnished(ConnectionError):  # noqa: N818 - the broker has yet to be made ready for us
    """The broker lacks what our user may not declare; the operator imports the definitions of this version."""
