"""What a text from a person asks for. Sources: 47 CFR 64.1200(a)(10) (per-se stop words), CRTC's ARRET."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Word(StrEnum):
    """What was asked for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    WRONG = "wrong"
    OTHER = "other"  # nobody reads replies; the answer says so, and gives the way to help


STOP_WORDS = frozenset(
    {"stop", "stopall", "quit", "end", "revoke", "optout", "opt out", "cancel", "unsubscribe", "arret", "arreter"}
)
_EVEN_IN_A_SENTENCE = frozenset({"stop", "stopall", "unsubscribe", "arret", "revoke"})
_POLITE = frozenset({"please", "pls", "plz"})
START_WORDS = frozenset({"start", "unstop", "yes"})
HELP_WORDS = frozenset({"help", "info", "aide"})
WRONG_WORDS = frozenset({"wrong", "wrong number", "wrong person"})


def word_of(body: str, opt_out_type: str | None = None) -> Word:
    """What this text asks for. Case, accents, punctuation, blanks and politeness do not matter; a stop word may stand
    in front. Read is the first line that says something: below it stands what a phone adds ("Sent from my …").

    ``opt_out_type`` is the provider's own reading, where it gives one; it counts when we read nothing ourselves.
    """
    plain = unicodedata.normalize("NFKD", body).encode("ascii", "ignore").decode().lower()
    lines = [[word for word in re.findall(r"[a-z0-9]+", line) if word not in _POLITE] for line in plain.splitlines()]
    text = " ".join(next(filter(None, lines), []))
    first = text.split(" ", 1)[0]
    if text in WRONG_WORDS or first == "wrong":
        return Word.WRONG
    if text in STOP_WORDS or first in _EVEN_IN_A_SENTENCE or text.startswith("opt out"):
        return Word.STOP
    if text in START_WORDS:
        return Word.START
    if text in HELP_WORDS:
        return Word.HELP
    try:
        return Word((opt_out_type or "").lower())
    except ValueError:
        return Word.OTHER
