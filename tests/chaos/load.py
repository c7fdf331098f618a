"""A light load: people join and take places, one after the other, through the pages, as long as it lasts."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from rich.console import Console

from services.local.life import opening
from services.local.life.browser import Stuck
from services.local.life.people import Person
from services.local.life.post import Letter, Post
from services.local.life.scene import Scene
from services.local.life.stage import MAIN, Role, cast
from services.local.life.telling import Teller
from services.local.network import Network
from shared.contracts.errors import Fault, Refused, Unreachable
from tests.chaos.healing import until

STUMBLES = (Stuck, httpx.HTTPError, Refused, Fault, Unreachable, OSError, LookupError, ValueError)
"""What somebody may run into whose network is being hurt: they give up, and the next one comes."""
PATIENCE = 20.0
"""Seconds that somebody waits for a code."""


class Impatient(Post):
    """Waits for a letter no longer than somebody whose network is being hurt."""

    def wait(self, address: str, kind: str, *, after: int = 0) -> Letter:
        """The newest letter of this kind to this address. Raises Stuck."""
        if not until(lambda: len(self.to(address, kind)) > after, PATIENCE, every=0.15):
            raise Stuck(f"no {kind} arrived within {PATIENCE:.0f} s")
        return self.to(address, kind)[-1]


@dataclass
class Load:
    """Who came, and who gave up."""

    network: Network
    meeting: str
    came: int = 0
    gave_up: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """People come until it is stopped."""
        post = Impatient(self.network.around.sink_log)
        while not self._stopping.is_set():
            person = Person(_somebody(next(self._numbers)), self.network.url("portal"), post)
            try:
                person.come_to(self.meeting)
                self.came += 1
            except STUMBLES:
                self.gave_up += 1
                self._stopping.wait(0.2)
            finally:
                person.close()

    def stop(self) -> None:
        """Nobody comes any more."""
        self._stopping.set()


def _somebody(number: int) -> Role:
    """Never the same twice."""
    edition, at = divmod(number, 40)
    return cast(100 + edition)[MAIN.slug][at]


def schedule(network: Network) -> str:
    """A region, its staff and an evening; the evening's id."""
    scene = Scene(network, Teller(Console(file=io.StringIO())), 1, Post(network.around.sink_log))
    try:
        scene.day = scene.now().date() + timedelta(days=2)
        opening.open_the_region(scene)
        opening.bring_staff(scene)
        opening.schedule(scene)
    finally:
        scene.leave()
    return scene.meetings[MAIN.slug]


@contextmanager
def light_load(network: Network, *, people: int = 3) -> Iterator[Load]:
    """So many come at once while the context lasts."""
    load = Load(network, schedule(network))
    threads = [threading.Thread(target=load.run, name=f"people {number}", daemon=True) for number in range(people)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in threads:
            thread.join(150.0)
