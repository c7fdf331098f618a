"""A service without a broker: the same dispatcher, store and entrypoints, a clock that stands until stepped.

``World(Service, store)`` delivers events, sends commands, asks queries and reads back what was published.
Deliveries go through the real envelope, inbox and transactions; requests through the real signatures.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from shared.contracts.base import Actor, Command, Event, Query, Role, View
from shared.contracts.errors import Fault, Refused
from shared.messaging.answering import RequestDelivery
from shared.messaging.dispatch import Delivery, Dispatcher, Verdict
from shared.messaging.envelope import Cause, decode, encode
from shared.messaging.requests import ask_bytes, read_reply
from shared.runtime.clock import SteppedClock, real_now
from shared.runtime.ids import new_id, new_traceparent
from shared.runtime.keys import KeyRing, load_keys, make_keys
from shared.storage import core
from shared.storage.work import Store, Work

E = TypeVar("E", bound=Event)
V = TypeVar("V", bound=View)

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

SIGNER = {
    Role.VISITOR: "portal",
    Role.MEMBER: "portal",
    Role.PROVIDER: "portal",
    Role.COORDINATOR: "admin",
    Role.REGIONAL: "admin",
    Role.OPERATOR: "operator",
    Role.SERVICE: "notifications",
}


@functools.cache
def key_folder() -> Path:
    """One set of keys for a test run."""
    folder = Path(tempfile.mkdtemp(prefix="chapterhouse-keys-"))
    make_keys(folder)
    return folder


@functools.cache
def ring(name: str) -> KeyRing:
    """The key ring of a principal."""
    return load_keys(key_folder(), name)


class World:
    """One service and its store, driven by hand."""

    def __init__(self, service: Any, store: Store[Any], clock: SteppedClock) -> None:
        self.service = service
        self.store = store
        self.clock = clock
        self.dispatcher: Dispatcher[Work] = Dispatcher(service, store, attempts=0)
        self._sequences: dict[str, int] = {}

    def seal(self, text: str) -> Any:
        """Seal a text to this service, as a gateway does."""
        return ring("portal").seal_for(self.store.keys.name, text)

    def bytes_of(self, event: Event) -> bytes:
        """The envelope of an event, with the next sequence of its subject."""
        sequence = self._sequences[event.subject_id] = self._sequences.get(event.subject_id, 0) + 1
        return encode(event, event_id=new_id(), sequence=sequence, at=self.clock.now(), cause=Cause.root())

    def deliver(self, *events: Event, times: int = 1) -> None:
        """Deliver events in one batch, the batch so many times. An event that cannot be handled fails the test."""
        batch = [Delivery(self.bytes_of(event)) for event in events]
        for _ in range(times):
            assert all(verdict is Verdict.DONE for verdict in self.dispatcher.events(batch))
        with self.store.reading() as work:
            parked = work.connection.execute(
                select(core.parked.c.type, core.parked.c.handler, core.parked.c.reason)
            ).all()
        assert not parked, f"parked: {parked}"

    def send(self, command: Command[V], actor: Actor, *, request_id: str | None = None) -> V:
        """Send a command; its answer. Raises its refusal, or Fault."""
        return self._request(command, actor, request_id or new_id())

    def ask(self, query: Query[V], actor: Actor) -> V:
        """Ask a query; its view. Raises its refusal, or Fault."""
        return self._request(query, actor, new_id())

    def send_together(self, *commands: tuple[Command[Any], Actor], ids: Sequence[str] = ()) -> list[Any]:
        """Send commands in one batch, under these request ids where given; of each its answer, or what it would raise."""
        batch = list(zip(commands, ids or [new_id() for _ in commands], strict=True))
        replies = self.dispatcher.requests([_asked(*asked, request_id) for asked, request_id in batch])
        return [_read(reply, command) for reply, (command, _) in zip(replies, commands, strict=True)]

    def _request(self, request: Any, actor: Actor, request_id: str) -> Any:
        reply = self.dispatcher.requests([_asked(request, actor, request_id)])[0]
        return read_reply(reply, type(request).answer_type())

    def tick(self, **step: float) -> None:
        """Step the clock (timedelta keywords), then run every timer of the service once."""
        if step:
            self.clock.step(**step)
        for name, _ in self.dispatcher.entrypoints.every:
            self.dispatcher.tick(name)

    def said(self) -> Sequence[Event]:
        """Everything that was published, in order."""
        with self.store.reading() as work:
            bodies = work.connection.scalars(select(core.outbox.c.body).order_by(core.outbox.c.position)).all()
        return [decode(body)[1] for body in bodies]

    def published(self, kind: type[E]) -> list[E]:
        """What was published of this kind, in order."""
        return [event for event in self.said() if isinstance(event, kind)]


def _asked(request: Any, actor: Actor, request_id: str) -> RequestDelivery:
    body, signature = ask_bytes(
        request,
        actor=actor,
        keys=ring(SIGNER[actor.role]),
        request_id=request_id,
        correlation_id=new_id(),
        traceparent=new_traceparent(),
        deadline=real_now() + timedelta(seconds=30),
    )
    return RequestDelivery(body, signature)


def _read(reply: bytes, request: Any) -> Any:
    try:
        return read_reply(reply, type(request).answer_type())
    except (Refused, Fault) as error:
        return error


def coordinator(*chapters: str) -> Actor:
    """A coordinator of these chapters."""
    return Actor(role=Role.COORDINATOR, id="coordinator-1", chapters=tuple(chapters))  # type: ignore[arg-type]


def member(member_id: str) -> Actor:
    """A signed-in member."""
    return Actor(role=Role.MEMBER, id=member_id)


VISITOR = Actor(role=Role.VISITOR)
OPERATOR = Actor(role=Role.OPERATOR, id="operator")
REGIONAL = Actor(role=Role.REGIONAL, id="regional-1")
SERVICE = Actor(role=Role.SERVICE, id="notifications")
