"""One line of the books: two sides that must be equal, and the ids that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

NAMED = 5
"""Ids that a line names at most on each side; the numbers are always whole."""


@dataclass(frozen=True)
class Line:
    """``wrong`` is empty where the line balances; else what differs, each entry an opaque id with the kind of fault."""

    what: str
    left: str
    right: str
    wrong: tuple[str, ...] = field(default=())
    count: int = 0  # how many differ; ``wrong`` names some

    @property
    def balances(self) -> bool:
        """Whether both sides are equal."""
        return not self.count


def equal(what: str, left: tuple[str, Iterable[str]], right: tuple[str, Iterable[str]]) -> Line:
    """Two sets of ids, each with its name."""
    (left_name, left_ids), (right_name, right_ids) = left, right
    lefts, rights = set(left_ids), set(right_ids)
    wrong = [f"only {left_name}: {each}" for each in sorted(lefts - rights)[:NAMED]]
    wrong += [f"only {right_name}: {each}" for each in sorted(rights - lefts)[:NAMED]]
    return Line(what, f"{left_name} {len(lefts)}", f"{right_name} {len(rights)}", tuple(wrong), len(lefts ^ rights))


def none(what: str, looked_at: str, faults: Iterable[str]) -> Line:
    """Nothing may be wrong in what was looked at."""
    found = sorted(set(faults))
    return Line(what, looked_at, f"wrong {len(found)}", tuple(found[: 2 * NAMED]), len(found))
