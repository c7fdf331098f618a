"""The generated history: a few threads, each with its own stream of the seed, until they are told to stop."""

from __future__ import annotations

import random
import threading
import time
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from tests.chaos.driver.doing import Doer
from tests.chaos.driver.people import Members
from tests.chaos.driver.rush import Rush
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.sheets import Sheets
from tests.chaos.driver.staff import Staff
from tests.chaos.driver.visitors import Visitors

CHAPTERS = 2
STREAMS = 3
"""Threads of people who come by command; one comes by page, one is staff, one keeps the sheets, and one lets
many ask at once."""
RUSH_EVERY = 5.0
"""Seconds between two rushes: each seat is told, reminded of and marked, and the rest of life shall not wait for that."""
CLOCK_EVERY = 5.0
"""Seconds between two moves of the domain clock. Nobody waits until the services have settled: they have to bear it."""


class Stepping(Protocol):
    """Somebody who does one thing at a time."""

    def step(self) -> None:
        """Do one thing."""
        ...


@dataclass
class Stream:
    """One thread's people and its requests."""

    name: str
    doer: Doer
    who: Stepping
    pause: float


class History:
    """Starts the streams, moves the clock, stops them, and has every request decided at the end."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self._stopping = threading.Event()
        self._seed = seed
        self._staffing = Doer(scene.journal)
        self._staff = Staff(scene, self._staffing, self._chance("staff"))
        self._visitors = Visitors(scene, Doer(scene.journal), self._chance("visitors"))
        self._streams: list[Stream] = []
        self._threads: list[threading.Thread] = []
        self.crashed: list[str] = []
        """What went wrong in the driver itself: then the run proves nothing."""

    def begin(self) -> None:
        """Found the region, then let everybody loose."""
        self._staff.found(CHAPTERS)
        for number in range(STREAMS):
            doer = Doer(self.scene.journal)
            self._add(f"people {number}", doer, Members(self.scene, doer, self._chance(f"people {number}")), 0.12)
        self._add("visitors", self._visitors._doer, self._visitors, 0.15)
        self._add("staff", self._staffing, self._staff, 0.4)
        keeping = Doer(self.scene.journal)
        self._add("sheets", keeping, Sheets(self.scene, keeping, self._chance("sheets")), 0.4)
        rushing = Doer(self.scene.journal)
        self._add("rush", rushing, Rush(self.scene, rushing, self._chance("rush")), RUSH_EVERY)
        self._threads = [
            threading.Thread(target=self._run, args=(stream,), name=stream.name) for stream in self._streams
        ]
        self._threads.append(threading.Thread(target=self._tick, name="clock"))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new requests; returns when every thread has ended."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Close the browsers, once everything is decided."""
        self._visitors.close()

    def decide(self, within: float) -> list[str]:
        """Send again what is unknown until each was accepted or refused; what is not by then."""
        until = time.monotonic() + within
        while True:
            for stream in self._streams:
                stream.doer.again()
            left = [f"{act.kind} {act.request_id}" for stream in self._streams for act in stream.doer.undecided]
            if not left or time.monotonic() > until:
                return left
            time.sleep(1)

    def _add(self, name: str, doer: Doer, who: Stepping, pause: float) -> None:
        self._streams.append(Stream(name, doer, who, pause))

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")

    def _run(self, stream: Stream) -> None:
        try:
            while not self._stopping.is_set():
                stream.doer.again()
                stream.who.step()
                self._stopping.wait(stream.pause)
        except Exception:  # noqa: BLE001 - a stream that ends in silence would make an easy run
            self.crashed.append(f"{stream.name}: {traceback.format_exc()}")

    def _tick(self) -> None:
        """Domain time leaps by some hours: reminders fall due, meetings end, windows close."""
        chance = self._chance("clock")
        while not self._stopping.wait(CLOCK_EVERY):
            self.scene.clock.advance(timedelta(hours=chance.choice((1, 1, 2))).total_seconds())
