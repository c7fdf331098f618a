"""What has arrived, by whom it is for and what it is: people look for their codes in it again and again."""

from __future__ import annotations

import re
import threading
from collections import defaultdict

from services.local.life.post import Letter, Post


class Letters:
    """An index of the post. May be used by many threads."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._seen = 0
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], list[Letter]] = defaultdict(list)

    def to(self, address: str, kind: str) -> list[Letter]:
        """What one person got of one kind, oldest first."""
        with self._lock:
            self._look()
            return list(self._found[address, kind])

    def addresses(self) -> set[str]:
        """Everyone whom something has reached."""
        with self._lock:
            self._look()
            return {address for address, _ in self._found}

    def _look(self) -> None:
        everything = self._post.all()
        for letter in everything[self._seen :]:
            self._found[letter.to, letter.kind].append(letter)
        self._seen = len(everything)


def six_digits(letter: Letter) -> str:
    """The code to verify an address; empty where there is none."""
    found = re.search(r"\b(\d{6})\b", letter.text)
    return found[1] if found else ""


def slip_code(letter: Letter) -> str:
    """The code of a feedback form; empty where there is none."""
    found = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\b", letter.text)
    return found[1] if found else ""
