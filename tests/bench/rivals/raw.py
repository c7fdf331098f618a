"""Fills the queue with the events as they are, for those who read them so."""

from __future__ import annotations

import amqp
from kombu import Connection

from tests.bench.rivals import effect


def fill(events: list[bytes]) -> None:
    """Confirmed, all of them."""
    with Connection(effect.BROKER) as connection:
        channel = connection.default_channel
        channel.queue_declare(effect.QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        channel.confirm_select()
        waiting = set(range(1, len(events) + 1))

        def confirmed(tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's signature
            waiting.difference_update({t for t in waiting if t <= tag} if multiple else {tag})

        channel.events["basic_ack"].add(confirmed)
        for event in events:
            message = amqp.Message(event, delivery_mode=2, content_type="application/json", content_encoding="utf-8")
            channel.basic_publish(message, exchange="", routing_key=effect.QUEUE)
        while waiting:
            connection.drain_events(timeout=10)
