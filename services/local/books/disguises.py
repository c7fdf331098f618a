"""The forms in which a text may lie in a file: as it is, otherwise written, encoded, or hashed without a key."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from services.local.books.where import Unreadable

SHORTEST = 6
"""Bytes. What is shorter stands in every file by chance, and cannot be looked for."""
ANCHOR = 6


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
class _Hunt:
    """Patterns by their first bytes, and one expression that finds these."""

    by_anchor: Mapping[bytes, tuple[tuple[bytes, int], ...]]
    anchors: re.Pattern[bytes]

    @classmethod
    def of(cls, patterns: Iterable[tuple[bytes, int]]) -> _Hunt:
        table: dict[bytes, list[tuple[bytes, int]]] = {}
        for pattern, number in set(patterns):
            if len(pattern) >= SHORTEST:
                table.setdefault(pattern[:ANCHOR], []).append((pattern, number))
        expression = _expression(sorted(table)) if table else rb"(?!)"
        return cls(
            {anchor: tuple(found) for anchor, found in table.items()},
            re.compile(b"(?=(" + expression + b"))", re.DOTALL),
        )

    def found(self, content: bytes) -> set[int]:
        return {
            number
            for match in self.anchors.finditer(content)
            for pattern, number in self.by_anchor[match[1]]
            if content.startswith(pattern, match.start())
        }


def _expression(anchors: list[bytes], depth: int = 0) -> bytes:
    """A tree of alternatives: what begins alike is tried once."""
    if depth == ANCHOR:
        return b""
    groups: dict[bytes, list[bytes]] = {}
    for anchor in anchors:
        groups.setdefault(anchor[depth : depth + 1], []).append(anchor)
    branches = [re.escape(first) + _expression(group, depth + 1) for first, group in groups.items()]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


class Hunt:
    """Looks for many texts at once, in all their forms."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        loose: list[tuple[bytes, int]] = []
        strict: list[tuple[bytes, int]] = []
        for number, text in enumerate(self.texts):
            if len(text.encode()) < SHORTEST:
                raise Unreadable(
                    f"a planted text has fewer than {SHORTEST} bytes; plant one that stands nowhere by chance"
                )
            for spelling in spellings(text):
                loose += [(form.lower(), number) for form in _loose(spelling)]
                strict += [(form, number) for form in _strict(spelling)]
        self._loose, self._strict = _Hunt.of(loose), _Hunt.of(strict)

    def found(self, content: bytes) -> set[int]:
        """The numbers of the texts that stand in it."""
        return self._loose.found(content.lower()) | self._strict.found(content)
