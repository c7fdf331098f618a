"""An act is one request under one id: written down, sent, and sent again until it was accepted or refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.errors import Fault, PayloadDiffers, Refused, Unreachable
from shared.runtime.ids import new_id
from tests.chaos.driver.journal import Journal

AGAIN_AFTER = 8.0
"""Seconds until an unknown request is sent again: its deadline (five) is over then, so that the first cannot overtake
the second."""
TAKEN_ABACK = 0.4
"""Seconds for which whoever got no answer does nothing: an outage shall not be a flood of requests that cannot leave."""

Facts = dict[str, Any]


class Unknown(Exception):  # noqa: N818
    """The answer said neither yes nor no: a lost connection, a page that says that something cannot be reached."""


@dataclass
class Act:
    """``send`` asks and gives what it was told, as opaque facts; it raises Refused, or Unknown, Unreachable, Fault.

    ``then`` is called once, with what was told, when the act is accepted; ``otherwise`` once when it is refused.
    """

    kind: str
    send: Callable[[str], Facts]
    facts: Facts = field(default_factory=dict)
    then: Callable[[Facts], None] = lambda _told: None
    otherwise: Callable[[str], None] = lambda _code: None
    request_id: str = field(default_factory=new_id)
    tries: int = 0


class Doer:
    """Does the acts of one thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._unknown: list[tuple[float, Act]] = []

    @property
    def undecided(self) -> list[Act]:
        """Acts of which nobody knows yet what became of them."""
        return [act for _, act in self._unknown]

    def do(self, act: Act) -> None:
        """Write it down, send it, write down what became of it."""
        self._journal.write("intent", act.request_id, act.kind, act.facts)
        self._try(act)

    def again(self, *, at_once: bool = False) -> None:
        """Send again what is unknown and old enough."""
        now = time.monotonic()
        due = [each for each in self._unknown if at_once or each[0] <= now]
        self._unknown = [each for each in self._unknown if each not in due]
        for _, act in due:
            self._try(act)

    def _try(self, act: Act) -> None:
        act.tries += 1
        try:
            told = act.send(act.request_id)
        except PayloadDiffers:
            # The gateway that sealed it first has died; a new one seals otherwise. It took effect the first time.
            if not act.facts.get("page"):
                raise
            self._accept(act, {})
        except Refused as refused:
            self._journal.write("refused", act.request_id, act.kind, {"code": refused.code})
            act.otherwise(refused.code)
        except (Unknown, Unreachable, Fault) as away:
            self._journal.write("unknown", act.request_id, act.kind, {"why": type(away).__name__})
            self._unknown.append((time.monotonic() + AGAIN_AFTER, act))
            time.sleep(TAKEN_ABACK)
        else:
            self._accept(act, told)

    def _accept(self, act: Act, told: Facts) -> None:
        self._journal.write("accepted", act.request_id, act.kind, {"told": told})
        act.then(told)
