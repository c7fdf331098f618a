"""The forms in which a text may lie in a file: as it is, otherwise written, encoded, or hashed without a key."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from services.local.books.where import Unreadable

SHORTEST = 6
"""Bytes. What is shorter stands in every file by chance, and cannot be looked for."""
WORD = 4
LOOKED_AT = 24
"""Bytes of a form by which it is known that it may be there."""


def spellings(text: str) -> set[str]:
    """The ways to write a text that a program may have made of it: case, accents, what stands between the words."""
    found = {text, text.lower(), text.upper(), *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))}
    words = text.split()
    if len(words) > 1:
        found |= {between.join(words) for between in ("", ".", "-", "_", "+", "\xa0")}
    digits = re.sub(r"\D", "", text)
    if len(digits) >= 10 and not re.search(r"[A-Za-z]", text):
        area, office, line = digits[-10:-7], digits[-7:-4], digits[-4:]
        found |= {digits, digits[-10:], f"({area}) {office}-{line}"}
        found |= {between.join((area, office, line)) for between in (" ", "-", ".")}
    return found


def _loose(spelling: str) -> Iterator[bytes]:
    """Forms in which upper and lower case are the same, in lower case."""
    plain = spelling.encode()
    yield plain
    yield spelling.encode("utf-16-le")
    yield spelling.encode("utf-16-be")
    yield plain.hex().encode()
    yield spelling.encode("utf-16-le").hex().encode()
    yield quote(spelling, safe="").encode()
    yield quote_plus(spelling).encode()
    yield html.escape(spelling).encode()
    yield json.dumps(spelling)[1:-1].encode()
    for same in (spelling, spelling.lower()):
        for algorithm in ("md5", "sha1", "sha256"):
            yield hashlib.new(algorithm, same.encode(), usedforsecurity=False).hexdigest().encode()


def _strict(spelling: str) -> Iterator[bytes]:
    """Forms in which they are not: base64 at each of its three offsets, in both alphabets, and bare digests."""
    for same in {spelling, spelling.lower(), spelling.upper()}:
        for before in range(3):
            raw = b"\0" * before + same.encode()
            first, last = (before * 8 + 5) // 6, len(raw) * 8 // 6
            whole = base64.b64encode(raw)[first:last]
            yield whole
            yield whole.translate(bytes.maketrans(b"+/", b"-_"))
    for same in (spelling, spelling.lower()):
        for algorithm in ("md5", "sha1", "sha256"):
            digest = hashlib.new(algorithm, same.encode(), usedforsecurity=False).digest()
            yield digest
            yield base64.b64encode(digest).rstrip(b"=")


@dataclass(frozen=True)
class _Clue:
    """One form of one text, as it lies at one of four offsets: the words that must then be there, too."""

    form: bytes
    number: int
    words: tuple[int, ...]


class _Forms:
    """Many forms, each known by its first word of four bytes at each of its four offsets.

    Wherever a form stands, its words are words of the content: a set of these, made and compared at the speed of
    C, leaves few forms to be looked for one by one.
    """

    def __init__(self, forms: Iterable[tuple[bytes, int]]) -> None:
        self._clues: dict[int, list[_Clue]] = {}
        self._short: set[tuple[bytes, int]] = set()  # those that hold no whole word at some offset
        for form, number in forms:
            for at in range(WORD):
                words = _words(form[at:LOOKED_AT])
                if words:
                    self._clues.setdefault(words[0], []).append(_Clue(form, number, words))
                else:
                    self._short.add((form, number))
        self._first = frozenset(self._clues)

    def found(self, content: bytes) -> set[int]:
        """The numbers of the texts that stand in it."""
        words = set(_words(content))
        near = [clue for first in words & self._first for clue in self._clues[first] if words.issuperset(clue.words)]
        found = {clue.number for clue in near if clue.form in content}
        return found | {number for form, number in self._short if form in content}


def _words(content: bytes) -> tuple[int, ...]:
    whole = len(content) // WORD * WORD
    return tuple(memoryview(content)[:whole].cast("I"))


class Hunt:
    """Looks for many texts at once, in all their forms."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        loose: set[tuple[bytes, int]] = set()
        strict: set[tuple[bytes, int]] = set()
        for number, text in enumerate(self.texts):
            if len(text.encode()) < SHORTEST:
                raise Unreadable(
                    f"a planted text has fewer than {SHORTEST} bytes; plant one that stands nowhere by chance"
                )
            for spelling in spellings(text):
                loose |= {(form.lower(), number) for form in _loose(spelling)}
                strict |= {(form, number) for form in _strict(spelling)}
        self._loose, self._strict = (
            _Forms((form, number) for form, number in forms if len(form) >= SHORTEST) for forms in (loose, strict)
        )

    def found(self, content: bytes) -> set[int]:
        """The numbers of the texts that stand in it. A megabyte at a time keeps it small."""
        return self._loose.found(content.lower()) | self._strict.found(content)
