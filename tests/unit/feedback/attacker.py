"""An attacker, who shares nothing with the rules but the report's own words.

They read the published report, know how many people were asked in each chapter (so many answered at most), and
know that they themselves answered. They try every number of people each chapter may have had, and keep those that
would have given the figures they see.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from shared.contracts.feedback import BlockReport, QuestionFigures

FEW = "fewer than 10 answered"
GIVES_AWAY = "its figure would give away another's"
EITHER = "fewer than 10 answered, or its figure would give away another's"


def says(figure: int | None, withheld: str | None, count: int) -> bool:
    """Whether a block with so many people could show this."""
    if withheld == EITHER:
        return True
    if withheld == FEW:
        return count < 10
    if withheld == GIVES_AWAY:
        return count >= 10
    return figure is not None and count >= 10 and figure <= count < figure + 5


def fits(region: BlockReport, counts: Sequence[int]) -> bool:
    """Whether the region could show this, were these its chapters."""
    return says(region.persons, region.withheld, sum(counts))


def worlds(region: BlockReport, chapters: Sequence[BlockReport], asked: Mapping[str, int]) -> Iterator[tuple[int, ...]]:
    """Every way in which so many people may have answered in each chapter."""
    each = [
        [n for n in range(asked[str(block.chapter_id)] + 1) if says(block.persons, block.withheld, n)]
        for block in chapters
    ]
    return (counts for counts in itertools.product(*each) if fits(region, counts))


def answer_worlds(line: QuestionFigures) -> Iterator[tuple[int, ...]]:
    """Every way in which the answers to one question may have fallen, in a block that shows its shares."""
    assert line.shares is not None
    assert line.answered is not None
    each = [range(3) if share is None else range(share - 2, share + 3) for share in line.shares]
    return (counts for counts in itertools.product(*each) if line.answered <= sum(counts) < line.answered + 5)


def range_of_answer(block: BlockReport, label: int, asked: int) -> range:
    """How many of a chapter may have chosen this answer, from its own block alone."""
    line = block.questions[0] if block.questions else None
    if line and line.shares:
        share = line.shares[label]
        return range(3) if share is None else range(share - 2, share + 3)
    if FEW in (block.withheld, line and line.why):
        return range(min(9, asked) + 1)
    most = line.answered + 4 if line and line.answered is not None else asked
    return range(min(most, asked) + 1)
