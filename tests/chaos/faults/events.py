"""Events that come twice, late and out of order; and what is no event, or none that we know."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amqp
from amqp.exceptions import AMQPError
from kombu import Connection

from shared.contracts.subscriptions import SUBSCRIPTIONS
from tests.chaos import databases
from tests.chaos.databases import Said
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.faults.processes import HEARING
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork

CONFIRMED_WITHIN = 10
"""Seconds."""
HANDLED_WITHIN = 8.0
"""Seconds."""
LOST = (AMQPError, OSError)
ATTEMPT = "x-attempt"
"""The one header that is ours: the rung of the ladder. The others are the broker's account of the message's way."""


@contextmanager
def channel(network: ChaosNetwork) -> Iterator[Any]:
    """A channel of ours, with confirms: what was published when the context ends is with the broker."""
    url = network.network.broker.url.split(";")[0]
    with Connection(url, connect_timeout=5, transport_options={"confirm_publish": True}) as connection:
        yield connection.channel()


def publish(to: Any, body: bytes, *, exchange: str, routing_key: str, like: Any = None) -> None:
    """One message, as the relay publishes it (or as another one was), and wait for its confirm."""
    properties = {} if like is None else dict(like.properties)
    headers = {} if like is None else {k: v for k, v in (like.headers or {}).items() if k == ATTEMPT}
    message = amqp.Message(
        body,
        **{
            "content_type": "application/cloudevents+json",
            "delivery_mode": 2,
            **{name: value for name, value in properties.items() if name != "application_headers"},
            "application_headers": headers,
        },
    )
    to.basic_publish_confirm(message, exchange=exchange, routing_key=routing_key, timeout=CONFIRMED_WITHIN)


def hearers(event: Said) -> int:
    """How many services hear of this."""
    return sum(any(each.type == event.type for each in heard) for heard in SUBSCRIPTIONS.values())


def handled(network: ChaosNetwork) -> float:
    """Events that are done, as the services count them."""
    return network.metrics(network.service_processes(), "chapterhouse_events_handled_total", outcome="done")


@dataclass(frozen=True)
class Again(Fault):
    """Events that were said are said again: the same bytes, to all who hear them."""

    kind: str
    shuffled: bool
    minimum: int = 3
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that the broker took them, and that the services dealt with as many more."""
        before = handled(network)
        events = databases.said(network, rng, 40)
        copies = [event for event in events for _ in range(1 if self.shuffled else 2)]
        if self.shuffled:
            rng.shuffle(copies)
        expected = sum(map(hearers, copies))
        try:
            with channel(network) as to:
                for event in copies:
                    publish(to, event.body, exchange="events", routing_key=event.type)
        except LOST as lost:
            return Effect(self.kind, observed=False, what=f"the broker did not take them: {type(lost).__name__}")
        until(lambda: handled(network) - before >= expected, HANDLED_WITHIN, every=0.2)
        seen = handled(network) - before
        what = f"{len(copies)} said again, {expected} to be heard, {seen:.0f} dealt with"
        return Effect(self.kind, observed=expected > 0 and seen >= expected, what=what)


@dataclass(frozen=True)
class HeldBack(Fault):
    """Events that a service has not seen yet are taken out of its queue, and put back later in another order."""

    minimum: int = 3
    kind: str = "events delayed and shuffled"
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: how many were held, for how long. A message is back, and confirmed, before it is acknowledged."""
        role = rng.choice(HEARING[:2])
        began = time.monotonic()
        try:
            held = self._hold(network, f"{role}.events", rng)
        except LOST as lost:
            return Effect(self.kind, observed=False, what=f"the broker went away: {type(lost).__name__}")
        what = f"{role}: {held} held for up to {time.monotonic() - began:.0f} s and given back in another order"
        return Effect(self.kind, observed=held > 0, what=what)

    def _hold(self, network: ChaosNetwork, queue: str, rng: random.Random) -> int:
        held: list[Any] = []
        with channel(network) as to:
            to.auto_decode = False
            to.basic_qos(0, 50, False)
            to.basic_consume(queue, consumer_tag="held", callback=held.append)
            lasts, began = rng.uniform(2.0, 5.0), time.monotonic()
            while time.monotonic() - began < lasts or (not held and time.monotonic() - began < 2 * lasts):
                try:
                    to.connection.drain_events(timeout=0.2)
                except TimeoutError:
                    continue
            to.basic_cancel("held")
            shuffled = rng.sample(held, len(held))
            for message in shuffled:
                publish(to, bytes(message.body), exchange="", routing_key=queue, like=message)
            for message in held:
                to.basic_ack(message.delivery_info["delivery_tag"])
        return len(held)


@dataclass(frozen=True)
class Stranger:
    """A body that a service must park."""

    body: bytes
    event_id: str
    reason: str


def strangers(rng: random.Random) -> tuple[list[Stranger], list[Stranger]]:
    """What is malformed, and what is from the future or of a type that nobody knows."""
    envelope = {
        "specversion": "1.0",
        "source": "/chapterhouse/registration",
        "subject": "seat-1",
        "time": "2031-01-01T00:00:00Z",
        "sequence": 1,
        "correlationid": "chaos",
    }

    def known(kind: str, data: object, reason: str) -> Stranger:
        event_id = f"chaos-{rng.getrandbits(64):016x}"
        body = json.dumps({**envelope, "id": event_id, "type": kind, "data": data}).encode()
        return Stranger(body, event_id, reason)

    def unknown(body: bytes) -> Stranger:
        return Stranger(body, hashlib.sha256(body).hexdigest(), "undecodable")

    whole = known("registration.seat_confirmed.v1", {}, "").body
    malformed = [
        unknown(rng.randbytes(rng.randint(1, 4000))),
        unknown(b""),
        unknown(whole[: len(whole) // 2]),
        unknown(b'{"specversion": "1.0", "n": %d}' % rng.getrandbits(32)),
        unknown(b"\xff\xfe\x00" + rng.randbytes(8)),
        known("registration.seat_confirmed.v1", {"seat_id": 7}, "invalid"),
        known("meetings.meeting_scheduled.v1", {"meeting_id": "x" * 10_000}, "invalid"),
    ]
    future = [
        known("registration.seat_confirmed.v9", {"seat_id": "s", "more": True}, "unknown_type"),
        known("meetings.comet_seen.v1", {}, "unknown_type"),
    ]
    return malformed, future


@dataclass(frozen=True)
class Strange(Fault):
    """What no service can handle lies in its queue, between what it can."""

    kind: str
    future: bool
    minimum: int = 2
    in_short: bool = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: each in the parking lot, with its reason. What must be found there is written down first."""
        role = rng.choice(HEARING)
        chosen = strangers(rng)[self.future]
        _write_down(network, role, chosen)
        try:
            with channel(network) as to:
                for each in chosen:
                    publish(to, each.body, exchange="", routing_key=f"{role}.events")
        except LOST as lost:
            return Effect(self.kind, observed=False, what=f"the broker did not take them: {type(lost).__name__}")
        expected = {each.event_id: each.reason for each in chosen}
        until(lambda: expected.items() <= databases.parked(network, role).items(), HANDLED_WITHIN, every=0.2)
        parked = len(expected.items() & databases.parked(network, role).items())
        what = f"{role}: {len(expected)} put into its queue, {parked} parked with the right reason"
        return Effect(self.kind, observed=parked == len(expected), what=what)


def _write_down(network: ChaosNetwork, role: str, chosen: list[Stranger]) -> None:
    with network.malformed.open("a") as lines:
        for each in chosen:
            lines.write(json.dumps({"service": role, "event_id": each.event_id, "reason": each.reason}) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


FAULTS: tuple[Fault, ...] = (
    Again("events doubled", shuffled=False),
    Again("old events again, shuffled", shuffled=True, in_short=False),
    HeldBack(),
    Strange("malformed events", future=False),
    Strange("events from the future", future=True),
)
