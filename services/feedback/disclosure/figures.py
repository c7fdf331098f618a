"""Rounded figures, and what a reader can conclude from each: an interval of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MINIMUM = 10
"""Persons below which nothing is shown. Customary minima lie between 5 and 11 (OHDSI 5, CMS 11)."""
STEP = 5
"""Every count is rounded to this."""
SMALLEST_ANSWER = 3
"""An answer that fewer chose is not shown: 3 is also the least that rounds to 5."""
SHARES_FROM = 20
"""Persons from whom on the answers are shown one by one, and not only in which half most lie."""
PROMISED = 5
"""No figure that is withheld can be narrowed to fewer possible values than this by the figures that are shown."""


@dataclass(frozen=True)
class Box:
    """The whole numbers from ``low`` to ``high``, both included."""

    low: int
    high: int

    @property
    def size(self) -> int:
        """How many numbers."""
        return max(0, self.high - self.low + 1)

    def within(self, low: int, high: int) -> Box:
        """What of it lies between these."""
        return Box(max(self.low, low), min(self.high, high))


def rounded_persons(count: int) -> int:
    """Rounded down to the step: "10" stands for 10 to 14, so that the smallest class is as wide as the others."""
    return count // STEP * STEP


def persons_behind(figure: int) -> Box:
    """The numbers of persons that are shown as this figure."""
    return Box(figure, figure + STEP - 1)


def rounded_answer(count: int) -> int | None:
    """Rounded to the nearest step, or None where fewer than three chose it: "5" stands for 3 to 7."""
    return None if count < SMALLEST_ANSWER else (count + STEP // 2) // STEP * STEP


def answers_behind(figure: int | None) -> Box:
    """The numbers of people who chose an answer that is shown as this figure."""
    if figure is None:
        return Box(0, SMALLEST_ANSWER - 1)
    return Box(figure - STEP // 2, figure + STEP // 2)


def band(counts: Sequence[int]) -> str | None:
    """How many chose the upper half of the scale: mostly (two thirds and more), few (one third and less), mixed.

    None where fewer than three chose one of the halves: all, or none, would be an answer of everyone's.
    """
    upper = sum(counts[(len(counts) + 1) // 2 :])
    total = sum(counts)
    if min(upper, total - upper) < SMALLEST_ANSWER:
        return None
    if 3 * upper >= 2 * total:
        return "mostly"
    return "few" if 3 * upper <= total else "mixed"


def narrowed(parts: Sequence[Box], total: Box) -> list[Box]:
    """What each part can be, given that together they make the total. Exact for one sum of whole numbers."""
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    return [part.within(total.low - (high - part.high), total.high - (low - part.low)) for part in parts]


def shares_are_safe(counts: Sequence[int]) -> bool:
    """Whether the rounded answers and their rounded sum, read together, tell no more than each tells alone."""
    parts = [answers_behind(rounded_answer(count)) for count in counts]
    total = persons_behind(rounded_persons(sum(counts)))
    whole = Box(sum(part.low for part in parts), sum(part.high for part in parts))
    return narrowed(parts, total) == parts and total.within(whole.low, whole.high) == total
