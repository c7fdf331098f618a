"""What lies in the broker keeps the books open."""

from __future__ import annotations

import json

import pytest
from kombu import Connection, Producer

from services.local.books.keeping import settle
from shared.messaging.topology import rung_name
from tests.component.local.books_scene import Scene
from tests.support.broker import TestBroker
from tests.support.processes import eventually


@pytest.mark.parametrize(
    ("queue", "line"),
    [
        ("unrouted", "Nothing is unrouted or given up"),
        ("feedback.dead", "Nothing is unrouted or given up"),
        ("notifications.events", "No event is on its way"),
        (rung_name(10.0), "No event is on its way"),
    ],
)
def test_what_lies_in_a_queue_is_seen(scene: Scene, queues: str, queue: str, line: str) -> None:
    """An event that is unrouted, given up, waiting or on the ladder unbalances the books until it is gone."""
    with Connection(queues) as connection, connection.channel() as channel:
        Producer(channel).publish(b"{}", routing_key=queue, delivery_mode=2)
        eventually(lambda: scene.red() == [line])
        waits_for = settle(scene.where, scene.story.clock.now)
        assert waits_for == ([] if queue == "unrouted" else [f"{queue}: 1 ready, 0 unacknowledged"])
        channel.queue_purge(queue)
    eventually(lambda: scene.red() == [])


def test_a_queue_that_is_not_there_is_missed(scene: Scene, broker: TestBroker) -> None:
    """A broker without the topology holds no events, and that is not peace."""
    assert scene.but(broker_url=broker.new_vhost()).red() == [
        "Nothing is unrouted or given up",
        "No event is on its way",
    ]


def test_what_is_unacknowledged_is_under_way(scene: Scene, queues: str) -> None:
    """AMQP does not tell of it; rabbitmqctl does, and the books wait for it."""

    def ctl(*arguments: str) -> str:
        assert arguments[0] == "list_queues"
        rows = [{"name": "notifications.events", "messages_unacknowledged": 3}]
        return "Timeout: 60.0 seconds ...\n" + json.dumps(rows)

    asked = scene.but(ctl=ctl)
    assert settle(asked.where, asked.story.clock.now) == ["notifications.events: 0 ready, 3 unacknowledged"]
    assert asked.red() == ["No event is on its way"]


def test_a_rabbitmqctl_that_gives_up_is_asked_again(scene: Scene, queues: str) -> None:
    """On a busy machine it does, and nothing is wrong with the network."""
    busy = [TimeoutError("timed out after 60 seconds")]

    def ctl(*_arguments: str) -> str:
        if busy:
            raise busy.pop()
        return "[]"

    assert scene.but(ctl=ctl).red() == []
    assert busy == []
