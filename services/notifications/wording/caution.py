"""What of a place or a link may be said below the level "open".

A venue or an online room is named by whoever owns it: "Grief House", ``https://meet.example/anxiety-circle``.
The reader needs the street and the link, not the name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote_plus

_SEGMENT = re.compile(r"\s*(?:[,;\n]|\.\s|\s[-\u2013\u2014]\s)\s*")


def bare(text: str) -> str:
    """Letters and digits only, without case or accents: what is left of a name in a URL or a file name."""
    folded = unicodedata.normalize("NFKD", unquote_plus(text).casefold())
    return "".join(character for character in folded if character.isalnum())


def tells(text: str, words: Iterable[str]) -> bool:
    """Whether one of the words, or a name, stands anywhere in the text."""
    haystack = bare(text)
    return any(needle in haystack for needle in map(bare, words) if needle)


def unnamed(place: str | None, words: Iterable[str]) -> str | None:
    """The place without the parts that tell; None where what is left would lead nobody there."""
    if place is None:
        return None
    words = tuple(words)
    if not tells(place, words):
        return place
    kept = [part for part in _SEGMENT.split(place) if part and not tells(part, words)]
    rest = ", ".join(kept)
    return rest if any(map(str.isdigit, rest)) and not tells(rest, words) else None


def harmless(text: str | None, words: Iterable[str]) -> str | None:
    """The text, or None where it tells."""
    return None if text is None or tells(text, words) else text
