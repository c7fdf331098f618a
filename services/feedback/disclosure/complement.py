"""What else must be withheld, so that the whole minus the shown parts does not give a withheld part away.

The rules, in order:

1. A part below the minimum is withheld. A whole below the minimum is withheld, with all its parts.
2. If parts are withheld, they must be at least two, together at least the minimum, and the attacker of
   :func:`kept_apart` must be left with at least PROMISED values for each. Else one more part is withheld, the
   one with the fewest people asked: that order is known before anyone answers, so the choice tells nothing.
3. If no choice of parts protects, the whole is withheld instead.

The attacker knows every figure shown, the rule beside every figure withheld, how many people were asked in each
chapter (at most so many answered), and their own answer. One who also runs these rules on every region there could
be learns a little from what was *not* chosen; how little is measured in tests/unit/feedback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.feedback.disclosure.figures import (
    MINIMUM,
    PROMISED,
    Box,
    narrowed,
    persons_behind,
    rounded_persons,
)


class Rule(StrEnum):
    """By which rule a figure is withheld, in the words that the report shows."""

    FEW = "fewer than 10 answered"
    COMPLEMENT = "its figure would give away another's"
    EITHER = "fewer than 10 answered, or its figure would give away another's"
    """Of a region none of whose chapters is shown: to say which of the two would itself tell of their numbers."""


@dataclass(frozen=True)
class Decision:
    """Which parts are withheld and by which rule; ``whole`` is None where the whole is shown."""

    parts: Mapping[str, Rule] = field(default_factory=dict)
    whole: Rule | None = None


def protect(counts: Mapping[str, int], asked: Mapping[str, int], covered: Mapping[str, Box] | None = None) -> Decision:
    """Decide what is withheld of these counts and of their sum.

    ``asked`` bounds each count from above. ``covered`` are the parts that are withheld already and what their rule
    tells of them; no rule is given for them again.
    """
    covered = covered or {}
    parts = {key: Rule.FEW for key, count in counts.items() if key not in covered and count < MINIMUM}
    total = sum(counts.values())
    if total < MINIMUM:
        return Decision(parts, Rule.EITHER)

    def is_safe(added: frozenset[str]) -> bool:
        hidden = {key: _hidden_box(key, asked, parts, added, covered) for key in {*covered, *parts, *added}}
        shown = {
            key: persons_behind(rounded_persons(count)).within(0, asked[key])
            for key, count in counts.items()
            if key not in hidden
        }
        enough = sum(counts[key] for key in hidden) >= MINIMUM
        return not hidden or (enough and kept_apart(hidden, shown, persons_behind(rounded_persons(total))))

    candidates = [key for key in counts if key not in parts and key not in covered]
    added = first_safe(candidates, asked, is_safe)
    if added is None:
        return Decision(parts, Rule.COMPLEMENT if candidates else Rule.EITHER)
    return Decision(parts | dict.fromkeys(added, Rule.COMPLEMENT), None)


def _hidden_box(
    key: str, asked: Mapping[str, int], few: Mapping[str, Rule], added: Iterable[str], covered: Mapping[str, Box]
) -> Box:
    """What the rule beside a withheld part tells of it."""
    if key in covered:
        return covered[key].within(0, asked[key])
    if key in added:
        return Box(MINIMUM, asked[key])
    return Box(0, min(MINIMUM - 1, asked[key]))


def first_safe(
    candidates: Iterable[str], asked: Mapping[str, int], is_safe: Callable[[frozenset[str]], bool]
) -> frozenset[str] | None:
    """The fewest candidates, taken by the number of people asked, that make it safe; None where all do not."""
    added: frozenset[str] = frozenset()
    if is_safe(added):
        return added
    for key in sorted(candidates, key=lambda each: (asked[each], each)):
        added |= {key}
        if is_safe(added):
            return added
    return None


def kept_apart(hidden: Mapping[str, Box], shown: Mapping[str, Box], whole: Box) -> bool:
    """Whether the shown figures leave each hidden one at least PROMISED values, or all that its own rule leaves.

    Whoever answered there knows one value less: 0 is not it.
    """
    if sum(1 for box in hidden.values() if box.high > 0) < 2:
        return not any(box.high > 0 for box in hidden.values())
    keys = [*hidden, *shown]
    after = dict(zip(keys, narrowed([*hidden.values(), *shown.values()], whole), strict=True))
    return all(after[key].size >= min(PROMISED, box.size) for key, box in hidden.items())
