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


class Caution:
    """Knows the words and names that tell."""

    def __init__(self, words: Iterable[str]) -> None:
        self._needles = frozenset(needle for needle in map(bare, words) if needle)

    def with_names(self, *names: str) -> Caution:
        """One that knows these names too."""
        both = Caution(names)
        both._needles |= self._needles
        return both

    def tells(self, text: str) -> bool:
        """Whether one of the words, or a name, stands anywhere in the text."""
        haystack = bare(text)
        return any(needle in haystack for needle in self._needles)

    def unnamed(self, place: str | None) -> str | None:
        """The place without the parts that tell; None where what is left would lead nobody there."""
        if place is None or not self.tells(place):
            return place
        kept = [part for part in _SEGMENT.split(place) if part and not self.tells(part)]
        rest = ", ".join(kept)
        return rest if any(map(str.isdigit, rest)) and not self.tells(rest) else None

    def harmless(self, text: str | None) -> str | None:
        """The text, or None where it tells."""
        return None if text is None or self.tells(text) else text
