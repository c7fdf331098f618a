"""The blocks of a report: the region and its chapters, each question, with what is withheld and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.feedback.disclosure.complement import Decision, Rule, first_safe, kept_apart, protect
from services.feedback.disclosure.figures import (
    MINIMUM,
    PROMISED,
    SHARES_FROM,
    SMALLEST_ANSWER,
    STEP,
    Box,
    answers_behind,
    band,
    persons_behind,
    rounded_answer,
    rounded_persons,
    shares_are_safe,
)
from shared.contracts.base import ChapterId
from shared.contracts.feedback import BlockReport, Question, QuestionFigures

Slip = Mapping[str, int]

RULES = (
    f"Nothing is shown of fewer than {MINIMUM} people.",
    f"Numbers of people are rounded down to a multiple of {STEP}: 10 stands for 10 to 14.",
    (
        f"Numbers of people who chose an answer are rounded to the nearest multiple of {STEP}; an answer that fewer"
        f" than {SMALLEST_ANSWER} chose is not shown."
    ),
    (
        f"The answers are shown one by one from {SHARES_FROM} people on, and only where they and their sum, read"
        " together, tell no more than each alone. Else it is said whether most, some or few chose the upper half of the"
        f" scale, unless fewer than {SMALLEST_ANSWER} chose one of the halves."
    ),
    (
        "Where a figure is withheld, others are withheld with it, so that the region less the chapters shown is at least"
        f" two chapters and {MINIMUM} people, and leaves at least {PROMISED} possible values for each."
    ),
    "The report was computed once, when the window closed, and is never computed again.",
)


@dataclass(frozen=True)
class Tables:
    """How often each label of one question was chosen, by chapter."""

    question: Question
    counts: Mapping[str, Sequence[int]]

    def answered(self) -> dict[str, int]:
        """How many answered it, by chapter."""
        return {chapter: sum(counts) for chapter, counts in self.counts.items()}

    def whole(self) -> list[int]:
        """How often each label was chosen in the region."""
        return [sum(column) for column in zip(*self.counts.values(), strict=True)]


def tabulate(question: Question, slips: Mapping[str, Sequence[Slip]]) -> Tables:
    """Count the answers to one question."""
    counts = {}
    for chapter, of_chapter in slips.items():
        row = [0] * len(question.labels)
        for slip in of_chapter:
            if question.question_id in slip:
                row[slip[question.question_id]] += 1
        counts[chapter] = row
    return Tables(question, counts)


def compile_blocks(
    questions: Sequence[Question], slips: Mapping[str, Sequence[Slip]], asked: Mapping[str, int]
) -> tuple[BlockReport, tuple[BlockReport, ...]]:
    """The region's block and its chapters', by chapter id. Every chapter of the region has an entry in ``slips``.

    ``asked`` is how many people of a chapter were given a code: what a facilitator may know of how many answered.
    """
    persons = {chapter: len(of_chapter) for chapter, of_chapter in slips.items()}
    ceilings = {chapter: max(count, asked.get(chapter, 0)) for chapter, count in persons.items()}
    decision = protect(persons, ceilings)
    lines = [_question_lines(tabulate(question, slips), persons, ceilings, decision) for question in questions]
    total = sum(persons.values())
    region = _block(None, total, decision.whole, [line[""] for line in lines])
    chapters = tuple(
        _block(ChapterId(chapter), persons[chapter], decision.parts.get(chapter), [line[chapter] for line in lines])
        for chapter in sorted(persons)
    )
    return region, chapters


def _block(chapter: ChapterId | None, persons: int, rule: Rule | None, lines: Sequence[QuestionFigures]) -> BlockReport:
    return BlockReport(
        chapter_id=chapter,
        persons=None if rule else rounded_persons(persons),
        withheld=rule.value if rule else None,
        questions=() if rule else tuple(lines),
    )


def _question_lines(
    tables: Tables, persons: Mapping[str, int], ceilings: Mapping[str, int], blocks: Decision
) -> dict[str, QuestionFigures]:
    """One question's figures by chapter; the region's under the empty key."""
    answered = tables.answered()
    bounds = {
        chapter: ceiling if chapter in blocks.parts else min(ceiling, _highest(persons[chapter]))
        for chapter, ceiling in ceilings.items()
    }
    covered = {
        chapter: Box(0, MINIMUM - 1 if rule is Rule.FEW else bounds[chapter]) for chapter, rule in blocks.parts.items()
    }
    decision = protect(answered, bounds, covered)
    if blocks.whole:
        few = {chapter: rule for chapter, rule in decision.parts.items() if rule is Rule.FEW}
        decision = Decision(few, blocks.whole)
    withheld = {**dict.fromkeys(covered, Rule.COMPLEMENT), **decision.parts}
    with_shares, whole_shares = _shown_shares(tables, bounds, withheld, whole=decision.whole)
    lines = {
        chapter: _line(tables.question, counts, decision.parts.get(chapter), shares=chapter in with_shares)
        for chapter, counts in tables.counts.items()
    }
    lines[""] = _line(tables.question, tables.whole(), decision.whole, shares=whole_shares)
    return lines


def _highest(count: int) -> int:
    return persons_behind(rounded_persons(count)).high


def _shown_shares(
    tables: Tables, bounds: Mapping[str, int], withheld: Mapping[str, Rule], *, whole: Rule | None
) -> tuple[frozenset[str], bool]:
    """The chapters whose answers are shown one by one, and whether the region's are."""
    answered, total = tables.answered(), tables.whole()
    fit = frozenset(key for key, row in tables.counts.items() if key not in withheld and _fit_for_shares(row))
    if whole or not _fit_for_shares(total):
        return fit, False

    def is_safe(added: frozenset[str]) -> bool:
        shown = fit - added
        hidden = [key for key in answered if key not in shown]
        if not hidden:
            return True
        if sum(answered[key] for key in hidden) < MINIMUM:
            return False
        return all(
            _label_kept_apart(tables, label, shown, {key: bounds[key] for key in hidden})
            for label in range(len(total))
            if rounded_answer(total[label]) is not None
        )

    added = first_safe(fit, bounds, is_safe)
    return (fit, False) if added is None else (fit - added, True)


def _fit_for_shares(row: Sequence[int]) -> bool:
    return sum(row) >= SHARES_FROM and shares_are_safe(row)


def _label_kept_apart(tables: Tables, label: int, shown: frozenset[str], hidden: Mapping[str, int]) -> bool:
    """Whether the region's count of one label, less the chapters' shown, still leaves what is promised."""
    whole = answers_behind(rounded_answer(tables.whole()[label]))
    parts = {key: answers_behind(rounded_answer(tables.counts[key][label])) for key in shown}
    rest = Box(
        max(0, whole.low - sum(box.high for box in parts.values())),
        whole.high - sum(box.low for box in parts.values()),
    )
    boxes = {key: Box(0, high) for key, high in hidden.items()}
    return rest.size >= PROMISED and kept_apart(boxes, parts, whole)


def _line(question: Question, counts: Sequence[int], rule: Rule | None, *, shares: bool) -> QuestionFigures:
    """One question's figures in one block, with the reason for what is left out."""
    if rule:
        return QuestionFigures(
            question_id=question.question_id,
            text=question.text,
            labels=question.labels,
            answered=None,
            shares=None,
            band=None,
            why=rule.value,
        )
    rounded = tuple(rounded_answer(count) for count in counts) if shares else None
    half = band(counts)
    return QuestionFigures(
        question_id=question.question_id,
        text=question.text,
        labels=question.labels,
        answered=rounded_persons(sum(counts)),
        shares=rounded,
        band=half,
        why="; ".join(_reasons(counts, rounded, half)) or None,
    )


def _reasons(counts: Sequence[int], rounded: Sequence[int | None] | None, half: str | None) -> list[str]:
    reasons = []
    if rounded is None:
        few = sum(counts) < SHARES_FROM
        reasons.append(
            f"fewer than {SHARES_FROM} answered, so not answer by answer"
            if few
            else "answer by answer, the figures would give others away"
        )
    elif None in rounded:
        reasons.append(f"an answer that fewer than {SMALLEST_ANSWER} chose is not shown")
    if half is None:
        reasons.append(f"fewer than {SMALLEST_ANSWER} chose one of the halves of the scale")
    return reasons
