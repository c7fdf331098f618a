"""Keeping up what runs: what died is started again, after pauses that grow, and the reader is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.local.broker import PrivateBroker, unreachable
from services.local.disk import is_low
from services.local.postgres import PrivatePostgres
from services.local.processes import Child

BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each start of a process that keeps dying."""
STEADY = 60.0
"""Seconds of life after which a death counts as the first again."""

Say = Callable[[str], None]


@dataclass
class _Watch:
    """How often something died lately, and when it may be started again."""

    deaths: int = 0
    started: float = 0.0
    again_at: float | None = None


class Keeper:
    """Looks when it is told to, and never waits. ``say`` hears sentences."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._watches: dict[str, _Watch] = {}
        self._told_disk = False
        self._nodes_away: set[str] = set()

    def started(self, name: str) -> None:
        """This was started just now, by whomever."""
        watch = self._watches.setdefault(name, _Watch())
        watch.started, watch.again_at = time.monotonic(), None

    def may_start(self, child: Child) -> bool:
        """Whether this process has died and may be started again now."""
        if child.alive():
            return False
        wait = self._wait(child.name)
        if wait:
            self._say(
                f"{child.name} ended ({_ending(child.code)}); it is started again in {wait:g} s. Its log: {child.log}"
            )
        return wait is None

    def look_at_nodes(self, nodes: Sequence[PrivateBroker]) -> None:
        """Start those nodes of the broker again that died."""
        for node in nodes:
            self._look_at_node(node, alone=len(nodes) == 1)

    def look_at_postgres(self, server: PrivatePostgres) -> None:
        """Start the server again if it died."""
        problem = server.problem()
        wait = self._wait("postgres") if problem else 0
        if wait is None:
            self.started("postgres")
            server.launch()
        elif wait > 0:
            self._say(f"{problem}\nIt is started again in {wait:g} s; the services wait for it.")

    def look_at_disk(self, folder: Path) -> None:
        """Say once that the disk under this folder is nearly full."""
        low = is_low(folder)
        if low and not self._told_disk:
            self._say(
                f"The disk of {folder} is nearly full: below 100 MB the broker takes no more messages. Free some."
            )
        self._told_disk = low

    def _look_at_node(self, node: PrivateBroker, *, alone: bool) -> None:
        problem = node.problem()
        if problem is None:
            if node.name in self._nodes_away and unreachable(node.url) is None:
                self._nodes_away.discard(node.name)
                self._say("The broker is back." if alone else f"The broker's {node.name} is back.")
            return
        wait = self._wait(node.name)
        if wait is None:
            self.started(node.name)
            node.launch()
        elif wait > 0:
            self._nodes_away.add(node.name)
            go_on = "the services wait for it" if alone else "the services go on with the other nodes"
            self._say(f"{problem}\nIt is started again in {wait:g} s. What was confirmed is kept; {go_on}.")

    def _wait(self, name: str) -> float | None:
        """Of what is dead. None: start it now. Seconds: it has just died, and waits so long. 0: it still waits."""
        watch, now = self._watches.setdefault(name, _Watch()), time.monotonic()
        if watch.again_at is not None:
            return None if now >= watch.again_at else 0.0
        watch.deaths = 1 if now - watch.started > STEADY else watch.deaths + 1
        wait = BACKOFF[min(watch.deaths, len(BACKOFF)) - 1]
        watch.again_at = now + wait
        return wait


def _ending(code: int | None) -> str:
    return f"killed by signal {-code}" if code is not None and code < 0 else f"code {code}"
