"""From a batch of deliveries to handlers, transactions and verdicts. Knows no broker.

Events: one transaction a batch, inbox rows in one statement, all of a service's handlers for an event within
it. If the batch fails it is rolled back and run again one event at a time, so that a bad event costs only
itself. Requests are in answering.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

import structlog

from shared.contracts.base import Event
from shared.contracts.errors import NotYet
from shared.messaging import inbox, parking
from shared.messaging.answering import Answering, Later, RequestDelivery
from shared.messaging.breaker import Breaker
from shared.messaging.contention import StoreAway, settled
from shared.messaging.entrypoints import entrypoints_of
from shared.messaging.envelope import Cause, Envelope, Unreadable, decode
from shared.runtime.points import reached
from shared.storage.engine import is_contention
from shared.storage.work import Store, Work

log = structlog.get_logger()

RUNS_ALONE_FROM = 3
"""An event delivered this often runs alone: it may be what killed the process."""

WorkT = TypeVar("WorkT", bound=Work)


class Verdict(Enum):
    """What the transport does with a delivery now. Parking has been done, and committed, by then."""

    DONE = "done"
    RETRY = "retry"
    WAIT = "wait"
    """Its handler is broken, or one that it waits for may be: on the ladder, on the breaker's rung, it does not climb."""


class Delivery(NamedTuple):
    """One event as it came: the bytes, the rung it comes from, how often the broker delivered it."""

    body: bytes
    attempt: int = 0
    deliveries: int = 0


class _Readable(NamedTuple):
    delivery: Delivery
    envelope: Envelope
    event: Event


class Dispatcher(Generic[WorkT]):
    """Runs one service's entrypoints on one store. ``attempts`` is the number of rungs after which an event is parked."""

    def __init__(self, service: Any, store: Store[WorkT], *, attempts: int = 4, breaker: Breaker | None = None) -> None:
        self.service = service
        self.store = store
        self.attempts = attempts
        self.breaker = breaker or Breaker()
        self.entrypoints = entrypoints_of(type(service))
        self._answering = Answering(service, store, self.entrypoints)

    # -- events -------------------------------------------------------------------------------

    def events(self, deliveries: Sequence[Delivery]) -> list[Verdict]:
        """Handle a batch; one verdict a delivery, in order. Raises StoreAway when nothing can be decided."""
        verdicts: dict[int, Verdict] = {}
        together: dict[int, _Readable] = {}
        alone: dict[int, _Readable] = {}
        for index, delivery in enumerate(deliveries):
            readable = self._read(delivery)
            if readable is None:
                verdicts[index] = Verdict.DONE
            elif delivery.deliveries >= RUNS_ALONE_FROM or self.breaker.open(self._handlers(readable)):
                alone[index] = readable
            else:
                together[index] = readable
        if not self._handled_together(list(together.values())):
            alone = together | alone
            together = {}
        verdicts |= dict.fromkeys(together, Verdict.DONE)
        for index, readable in sorted(alone.items()):
            verdicts[index] = self._handled_alone(readable)
        return [verdicts[index] for index in range(len(deliveries))]

    def _read(self, delivery: Delivery) -> _Readable | None:
        try:
            envelope, event = decode(delivery.body)
        except Unreadable as unreadable:
            self._park(delivery, unreadable.event_id, unreadable.event_type, "", unreadable.reason)
            return None
        return _Readable(delivery, envelope, event)

    def _handled_together(self, batch: list[_Readable]) -> bool:
        if not batch:
            return True
        try:
            ran = settled(lambda: self._run(batch))
        except StoreAway:
            raise
        except Exception as error:  # noqa: BLE001 - each is tried alone, and named there
            log.info("batch_failed", events=len(batch), error=type(error).__name__)
            return False
        self._note_success(ran)
        return True

    def _handled_alone(self, readable: _Readable) -> Verdict:
        envelope, delivery = readable.envelope, readable.delivery
        handlers = self._handlers(readable)
        if not self.breaker.lets(handlers, envelope.id, time.monotonic()):
            return Verdict.WAIT
        try:
            self._note_success(settled(lambda: self._run([readable])))
        except StoreAway:
            raise
        except Exception as error:  # noqa: BLE001 - a failing event climbs the ladder, then is parked
            kind = type(error).__name__
            handler = getattr(error, "__handler__", "")
            log.warning(
                "event_failed",
                event_id=envelope.id,
                type=envelope.type,
                attempt=delivery.attempt,
                error=kind,
                handler=handler,
                correlation_id=envelope.correlationid,
            )
            if not isinstance(error, NotYet) and not is_contention(error):
                self._note_failure([handler] if handler else handlers, envelope.id, kind)
            if self.breaker.open(handlers) or (isinstance(error, NotYet) and self.breaker.any_open):
                return Verdict.WAIT
            if delivery.attempt < self.attempts:
                return Verdict.RETRY
            self._park(delivery, envelope.id, envelope.type, handler, kind)
        return Verdict.DONE

    def _handlers(self, readable: _Readable) -> Sequence[str]:
        return self.entrypoints.events.get(type(readable.event), ())

    def _note_failure(self, handlers: Sequence[str], event_id: str, error: str) -> None:
        """Where no handler is to blame (the rows of all were refused at the end), each of the event's may be."""
        for name in self.breaker.failed(handlers, event_id, error, time.monotonic()):
            log.error("breaker_opened", handler=name, error=error)

    def _note_success(self, ran: list[_Readable]) -> None:
        for each in ran:
            for name in self.breaker.succeeded(self._handlers(each)):
                log.warning("breaker_closed", handler=name)

    def _run(self, batch: list[_Readable]) -> list[_Readable]:
        """Handle these in one transaction; which were new here, and so took effect."""
        ran = []
        with self.store.writing() as work:
            new = inbox.enter(work.connection, [each.envelope.id for each in batch], work.now)
            for each in batch:
                if each.envelope.id in new:
                    new.discard(each.envelope.id)
                    self._handle(each, work)
                    ran.append(each)
            structlog.contextvars.unbind_contextvars("correlation_id", "causation_id")
            work.flush()
            reached("before commit")
        return ran

    def _handle(self, readable: _Readable, work: WorkT) -> None:
        work.cause = readable.envelope.cause_of_next()
        structlog.contextvars.bind_contextvars(
            correlation_id=readable.envelope.correlationid, causation_id=readable.envelope.id
        )
        for name in self.entrypoints.events.get(type(readable.event), ()):
            try:
                getattr(self.service, name)(readable.event, work)
            except Exception as error:
                error.__handler__ = name  # type: ignore[attr-defined]
                raise

    def _park(self, delivery: Delivery, event_id: str | None, kind: str, handler: str, reason: str) -> None:
        key = event_id or hashlib.sha256(delivery.body).hexdigest()

        def write() -> None:
            with self.store.writing() as work:
                parking.park(
                    work.connection,
                    event_id=key,
                    kind=kind,
                    body=delivery.body,
                    handler=handler,
                    attempts=delivery.attempt + 1,
                    reason=reason,
                    at=work.now,
                )

        settled(write)
        log.error("event_parked", event_id=key, type=kind, reason=reason, handler=handler)

    def park_dead(self, deliveries: Sequence[Delivery]) -> None:
        """Keep what the broker gave up on after too many deliveries (each may have killed the process)."""
        for delivery in deliveries:
            try:
                envelope, _ = decode(delivery.body)
                self._park(delivery, envelope.id, envelope.type, "", "delivery_limit")
            except Unreadable as unreadable:
                self._park(delivery, unreadable.event_id, unreadable.event_type, "", unreadable.reason)

    # -- requests -----------------------------------------------------------------------------

    def requests(self, batch: Sequence[RequestDelivery], later: Later | None = None) -> list[bytes | None]:
        """Answer a batch; one reply a request, in order. See :meth:`shared.messaging.answering.Answering.answers`."""
        return self._answering.answers(batch, later)

    # -- timers -------------------------------------------------------------------------------

    def tick(self, name: str) -> Any:
        """Run one ``@every`` method in a transaction of its own."""

        def run() -> Any:
            with self.store.writing(Cause.root()) as work:
                return getattr(self.service, name)(work)

        return settled(run)
