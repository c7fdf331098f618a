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
from kombu import Connection

from shared.messaging import parking, topology
from shared.messaging.caller import Caller
from shared.messaging.consumer import Batches
from shared.messaging.dispatch import Dispatcher
from shared.messaging.link import LOST
from shared.messaging.relay import Relay
from shared.runtime import health, metrics
from shared.runtime.clock import SharedClock, clock_for
from shared.runtime.keys import load_keys
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store

log = structlog.get_logger()


class Quiet(Protocol):
    """Something that runs again and again, and can say since when it found nothing to do."""

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
        keys = load_keys(settings.keys, name)
        self.clock = clock_for(settings.clock_file)
        engine = make_engine(settings.database(name))
        self.store: Store[Any] = Store(engine, self.service_class.work, keys, self.clock)  # type: ignore[attr-defined]
        _declare(settings)
        self.relay = Relay(settings.broker_url, self.store, name)
        self.store.on_said = self.relay.wake
        self.caller = Caller(settings.broker_url, keys)
        parts = Parts(settings=settings, keys=keys, clock=self.clock, store=self.store, ask=self.caller.ask)
        self.service = self.service_class(parts)
        self.dispatcher = Dispatcher(self.service, self.store, attempts=len(settings.ladder))
        self.consumers: list[Batches] = []
        self.timers: list[Quiet] = []
        self.clock_moved = -1.0
        """When (monotonic) timers were last asked to run again, since the domain clock has moved: not a period later."""

    def start(self, spawn: Callable[[Callable[[], None]], object]) -> None:
        """Relay, health page and the clock's watch run beside the entrypoints."""
        spawn(self.relay.run)
        spawn(self._gauge)
        if self.settings.health_port:
            listener = eventlet.listen((self.settings.health_host, self.settings.health_port))
            page = health.application(self.ready)
            serve_page = partial(eventlet.wsgi.server, listener, page, log_output=False)
            spawn(serve_page)
        if isinstance(self.clock, SharedClock):
            spawn(self._watch_clock)

    def stop(self) -> None:
        """To be called once every entrypoint has drained."""
        self.relay.stop(min(5.0, self.settings.drain_seconds))
        self.caller.close()
        log.info("stopped", service=self.name)

    def ready(self) -> dict[str, bool]:
        """What must hold for this process to take work."""
        return {
            "consuming": bool(self.consumers) and all(each.consuming for each in self.consumers),
            "relay": self.relay.connected,
            "database": self._database_answers(),
        }

    def _database_answers(self) -> bool:
        try:
            with self.store.reading() as work:
                parking.waiting(work.connection)
        except Exception:  # noqa: BLE001 - any failure means: not ready
            return False
        return True

    def _gauge(self) -> None:
        while True:
            try:
                count, age = self.relay.outbox.unsent()
                metrics.outbox_unsent.labels(self.name).set(count)
                metrics.outbox_age.labels(self.name).set(age)
                with self.store.reading() as work:
                    metrics.parked.labels(self.name).set(parking.waiting(work.connection))
            except Exception as error:  # noqa: BLE001 - a gauge may be late, never fatal
                log.warning("gauges_failed", error=type(error).__name__)
            eventlet.sleep(5)

    def _watch_clock(self) -> None:
        """Acknowledge an offset of the domain clock once this process has nothing left of the time before."""
        assert isinstance(self.clock, SharedClock)  # noqa: S101 - for the type checker
        process, done = f"{self.name}-{os.getpid()}", -1.0
        while True:
            offset = self.clock.offset
            if offset != done and self._settled_since(time.monotonic()) and offset == self.clock.offset:
                self.clock.acknowledge(process)
                done = offset
            eventlet.sleep(0.1)

    def _settled_since(self, moment: float) -> bool:
        self.clock_moved = moment
        while not all(timer.quiet_since(moment) for timer in self.timers):
            eventlet.sleep(0.05)
        if self.relay.outbox.unsent()[0] or not all(each.idle() for each in self.consumers):
            return False
        return self._queue_length() == 0

    def _queue_length(self) -> int:
        try:
            with Connection(self.settings.broker_url) as connection:
                return int(connection.default_channel.queue_declare(f"{self.name}.events", passive=True).message_count)
        except Exception:  # noqa: BLE001 - the broker is away: not settled
            return -1


def _declare(settings: Settings) -> None:
    """Declare the topology; wait for a broker that is not there yet, saying so."""
    delay = 0.2
    while True:
        try:
            with Connection(settings.broker_url) as connection:
                topology.declare(connection, settings.ladder)
                return
        except LOST as error:
            log.warning("waiting_for_broker", error=type(error).__name__)
            eventlet.sleep(delay)
            delay = min(delay * 2, 5.0)
