"""From a batch of requests to handlers, transactions and replies. Knows no broker.

Commands in one transaction with a savepoint each, queries each on their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from shared.contracts.base import Command, View
from shared.contracts.errors import Forbidden, PayloadDiffers, Refused, TooLate
from shared.messaging import requests as wire
from shared.messaging.contention import StoreAway, settled
from shared.messaging.entrypoints import Entrypoints
from shared.messaging.envelope import Cause
from shared.runtime.clock import real_now
from shared.runtime.ids import child_traceparent
from shared.storage.engine import is_unique_violation
from shared.storage.work import Store, Work

log = structlog.get_logger()

WorkT = TypeVar("WorkT", bound=Work)
Later = Callable[[int, Callable[[], bytes]], None]
"""Given the place of a request in its batch, and what answers it."""


@dataclass(frozen=True)
class RequestDelivery:
    """One request as it came."""

    body: bytes
    signature: bytes


class Answering(Generic[WorkT]):
    """Answers what one service is asked, on one store."""

    def __init__(self, service: Any, store: Store[WorkT], entrypoints: Entrypoints) -> None:
        self._service = service
        self._store = store
        self._entrypoints = entrypoints

    def answers(self, batch: Sequence[RequestDelivery], later: Later | None = None) -> list[bytes | None]:
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
            if later is not None and type(readable.request) in self._entrypoints.asking:
                replies[index] = None
                later(index, partial(self._query, readable))
            else:
                replies[index] = self._query(readable)
        return [replies[index] for index in range(len(batch))]

    def _open(self, delivery: RequestDelivery) -> wire.Readable:
        readable = wire.open_request(delivery.body, delivery.signature, self._store.keys)
        model = type(readable.request)
        listened = self._entrypoints
        if not any(model in those for those in (listened.commands, listened.queries, listened.asking)):
            raise Forbidden(f"{readable.asked.type} is not answered here")
        return readable

    def _commands(self, batch: dict[int, wire.Readable], *, again: bool = True) -> dict[int, bytes]:
        if not batch:
            return {}
        try:
            return settled(lambda: self._run_commands(batch))
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
        with self._store.writing() as work:
            kept = [each.asked.request_id for each in batch.values() if _is_remembered(each)]
            wire.hold(work.connection, kept)
            known = wire.remembered(work.connection, kept)
            if self._entrypoints.foreseen is not None:
                new = [each for each in batch.values() if each.asked.request_id not in known]
                foresee = getattr(self._service, self._entrypoints.foreseen)
                foresee([(each.request, each.asked.actor) for each in new], work)
            for index, each in batch.items():
                asked = each.asked
                keep = _is_remembered(each)
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
        method = getattr(self._service, self._entrypoints.commands[type(each.request)])
        deferred = type(each.request) in self._entrypoints.deferred
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
                if name := self._entrypoints.asking.get(type(each.request)):
                    return wire.answer_bytes(getattr(self._service, name)(each.request, asked.actor))
                method = getattr(self._service, self._entrypoints.queries[type(each.request)])
                with self._store.reading() as work:
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


def _cause(asked: wire.Asked) -> Cause:
    return Cause(asked.correlation_id, asked.request_id, child_traceparent(asked.traceparent))


def _is_remembered(each: wire.Readable) -> bool:
    """Queries change nothing, and are remembered by nobody; of commands those are not that must leave no trace."""
    return getattr(type(each.request), "remembered", True)


def _context(each: wire.Readable) -> dict[str, str]:
    """Log context of a request; none for those that must leave no trace."""
    if _is_remembered(each):
        return {"correlation_id": each.asked.correlation_id, "causation_id": each.asked.request_id}
    return {}


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to look it up, and no value of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}" if trace else ""
