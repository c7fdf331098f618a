"""A service process that does wrong when it is told to: ``python -m tests.chaos.serve``.

It hosts the real service class, with the product's own ``serve``; each entrypoint is wrapped so that it can fail.
What it is told stands in a file (tests.chaos.orders), which it reads ten times a second.

CHAPTERHOUSE_CHAOS_SERVICE   which service
CHAPTERHOUSE_CHAOS_ORDERS    the file
CHAPTERHOUSE_CHAOS_BEFORE    functions to call first, ``module:function``, comma-separated: mutations of the product
"""

import eventlet

eventlet.monkey_patch()

import functools  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import socket  # noqa: E402
import zlib  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from shared.messaging.dispatch import Dispatcher  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402
from shared.messaging.link import LinkLost  # noqa: E402
from shared.runtime import points  # noqa: E402
from tests.chaos.orders import Moment, Orders, Work  # noqa: E402

LOOK = 0.1
"""Seconds between looks at the orders."""


class OrderedFailure(Exception):  # noqa: N818 - its name is the reason in the parking lot
    """A handler failed because it was told to."""


class Standing:
    """The orders as they stand now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._orders = Orders.read(file)
        self._chance = random.Random()

    def follow(self) -> None:
        """Look again and again."""
        while True:
            orders = Orders.read(self._file)
            if orders.kill_at != self._orders.kill_at:
                points._name, points._left, points._armed = orders.kill_at, 1, bool(orders.kill_at)
            self._orders = orders
            eventlet.sleep(LOOK)

    def strike(self, work: Work, moment: Moment) -> None:
        """Raise OrderedFailure where the orders and chance want it."""
        orders = self._orders
        if orders.moment == moment and work in orders.works and self._chance.random() < orders.fail:
            raise OrderedFailure

    def poison(self, event: object) -> None:
        """Raise OrderedFailure where the orders want it of this event: the next time, and in every process, they do again."""
        if zlib.crc32(repr(event).encode()) % 1000 < 1000 * self._orders.poison:
            raise OrderedFailure

    def lose(self) -> None:
        """Raise LinkLost where the orders and chance want it."""
        if self._chance.random() < self._orders.lose:
            raise LinkLost("the connection was lost, as it was told to be")


def failing(service: type, standing: Standing) -> type:
    """The service class, each of whose entrypoints may fail."""
    wrapped = {
        name: _wrapped(method, method.__listens__[0].kind, standing)
        for name, method in vars(service).items()
        if hasattr(method, "__listens__")
    }
    return type(service.__name__, (service,), {"__module__": service.__module__, **wrapped})


def _wrapped(method: Callable[..., Any], work: Work, standing: Standing) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*arguments: Any) -> Any:
        standing.strike(work, "before")
        if work == "event":
            standing.poison(arguments[1])
        result = method(*arguments)
        standing.strike(work, "after")
        return result

    return run


def losing(run: Callable[..., Any], standing: Standing) -> Callable[..., Any]:
    """The dispatcher's method, which commits; after which the connection may be lost."""

    @functools.wraps(run)
    def lost_after(*arguments: Any) -> Any:
        done = run(*arguments)
        standing.lose()
        return done

    return lost_after


def _never_sleep_without_a_socket() -> None:
    """Under libfaketime 0.9.10 Python's ``time.sleep`` fails (EINVAL: clock_nanosleep with an absolute time), and
    eventlet calls it where no socket is watched. So one always is.
    """
    here, there = socket.socketpair()
    eventlet.spawn(lambda: (here.recv(1), there))


def main() -> None:
    """Serve until told to stop."""
    name = os.environ["CHAPTERHOUSE_CHAOS_SERVICE"]
    service = getattr(importlib.import_module(f"services.{name}.service"), f"{name.capitalize()}Service")
    for each in filter(None, os.environ.get("CHAPTERHOUSE_CHAOS_BEFORE", "").split(",")):
        module, _, function = each.partition(":")
        getattr(importlib.import_module(module), function)()
    standing = Standing(Path(os.environ["CHAPTERHOUSE_CHAOS_ORDERS"]))
    for batch in ("events", "requests"):
        setattr(Dispatcher, batch, losing(getattr(Dispatcher, batch), standing))
    eventlet.spawn(standing.follow)
    _never_sleep_without_a_socket()
    serve(failing(service, standing))


if __name__ == "__main__":
    main()
