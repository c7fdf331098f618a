"""Why the subscriber is ours: each promise below is broken by stock Nameko, and kept by what stands in its place.

Swap our subscriber for ``nameko.events.event_handler`` and these turn red.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import amqp
import pytest
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError as BrokerAway
from nameko.standalone.events import event_dispatcher

from services.local.ports import free_ports
from shared.contracts.meetings import ChapterOpened
from tests.support.broker import TestBroker
from tests.support.processes import eventually
from tests.support.site import QUEUE, Said, Site, chapter
from tests.support.zygote import Forked, Zygote

PATIENCE = 3.0
"""Seconds in which a promise must hold. Ours are a small part of it."""


class Ours(Site):
    """Our subscriber and relay."""

    queue = QUEUE

    def begin(self, *, wait: bool = True, **settings: str) -> Forked:
        """Start a process."""
        return self.start(wait=wait, **settings)

    def throw(self, *bodies: bytes) -> None:
        """Any bytes into the service's queue."""
        self.put(bodies, "", self.queue)

    def say_unheard(self, said: Said) -> None:
        """Commit an event that no queue is bound for."""
        self.record(said, kind="feedback.from_the_future.v1")

    def say_without_broker(self, said: Said) -> None:
        """Commit an event while the broker is away."""
        self.record(said)

    def kept(self, body: bytes) -> bool:
        """Whether these bytes lie anywhere at all."""
        if body in {bytes(row.body) for row in self.parked().values()}:
            return True
        return any(body == bytes(message.body) for message in self.take("unrouted"))


class Stock(Ours):
    """Nameko's own event handler and dispatcher."""

    queue = f"evt-meetings-{ChapterOpened.type}--feedback.keep"

    def __init__(self, zygote: Zygote, broker_url: str, database_url: str, folder: Path) -> None:
        super().__init__(zygote, broker_url, database_url, folder)
        with self.broker() as connection:  # as its processes would, but before the first event
            exchange = Exchange("meetings.events", type="topic", durable=True)
            Queue(self.queue, exchange, routing_key=ChapterOpened.type)(connection.default_channel).declare()

    def begin(self, *, wait: bool = True, **settings: str) -> Forked:
        before = self.consumers(self.queue)
        child = self.start("tests.support.stock.running", wait=False, **settings)
        if wait:
            eventually(lambda: self.consumers(self.queue) > before or not child.alive(), every=0.05)
        return child

    def say(self, *said: Said) -> None:
        self.throw(*(each.body for each in said))

    def throw(self, *bodies: bytes) -> None:
        with self.broker() as connection:
            for body in bodies:
                message = amqp.Message(body, content_type="application/json", content_encoding="utf-8", delivery_mode=2)
                connection.default_channel.basic_publish(message, exchange="", routing_key=self.queue)

    def say_unheard(self, said: Said) -> None:
        event_dispatcher({"AMQP_URI": self.broker_url})("meetings", "nobody_hears", said.body.decode())

    def say_without_broker(self, said: Said) -> None:
        with suppress(BrokerAway, OSError):
            away = {"AMQP_URI": f"amqp://127.0.0.1:{free_ports(1)[0]}", "PUBLISHER_RETRY_POLICY": {"max_retries": 0}}
            event_dispatcher(away, retry=False)("meetings", ChapterOpened.type, said.body.decode())


def takes_effect(it: Ours, said: Said) -> None:
    """Once, in time."""
    eventually(lambda: it.effects()[said.key] == 1, within=PATIENCE, what="the effect")


def what_fails_once_is_tried_again(it: Ours) -> None:
    it.begin()
    it.say(said := chapter("fail 1"))
    takes_effect(it, said)


def poison_is_tried_a_few_times_and_kept(it: Ours) -> None:
    it.begin(stock_requeue="1")
    it.say(poison := chapter("poison"))
    with suppress(AssertionError):
        eventually(lambda: it.kept(poison.body), within=PATIENCE)
    assert (it.folder / f"try-{poison.key}").stat().st_size < 10
    assert it.kept(poison.body)


def what_cannot_be_read_is_kept(it: Ours) -> None:
    it.begin()
    it.throw(b"no json")
    it.say(said := chapter())
    takes_effect(it, said)
    eventually(lambda: it.kept(b"no json"), within=PATIENCE)


def killed_before_the_commit_it_comes_again(it: Ours) -> None:
    it.say(said := chapter())
    assert it.begin(wait=False, kill_at="before commit").wait(20) == -signal.SIGKILL
    it.begin()
    takes_effect(it, said)


def a_lost_heartbeat_ends_no_process_and_doubles_nothing(it: Ours) -> None:
    child = it.begin(broker_url=f"{it.broker_url}?heartbeat=1")
    it.say(said := chapter("block 5"))
    eventually(lambda: it.effects()[said.key] >= 1 or not child.alive(), within=12)
    with suppress(AssertionError):
        eventually(lambda: not child.alive() or it.effects()[said.key] > 1, within=PATIENCE)
    assert child.alive()
    assert it.effects()[said.key] == 1


def a_stop_finishes_and_acknowledges_what_was_begun(it: Ours) -> None:
    child = it.begin()
    it.say(said := chapter("slow 5"))
    eventually((it.folder / f"try-{said.key}").exists)
    child.ask_to_stop()
    assert child.wait(20) == 0
    assert it.effects()[said.key] == 1
    with suppress(AssertionError):
        eventually(lambda: it.ready(it.queue) > 0, within=1.5)
    assert it.ready(it.queue) == 0, "what took effect comes again"


def a_database_away_ends_no_process(it: Ours) -> None:
    child = it.begin(stock_session="eager")
    with it.database_away(None):
        it.say(said := chapter())
        with suppress(AssertionError):
            eventually(lambda: not child.alive(), within=PATIENCE)
    assert child.alive()
    takes_effect(it, said)


def an_event_that_nobody_hears_is_kept(it: Ours) -> None:
    it.begin()
    it.say_unheard(said := chapter())
    eventually(lambda: it.kept(said.body), within=PATIENCE)


def an_event_said_without_a_broker_arrives_once_it_is_back(it: Ours) -> None:
    it.say_without_broker(said := chapter())
    it.begin()
    takes_effect(it, said)


PROMISES = [
    what_fails_once_is_tried_again,
    poison_is_tried_a_few_times_and_kept,
    what_cannot_be_read_is_kept,
    killed_before_the_commit_it_comes_again,
    a_lost_heartbeat_ends_no_process_and_doubles_nothing,
    a_stop_finishes_and_acknowledges_what_was_begun,
    a_database_away_ends_no_process,
    an_event_that_nobody_hears_is_kept,
    an_event_said_without_a_broker_arrives_once_it_is_back,
]


@pytest.fixture(params=[Ours, Stock], ids=["ours", "stock"])
def it(request: pytest.FixtureRequest, zygote: Zygote, broker: TestBroker, tmp_path: Path) -> Iterator[Ours]:
    """One or the other, on SQLite: that ours keeps its promises on both databases is the other modules' matter."""
    made = request.param(zygote, broker.new_vhost(), f"sqlite:///{tmp_path}/feedback.db", tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_ours_keeps_the_promise_and_stock_nameko_breaks_it(it: Ours, promise: Callable[[Ours], None]) -> None:
    """One test for both, so that neither can pass for want of a real scenario."""
    if isinstance(it, Stock):
        with pytest.raises(AssertionError):
            promise(it)

        return
    promise(it)


def test_stock_nameko_handles_an_event_when_nothing_goes_wrong(
    zygote: Zygote, broker: TestBroker, tmp_path: Path
) -> None:
    """Else its broken promises would prove nothing."""
    it = Stock(zygote, broker.new_vhost(), f"sqlite:///{tmp_path}/feedback.db", tmp_path)
    try:
        it.begin()
        it.say(said := chapter())
        takes_effect(it, said)
    finally:
        it.close()
