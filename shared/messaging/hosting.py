"""Hosts a service class in Nameko: one core, the entrypoints of shared.messaging.subscriber, and what signals do.

:func:`host` makes a Nameko service around a service class; :func:`serve` runs it until it is told to stop. On SIGTERM
everything drains: no new work, finish, ack, close.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import eventlet
import structlog
from nameko.extensions import DependencyProvider, Entrypoint
from nameko.runners import ServiceRunner

from shared.messaging.answering import Later, RequestDelivery
from shared.messaging.dispatch import Delivery
from shared.messaging.entrypoints import entrypoints_of
from shared.messaging.green import in_a_greenlet
from shared.messaging.process import Core, Died, PortTaken, watched
from shared.messaging.subscriber import Dead, Events, Requests, Timer
from shared.runtime import logging as runtime_logging
from shared.runtime.keys import KeysMissing, load_keys
from shared.runtime.settings import Settings
from shared.storage.silence import give_up_silence

log = structlog.get_logger()

B = TypeVar("B")
T = TypeVar("T")


def _kept(run: Callable[[B], T], batch: B) -> T | Exception:
    """What this returns, or the exception it raises, as a value: Nameko logs those that pass with their text."""
    try:
        return run(batch)
    except Exception as error:  # noqa: BLE001 - raised again by the one who waits for it
        return error


def host(service: type, settings: Settings) -> type:
    """A Nameko service around a service class of ours."""
    core = Core(service, settings)

    class Host:
        """What Nameko sees: the entrypoints of this process, each a line."""

        name = service.name  # type: ignore[attr-defined]

        def __init__(self) -> None:
            self.core = core

        def events(self, batch: list[Delivery]) -> Any:
            return _kept(core.dispatcher.events, batch)

        def requests(self, batch: tuple[list[RequestDelivery], Later]) -> Any:
            return _kept(lambda both: core.dispatcher.requests(*both), batch)

        def dead(self, batch: list[Delivery]) -> Any:
            return _kept(core.dispatcher.park_dead, batch)

        def timer(self) -> None:
            """Timers run in greenlets of their own; the method is what Nameko hangs them on."""

    marks = entrypoints_to_hang(core, service)
    for method, entrypoints in marks.items():
        _hang(vars(Host)[method], entrypoints)
    Host.__name__ = service.__name__
    Host.core_provider = _Provider(core)  # type: ignore[attr-defined]
    return Host


class _Provider(DependencyProvider):  # type: ignore[misc]
    """Gives the one core of the process its place in Nameko's life cycle."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def setup(self) -> None:
        """Before any entrypoint starts."""
        self.core.setup()

    def start(self) -> None:
        """Nameko watches what is spawned: if it dies, so does the process, and is started anew."""
        self.core.start(lambda run: self.container.spawn_managed_thread(watched(run)))

    def stop(self) -> None:
        """After every entrypoint has drained."""
        self.core.stop()

    def get_dependency(self, worker_ctx: Any) -> Core:
        """Workers get the core itself."""
        return self.core


def entrypoints_to_hang(core: Core, service: type) -> dict[str, list[Callable[[], Entrypoint]]]:
    """Which Nameko entrypoints the host's methods get, from the marks of the service class."""
    found = entrypoints_of(service)
    return {
        "events": [partial(Events, core)],
        "dead": [partial(Dead, core)],
        "requests": [partial(Requests, core)],
        "timer": [
            *(partial(Timer, core, name, seconds, transaction=True) for name, seconds in found.every),
            *(partial(Timer, core, name, seconds, transaction=False) for name, seconds in found.background),
        ],
    }


def _hang(method: Any, entrypoints: list[Callable[[], Entrypoint]]) -> None:
    method.nameko_entrypoints = {make() for make in entrypoints}


def serve(service: type) -> None:
    """Run one service until SIGTERM or SIGINT. The process module must have called eventlet.monkey_patch() first."""
    settings = Settings()
    name: str = service.name  # type: ignore[attr-defined]
    give_up_silence(in_a_greenlet)
    runtime_logging.configure(name, settings.log_level)
    try:
        load_keys(settings.keys, name)
    except KeysMissing as missing:
        raise SystemExit(str(missing)) from missing
    runner = ServiceRunner({"max_workers": 20})
    runner.add_service(host(service, settings))

    started = False

    def stop(_signum: int, _frame: Any) -> None:
        if not started:  # it waits for the broker perhaps; nothing is in its hands
            os._exit(0)
        eventlet.spawn_n(runner.stop)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        runner.start()
        started = True
        log.info("started", service=name, pid=os.getpid())
        runner.wait()
    except PortTaken as taken:
        raise SystemExit(str(taken)) from taken
    except Died:
        raise SystemExit(1) from None
    except Exception as error:
        log.critical("died", exc_info=error)  # its kind and its place; a traceback would hold its text
        raise SystemExit(1) from None
