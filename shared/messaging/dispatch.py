"""From a batch of deliveries to handlers, transactions and verdicts. Knows no broker.

Events: one transaction a batch, inbox rows in one statement, all of a service's handlers for an event within
it. If the batch fails it is rolled back and run again one event at a time, so that a bad event costs only
itself. Requests: commands in one transaction with a savepoint each, queries each on their own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import structlog

from shared.contracts.base import Command, Event, View
from shared.contracts.errors import Forbidden, NotYet, PayloadDiffers, Refused, TooLate
from shared.messaging import inbox, parking
from shared.messaging import requests as wire
from shared.messaging.breaker import Breaker
from shared.messaging.entrypoints import entrypoints_of
from shared.messaging.envelope import Cause, Envelope, Unreadable, decode
from shared.runtime.clock import real_now
from shared.runtime.ids import child_traceparent
from shared.runtime.points import reached
from shared.storage.engine import is_contention, is_held, is_outage, is_unique_violation
from shared.storage.work import Store, Work

log = structlog.get_logger()

RUNS_ALONE_FROM = 3
"""An event delivered this often runs alone: it may be what killed the process."""
CONTENTION_TRIES = 8
HELD_TRIES = 2
"""An SQLite file that another process holds for two busy time-outs is away: no event is to blame for it."""

WorkT = TypeVar("WorkT", bound=Work)
T = TypeVar("T")
Later = Callable[[int, Callable[[], bytes]], None]
"""Given the place of a request in its batch, and what answers it."""


class Verdict(Enum):
    """What the transport does with a delivery now. Parking has been done, and committed, by then."""

    DONE = "done"
    RETRY = "retry"
    WAIT = "wait"
    """Its handler is broken, or one that it waits for may be: on the ladder, on the breaker's rung, it does not climb."""


class StoreAway(Exception):  # noqa: N818
    """The database is away or full: nothing was decided, nothing may be acknowledged; wait and take it again."""


class Delivery(NamedTuple):
    """One event as it came: the bytes, the rung it comes from, how often the broker delivered it."""

    body: bytes
    attempt: int = 0
    deliveries: int = 0


@dataclass(frozen=True)
class RequestDelivery:
    """One request as it came."""

    body: bytes
    signature: bytes


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
            ran = self._settled_contention(lambda: self._run(batch))
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
            self._note_success(self._settled_contention(lambda: self._run([readable])))
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

        self._settled_contention(write)
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
        """Answer a batch; one reply a request, in order. Commands first, in one transaction, then queries.

        Those for which another service must be asked are handed to ``later``, as what answers them: None stands for them.
        """
        replies: dict[int, bytes | None] = {}
        commands: dict[int, wire.Readable] = {}
        queries: dict[int, wire.Readable] = {}
        for index, delivery in enumerate(batch):
            try:
                readable = self._open(delivery)
            except Refused as refused:
                replies[index] = wire.refused_bytes(refused)
                continue
            (commands if isinstance(readable.request, Command) else queries)[index] = readable
        replies |= self._commands(commands)
        for index, readable in queries.items():
            if later is not None and type(readable.request) in self.entrypoints.asking:
                replies[index] = None
                later(index, partial(self._query, readable))
            else:
                replies[index] = self._query(readable)
        return [replies[index] for index in range(len(batch))]

    def _open(self, delivery: RequestDelivery) -> wire.Readable:
        readable = wire.open_request(delivery.body, delivery.signature, self.store.keys)
        model = type(readable.request)
        listened = self.entrypoints
        if not any(model in those for those in (listened.commands, listened.queries, listened.asking)):
            raise Forbidden(f"{readable.asked.type} is not answered here")
        return readable

    def _commands(self, batch: dict[int, wire.Readable], *, again: bool = True) -> dict[int, bytes]:
        if not batch:
            return {}
        try:
            return self._settled_contention(lambda: self._run_commands(batch))
        except Exception as error:  # noqa: BLE001 - each is tried alone, and named there
            if len(batch) > 1 and not isinstance(error, StoreAway):
                return {k: v for index, each in batch.items() for k, v in self._commands({index: each}).items()}
            if again and is_unique_violation(error):  # another process answered this very request in the meantime
                return self._commands(batch, again=False)
            for each in batch.values():
                self._log_fault(each, error)
            return {index: wire.fault_bytes(each.asked.correlation_id) for index, each in batch.items()}

    def _run_commands(self, batch: dict[int, wire.Readable]) -> dict[int, bytes]:
        replies: dict[int, bytes] = {}
        rows: list[dict[str, object]] = []
        with self.store.writing() as work:
            known = wire.remembered(work.connection, [each.asked.request_id for each in batch.values()])
            if self.entrypoints.foreseen is not None:
                new = [each for each in batch.values() if each.asked.request_id not in known]
                foresee = getattr(self.service, self.entrypoints.foreseen)
                foresee([(each.request, each.asked.actor) for each in new], work)
            for index, each in batch.items():
                asked = each.asked
                keep = type(each.request).remembered  # type: ignore[attr-defined]
                if keep and asked.request_id in known:
                    digest, answer = known[asked.request_id]
                    differs = PayloadDiffers("this form was sent before with other content; open it again")
                    replies[index] = answer if digest == asked.payload_hash else wire.refused_bytes(differs)
                    continue
                replies[index], took_effect = self._command(each, work)
                if keep and took_effect:
                    known[asked.request_id] = (asked.payload_hash, replies[index])
                    rows.append(
                        {
                            "request_id": asked.request_id,
                            "payload_hash": asked.payload_hash,
                            "answer": replies[index],
                            "answered_at": work.now,
                        }
                    )
            wire.remember(work.connection, rows)
        return replies

    def _command(self, each: wire.Readable, work: WorkT) -> tuple[bytes, bool]:
        asked = each.asked
        if asked.deadline <= real_now():
            return wire.refused_bytes(TooLate("the request came after its deadline; nothing was done")), False
        work.cause = _cause(asked)
        method = getattr(self.service, self.entrypoints.commands[type(each.request)])
        deferred = type(each.request) in self.entrypoints.deferred
        kept: Refused | None = None
        with structlog.contextvars.bound_contextvars(**_context(each)):
            try:
                with work.savepoint(deferred=deferred):
                    try:
                        view: View = method(each.request, asked.actor, work)
                    except Refused as refused:
                        if not refused.keeps:
                            raise
                        kept = refused
            except Refused as refused:
                return wire.refused_bytes(refused), False
        if kept is not None:
            return wire.refused_bytes(kept), False
        return wire.answer_bytes(view), True

    def _query(self, each: wire.Readable) -> bytes:
        asked = each.asked
        if asked.deadline <= real_now():
            return wire.refused_bytes(TooLate("the request came after its deadline"))
        with structlog.contextvars.bound_contextvars(**_context(each)):
            try:
                if name := self.entrypoints.asking.get(type(each.request)):
                    return wire.answer_bytes(getattr(self.service, name)(each.request, asked.actor))
                method = getattr(self.service, self.entrypoints.queries[type(each.request)])
                with self.store.reading() as work:
                    work.cause = _cause(asked)
                    return wire.answer_bytes(method(each.request, asked.actor, work))
            except Refused as refused:
                return wire.refused_bytes(refused)
            except Exception as error:  # noqa: BLE001 - told to the caller without its text
                self._log_fault(each, error)
                return wire.fault_bytes(asked.correlation_id)

    def _log_fault(self, each: wire.Readable, error: Exception) -> None:
        log.error(
            "request_failed",
            type=each.asked.type,
            **_context(each),
            error=type(error).__name__,
            where=_where(error),
        )

    # -- timers -------------------------------------------------------------------------------

    def tick(self, name: str) -> Any:
        """Run one ``@every`` method in a transaction of its own."""

        def run() -> Any:
            with self.store.writing(Cause.root()) as work:
                return getattr(self.service, name)(work)

        return self._settled_contention(run)

    # -- contention ---------------------------------------------------------------------------

    def _settled_contention(self, run: Callable[[], T]) -> T:
        """Run again at once, off the ladder, when another transaction was in the way."""
        for attempt in range(CONTENTION_TRIES):
            try:
                return run()
            except Exception as error:
                if is_outage(error):
                    raise StoreAway(type(error).__name__) from error
                if attempt >= HELD_TRIES - 1 and is_held(error):
                    raise StoreAway(type(error).__name__) from error
                if not is_contention(error) or attempt == CONTENTION_TRIES - 1:
                    raise
                time.sleep(0.01 * (attempt + 1))
        raise AssertionError("unreachable")


def _cause(asked: wire.Asked) -> Cause:
    return Cause(asked.correlation_id, asked.request_id, child_traceparent(asked.traceparent))


def _context(each: wire.Readable) -> dict[str, str]:
    """Log context of a request; none for those that must leave no trace."""
    if getattr(type(each.request), "remembered", True):
        return {"correlation_id": each.asked.correlation_id, "causation_id": each.asked.request_id}
    return {}


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to look it up, and no value of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}" if trace else ""
