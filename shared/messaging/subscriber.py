"""Our entrypoints for Nameko, since its event handler acks and loses what fails.

With shared.messaging.hosting the only file here that knows Nameko: one entrypoint takes batches of events, one those that
the broker gave up on, one takes batches of requests, one runs each timer. Each batch is a Nameko worker.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import eventlet
import structlog
from amqp import Message
from amqp.exceptions import NotFound
from nameko.extensions import Entrypoint

from shared.messaging import topology
from shared.messaging.answering import RequestDelivery
from shared.messaging.caller import SECONDS
from shared.messaging.consumer import Batches
from shared.messaging.contention import StoreAway
from shared.messaging.dispatch import Delivery, Verdict
from shared.messaging.link import Confirms, Link, LinkLost, event_message
from shared.messaging.process import Core, watched
from shared.runtime import metrics
from shared.runtime.points import reached

log = structlog.get_logger()

B = TypeVar("B")
T = TypeVar("T")

ATTEMPT = "x-attempt"
CONFIRM_SECONDS = 20.0
ASKING_AT_ONCE = 200
"""Queries for which other services are being asked; whoever comes then waits in the queue."""
FAILED_PAUSE = 5.0
"""Seconds at most until a timer that failed runs again, however long its period."""


class _Taking(Entrypoint):  # type: ignore[misc]
    """An entrypoint that takes batches from one queue and gives each to a Nameko worker."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    @abstractmethod
    def queue(self) -> Any:
        """The queue that batches are taken from."""

    @abstractmethod
    def take(self, messages: list[Any]) -> None:
        """Deal with a batch; it is acknowledged when this returns. Raises LinkLost where it could not be settled."""

    def start(self) -> None:
        """Begin to consume, in a greenlet that Nameko watches."""
        settings = self.core.settings
        queue = self.queue()
        self.batches = Batches(
            settings.broker_url,
            queue,
            self.take,
            name=f"{self.core.name} {queue.name}",
            size=settings.batch,
            missing=self.core.declare,
        )
        self.core.consumers.append(self.batches)
        self.container.spawn_managed_thread(watched(self.batches.run), identifier=queue.name)

    def stop(self) -> None:
        """Return only when drained."""
        with eventlet.Timeout(self.core.settings.drain_seconds, exception=False):
            self.batches.stop(self.core.settings.drain_seconds * 0.8)

    def work(self, batch: Any) -> Any:
        """Run the host's method on this batch in a Nameko worker, and wait for what it returns."""
        done = eventlet.event.Event()

        def handle_result(_worker_ctx: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            done.send((result, exc_info))
            return result, None

        self.container.spawn_worker(self, (batch,), {}, handle_result=handle_result)
        result, exc_info = done.wait()
        error = exc_info[1] if exc_info else result
        if isinstance(error, BaseException):
            raise error
        return result

    def work_in_the_end(self, batch: list[Any]) -> Any:
        """The same; while the database is away it is tried again and again, and the link stays alive."""
        return self.in_the_end(lambda: self.work(batch), StoreAway, "database_away")

    def in_the_end(self, attempt: Callable[[], T], away: type[Exception], said: str) -> T:
        """What this returns at last. Nothing is given back meanwhile: that would count against each of the batch."""
        delay = 0.1
        while True:
            try:
                return attempt()
            except away as error:
                log.warning(said, reason=str(error), waiting=delay)
                self.batches.hold(delay)
                delay = min(delay * 2, 10.0)


class Events(_Taking):
    """Takes events: one transaction a batch, the ladder for what fails, one ack for all, last."""

    def queue(self) -> Any:
        """The service's one event queue."""
        return topology.events_queue(self.core.name)

    def take(self, messages: list[Any]) -> None:
        """Handle a batch; the caller acknowledges it when this returns."""
        started = time.monotonic()
        verdicts = self.work_in_the_end([_delivery(message) for message in messages])
        again = [(m, verdict) for m, verdict in zip(messages, verdicts, strict=True) if verdict is not Verdict.DONE]
        if again:
            self.in_the_end(lambda: self._climb(again), LadderAway, "ladder_away")
        reached("between commit and ack")
        name = self.core.name
        for verdict in Verdict:
            metrics.events_handled.labels(name, verdict.value).inc(verdicts.count(verdict))
        metrics.events_redelivered.labels(name).inc(sum(_redelivered(message) for message in messages))
        metrics.event_batches.labels(name).observe(len(messages))
        metrics.batch_seconds.labels(name).observe(time.monotonic() - started)

    def _climb(self, again: list[tuple[Any, Verdict]]) -> None:
        """Put these on their rung of the ladder, with confirms, without x-death; then they may be acknowledged.

        What waits for a broken handler lies on the breaker's rung, and has not climbed. Raises LadderAway where not all
        were taken; those that were are no more among these. Raises LinkLost where a rung is missing.
        """
        try:
            refused = self._put(again)
        except LinkLost as lost:
            if isinstance(lost.__cause__, NotFound):
                raise
            raise LadderAway(str(lost)) from lost
        again[:] = [each for index, each in enumerate(again) if index in refused]
        if again:
            raise LadderAway("the broker refused an event on its retry ladder")

    def _put(self, again: list[tuple[Any, Verdict]]) -> set[int]:
        """Which of these the broker refused."""
        waiting = self.core.dispatcher.breaker.stage
        link = Link(self.core.settings.broker_url, name=f"{self.core.name} ladder")
        try:
            confirms = Confirms(link)
            for index, (message, verdict) in enumerate(again):
                attempt = _delivery(message).attempt
                at, counted = (waiting, attempt) if verdict is Verdict.WAIT else (attempt, attempt + 1)
                copy = event_message(
                    _bytes(message),
                    message.properties.get("message_id", ""),
                    message.properties.get("type", ""),
                    {ATTEMPT: counted},
                )
                rungs = self.core.settings.ladder
                rung = topology.rung_name(rungs[min(at, len(rungs) - 1)])
                confirms.publish(index, copy, rung, f"{self.core.name}.events")
            return confirms.settle(CONFIRM_SECONDS)[1]
        finally:
            link.close()


class LadderAway(Exception):  # noqa: N818
    """The ladder cannot be reached, or refuses: the batch stays in hand until it takes what failed."""


class Dead(_Taking):
    """Moves what the broker gave up on (the delivery limit) into the parking lot."""

    def queue(self) -> Any:
        """The service's dead-letter queue."""
        return topology.dead_queue(self.core.name)

    def take(self, messages: list[Any]) -> None:
        """Park each; the caller acknowledges."""
        self.work_in_the_end([_delivery(message) for message in messages])


class Requests(_Taking):
    """Answers commands and queries: one transaction a batch of commands, then the replies, pipelined.

    What another service must be asked for is answered by a greenlet of its own, and holds up nobody.
    """

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._asking = eventlet.GreenPool(ASKING_AT_ONCE)

    def queue(self) -> Any:
        """The service's request queue."""
        return topology.requests_queue(self.core.name)

    def take(self, messages: list[Any]) -> None:
        """Answer a batch; the caller acknowledges."""
        asking: list[tuple[Any, Callable[[], bytes]]] = []
        deliveries = [RequestDelivery(_bytes(message), _signature(message)) for message in messages]
        replies = self.work((deliveries, lambda index, answer: asking.append((messages[index], answer))))
        link = self.batches._link  # noqa: SLF001 - replies go out where the requests came in
        if link is None:
            raise LinkLost("the link closed before the replies")
        with link.corked():
            for message, reply in zip(messages, replies, strict=True):
                if reply is not None:
                    self._reply(link, message, reply)
        for message, answer in asking:
            self._asking.spawn_n(self._answer_later, message, answer)
        metrics.requests_answered.labels(self.core.name).inc(len(messages))

    def stop(self) -> None:
        """The same, once what is being asked for has had the time for its answer: it leaves where the request came in."""
        with eventlet.Timeout(min(SECONDS, self.core.settings.drain_seconds), exception=False):
            self._asking.waitall()
        super().stop()

    def _answer_later(self, message: Any, answer: Callable[[], bytes]) -> None:
        reply = answer()
        link = self.batches._link  # noqa: SLF001
        try:
            if link is not None:
                self._reply(link, message, reply)
        except LinkLost:  # whoever asked is told that nobody answered, and asks again
            return

    def _reply(self, link: Link, message: Any, reply: bytes) -> None:
        to, about = message.properties.get("reply_to"), message.properties.get("correlation_id", "")
        if to:
            with link.writing() as channel:
                channel.basic_publish(Message(reply, correlation_id=about), exchange="", routing_key=to)


class Timer(Entrypoint):  # type: ignore[misc]
    """Runs one of the service's timed methods, in a worker, again and again."""

    def __init__(self, core: Core, method: str, seconds: float, *, transaction: bool) -> None:
        super().__init__()
        self.core, self.method, self.seconds, self.transaction = core, method, seconds, transaction
        self._stopping = False
        self._last_quiet_start = -1.0
        self.ended = eventlet.event.Event()

    def start(self) -> None:
        """Begin."""
        self.core.timers.append(self)
        self.container.spawn_managed_thread(self._run, identifier=f"timer {self.method}")

    def stop(self) -> None:
        """Return when the run in hand has ended."""
        self._stopping = True
        with eventlet.Timeout(self.core.settings.drain_seconds, exception=False):
            self.ended.wait()

    def quiet_since(self, moment: float) -> bool:
        """Whether a run that began after this moment (monotonic) has found nothing to do any more."""
        return self._last_quiet_start >= moment

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            more = False
            failed = False
            try:
                more = self._once()
            except Exception:  # a timer that failed runs again
                failed = True
                log.exception("timer_failed", timer=self.method)
            if more:
                eventlet.sleep(0)
            elif failed:
                self._pause(began, min(self.seconds, FAILED_PAUSE))
            else:
                self._last_quiet_start = began
                self._pause(began, self.seconds)
        self.ended.send()

    def _pause(self, began: float, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until and self.core.clock_moved <= began:
            eventlet.sleep(min(0.2, seconds))

    def _once(self) -> bool:
        if self.transaction:
            return bool(self.core.dispatcher.tick(self.method))
        return bool(getattr(self.core.service, self.method)())


def _bytes(message: Any) -> bytes:
    body = message.body
    return body if isinstance(body, bytes) else body.tobytes() if isinstance(body, memoryview) else str(body).encode()


def _delivery(message: Any) -> Delivery:
    headers = message.headers or {}
    counted = headers.get("x-delivery-count", 0)
    return Delivery(_bytes(message), attempt=_whole(headers.get(ATTEMPT)), deliveries=_whole(counted))


def _redelivered(message: Any) -> bool:
    """Whether the broker gave it out before, and it was not acknowledged then: a process died with it in its hands."""
    return _whole((message.headers or {}).get("x-delivery-count")) > 0 or bool(message.delivery_info.get("redelivered"))


def _signature(message: Any) -> bytes:
    """The signature in the headers; none where there is none or it is no hex, and then nothing verifies."""
    try:
        return bytes.fromhex(str((message.headers or {}).get("signature", "")))
    except ValueError:
        return b""


def _whole(value: Any) -> int:
    """A count in a header that anyone may have written: never negative, never more than a column holds."""
    return min(value, 1_000_000) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
