"""Consents: one decision for one purpose and channel, in a ledger that only grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.base import Channel
from shared.contracts.registration import ConsentChoice, Purpose


class How(StrEnum):
    """Where a decision was made."""

    JOINED = "joined"
    CHANGED = "changed"  # on the preferences page
    SUPPRESSED = "suppressed"  # STOP by text, or a mail's unsubscribe
    LEFT = "left"  # the member left for good


@dataclass(frozen=True)
class Decision:
    """One line of the ledger. ``decided`` counts up per member, purpose and channel; the newest stands."""

    purpose: Purpose
    channel: Channel
    granted: bool
    decided: int
    wording: int  # version of the words that were shown
    locale: str
    how: How


Pair = tuple[Purpose, Channel]


def decide(
    standing: Mapping[Pair, Decision], choices: Iterable[ConsentChoice], *, wording: int, locale: str, how: How
) -> list[Decision]:
    """The lines to append: what these choices say that the ledger does not say already, in these words."""
    newest = dict(standing)
    for choice in choices:
        pair = (choice.purpose, choice.channel)
        last = newest.get(pair)
        if last and last.granted == choice.granted and (last.wording >= wording or not choice.granted):
            continue
        number = last.decided + 1 if last else 1
        newest[pair] = Decision(choice.purpose, choice.channel, choice.granted, number, wording, locale, how)
    return [decision for pair, decision in newest.items() if decision is not standing.get(pair)]


def withdraw(
    standing: Mapping[Pair, Decision], *, how: How, channel: Channel | None = None, purpose: Purpose | None = None
) -> list[Decision]:
    """The lines that take back what was granted: for this channel and purpose; None means for all of them."""
    return [
        Decision(last.purpose, last.channel, False, last.decided + 1, last.wording, last.locale, how)
        for last in standing.values()
        if last.granted and channel in (None, last.channel) and purpose in (None, last.purpose)
    ]
