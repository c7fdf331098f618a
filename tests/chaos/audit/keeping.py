"""Everything that is compared at the end of a run: the books, and the lines that the driver's log makes possible."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from services.local.books import keeping
from services.local.books.line import Line
from services.local.books.reading import Databases
from services.local.books.where import Where
from tests.chaos.audit import attacker, parking, projections, record, requests, waiting
from tests.chaos.audit.attacker import Truth


@dataclass(frozen=True)
class Evidence:
    """What the driver and the faults left.

    ``malformed``  service and id of everything that was put into a queue to be parked
    ``truths``     who handed in which answers; the attacker is not told, but judged by it
    """

    log: Path
    malformed: AbstractSet[tuple[str, str]]
    truths: Sequence[Truth]


def keep(where: Where, evidence: Evidence, console: Console, now: Callable[[], datetime]) -> list[Line]:
    """Print all lines and give them. A line that does not balance is read once more before it is believed."""
    read = list(lines(where, evidence, now))
    if not all(line.balances for line in read):
        time.sleep(where.again_after)
        read = list(lines(where, evidence, now))
    keeping.show(read, console)
    return read


def lines(where: Where, evidence: Evidence, now: Callable[[], datetime]) -> Iterator[Line]:
    """Every line, read at this moment."""
    yield from keeping.lines(where, now)
    asked = record.read(evidence.log)
    with Databases(where) as databases:
        yield from requests.lines(databases, asked)
        yield from waiting.lines(databases, asked)
        yield from projections.lines(databases)
        yield from parking.lines(databases, evidence.malformed)
        yield attacker.line(where, databases, evidence.truths)
