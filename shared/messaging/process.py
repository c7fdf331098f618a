"""One service process: its database, relay, dispatcher, consumers, health page and its part in moving the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import eventlet
import eventlet.wsgi
import structlog

from shared.messaging import parking, topology
from shared.messaging.address import connection_to
from shared.messaging.breaker import Breaker
from shared.messaging.caller import Caller
from shared.messaging.consumer import Batches
from shared.messaging.definitions import mark
from shared.messaging.dispatch import Dispatcher
from shared.messaging.link import LOST
from shared.messaging.nodes import in_turn
from shared.messaging.relay import Relay
from shared.runtime import health, metrics
from shared.runtime.address import why
from shared.runtime.clock import SharedClock, clock_for
from shared.runtime.keys import load_keys
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store

log = structlog.get_logger()


SAY_WHY_EVERY = 10.0
"""Seconds after which a process whose clock was moved says what it has left of the time before."""


class PortTaken(Exception):  # noqa: N818 - told to the operator as a sentence
    """Another program listens where this process should show its health."""


class Died(Exception):  # noqa: N818
    """A part of the process ended by an exception, which was logged without its text; the process ends with it."""


def watched(run: Callable[[], None]) -> Callable[[], None]:
    """The same; what it raises is logged by kind and place. Eventlet would print its text, and SQL's values with it."""

    def run_it() -> None:
        try:
            run()
        except Exception as error:
            log.critical("part_died", exc_info=error)
            raise Died from None

    return run_it


class Quiet(Protocol):
    """Something that runs again and again, and can say since when it found nothing to do."""

    method: str
    """Its name."""

    def quiet_since(self, moment: float) -> bool:
        """Whether a run that began after this moment (monotonic) found nothing to do any more."""
        ...


class Core:
    """One process's store, relay and dispatcher. Set up before any entrypoint starts, stopped after the last."""

    def __init__(self, service: type, settings: Settings) -> None:
        self.service_class = service
        self.settings = settings

    def setup(self) -> None:
        """Open the database, declare the topology (waiting for the broker), make the service."""
        settings, name = self.settings, self.service_class.name  # type: ignore[attr-defined]
        self.name: str = name
        self._health = _listen(settings)
        keys = load_keys(settings.keys, name)
        self.clock = clock_for(settings.clock_file)
        engine = make_engine(settings.database(name))
        self.store: Store[Any] = Store(engine, self.service_class.work, keys, self.clock)  # type: ignore[attr-defined]
        self.mark = mark(settings.ladder)
        self.declare()
        self.relay = Relay(settings.broker_url, self.store, name, self.mark)
        self.store.lease, self.store.on_said = self.relay.lease, self.relay.take
        self.caller = Caller(settings.broker_url, keys)
        parts = Parts(settings=settings, keys=keys, clock=self.clock, store=self.store, ask=self.caller.ask)
        self.service = self.service_class(parts)
        breaker = Breaker(settings.breaker_after, settings.ladder)
        self.dispatcher = Dispatcher(self.service, self.store, attempts=len(settings.ladder), breaker=breaker)
        self.consumers: list[Batches] = []
        self.timers: list[Quiet] = []
        self.clock_moved = -1.0
        """When (monotonic) timers were last asked to run again, since the domain clock has moved: not a period later."""

    def start(self, spawn: Callable[[Callable[[], None]], object]) -> None:
        """Relay, health page and the clock's watch run beside the entrypoints."""
        spawn(self.relay.run)
        spawn(self._gauge)
        if self._health is not None:
            page = health.application(self.ready)
            spawn(partial(eventlet.wsgi.server, self._health, page, log_output=False))
        if isinstance(self.clock, SharedClock):
            spawn(self._watch_clock)

    def stop(self) -> None:
        """To be called once every entrypoint has drained."""
        self.relay.stop(min(5.0, self.settings.drain_seconds))
        self.caller.close()
        log.info("stopped", service=self.name)

    def ready(self) -> dict[str, bool | str]:
        """What must hold for this process to take work: true, or false, or why not."""
        return {
            "consuming": bool(self.consumers) and all(each.consuming for each in self.consumers),
            "relay": self.relay.connected,
            "database": self._database_answers(),
            "handlers": "; ".join(self.dispatcher.breaker.told().values()) or True,
        }

    def _database_answers(self) -> bool:
        try:
            with self.store.reading() as work:
                parking.waiting(work.connection)
        except Exception:  # noqa: BLE001 - any failure means: not ready
            return False
        return True

    def declare(self) -> None:
        """Declare the topology; wait for a broker that is not there yet, saying so."""
        delay = 0.2
        while True:
            try:
                with connection_to(in_turn(self.settings.broker_url)[0]) as connection:
                    topology.furnish(connection, self.settings.ladder, self.mark)
                    return
            except topology.NotFurnished:
                log.warning("broker_not_furnished", hint="import what `chapterhouse topology` of this version prints")
            except LOST as error:
                log.warning("waiting_for_broker", error=type(error).__name__, why=why(error))
            eventlet.sleep(delay)
            delay = min(delay * 2, 5.0)

    def _gauge(self) -> None:
        while True:
            taking = bool(self.consumers) and all(each.consuming for each in self.consumers)
            metrics.consuming.labels(self.name).set(taking)
            self._gauge_circuits()
            metrics.database_answers.labels(self.name).set(self._gauge_database())
            eventlet.sleep(5)

    def _gauge_database(self) -> bool:
        """Whether it told what stands in it. What it told last stays as it was while it is away."""
        try:
            count, age = self.relay.outbox.unsent()
            with self.store.reading() as work:
                waiting = parking.waiting(work.connection)
        except Exception as error:  # noqa: BLE001 - a gauge may be late, never fatal
            log.warning("gauges_failed", error=type(error).__name__)
            return False
        metrics.outbox_unsent.labels(self.name).set(count)
        metrics.outbox_age.labels(self.name).set(age)
        metrics.parked.labels(self.name).set(waiting)
        return True

    def _gauge_circuits(self) -> None:
        broken = self.dispatcher.breaker.told()
        for handler in {name for names in self.dispatcher.entrypoints.events.values() for name in names}:
            metrics.circuit_open.labels(self.name, handler).set(handler in broken)

    def _watch_clock(self) -> None:
        """Acknowledge an offset of the domain clock once this process has nothing left of the time before."""
        assert isinstance(self.clock, SharedClock)  # noqa: S101 - for the type checker
        process, done, told = f"{self.name}-{os.getpid()}", -1.0, time.monotonic()
        while True:
            try:
                offset = self.clock.offset
                if offset == done:
                    told = time.monotonic()
                elif left := self._left():
                    if time.monotonic() > told + SAY_WHY_EVERY:
                        log.info("clock_not_acknowledged", left=left)
                        told = time.monotonic()
                else:
                    self.clock.acknowledge(process, offset)
                    done = offset
            except Exception as error:  # noqa: BLE001 - database or disk away: not settled
                log.warning("clock_not_acknowledged", error=type(error).__name__)
            eventlet.sleep(0.1)

    def _left(self) -> str:
        """What is left of the time before the clock moved.

        "" where queue, hands, timers and outbox were empty, and nothing came while we looked.
        """
        begun = sum(each.begun for each in self.consumers)
        if left := self._not_empty():
            return left
        moment = self.clock_moved = time.monotonic()
        while busy := [timer.method for timer in self.timers if not timer.quiet_since(moment)]:
            if time.monotonic() > moment + SAY_WHY_EVERY:
                return f"timers: {', '.join(busy)}"
            eventlet.sleep(0.05)
        if left := self._not_empty():
            return left
        eventlet.sleep(0.1)  # what the broker had sent and no counter shows has come by now
        came = sum(each.begun for each in self.consumers) - begun
        return self._not_empty() or (f"{came} batches came meanwhile" if came else "")

    def _not_empty(self) -> str:
        """In the order in which an event goes, so that none passes behind our back."""
        if waiting := self._queue_length():
            return f"{waiting} events in the queue" if waiting > 0 else "the broker does not say what is in the queue"
        if not all(each.idle() for each in self.consumers):
            return "a batch in hand"
        unsent = self.relay.outbox.unsent()[0]
        return f"{unsent} events in the outbox" if unsent else ""

    def _queue_length(self) -> int:
        try:
            with (
                eventlet.Timeout(SAY_WHY_EVERY),
                connection_to(in_turn(self.settings.broker_url)[0], connect_timeout=5) as connection,
                connection.channel() as channel,  # kombu's ``default_channel`` would try for ever
            ):
                return int(channel.queue_declare(f"{self.name}.events", passive=True).message_count)
        except (Exception, eventlet.Timeout):  # noqa: BLE001 - the broker is away: not settled
            return -1


def _listen(settings: Settings) -> Any:
    """The health page's socket, before anything else is begun; None without a port. Raises PortTaken."""
    if not settings.health_port:
        return None
    try:  # alone on the port: eventlet would let a second process share it in silence
        return eventlet.listen((settings.health_host, settings.health_port), reuse_port=False)
    except OSError as error:
        where = f"{settings.health_host}:{settings.health_port}"
        raise PortTaken(f"cannot listen on {where} ({error.strerror}); set CHAPTERHOUSE_HEALTH_PORT") from error
