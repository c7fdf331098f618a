"""Passwords: 12 to 128 characters, none of the common ones, no rules of composition (ASVS 5.0, 6.2)."""

from __future__ import annotations

import threading
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST, MOST = 12, 128
COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop")

_hasher = PasswordHasher()  # argon2id, 64 MiB, t=3, p=4 (RFC 9106, second recommendation)
_one = threading.Lock()  # one at a time: 64 MiB each
_NOBODY = _hasher.hash("nobody has this password, but checking it takes as long")


def _repeated(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _row(text: str) -> bool:
    return any(text in (row * 3) or text in (row * 3)[::-1] for row in _ROWS)


def weakness(password: str, *about: str) -> str | None:
    """What is wrong with this password, as a sentence; None if nothing. ``about`` are words that it must not be."""
    if len(password) < LEAST:
        return f"Use {LEAST} characters or more. Three or four words in a row are easy to remember"
    if len(password) > MOST:
        return f"Use {MOST} characters or fewer"
    plain = password.casefold()
    letters = plain.strip("0123456789!?.*#-_ ")
    bare = "".join(plain.split())
    known = COMMON | {word.casefold() for word in about if word}
    if plain in known or bare in known or letters in known or _repeated(bare) or _row(bare):
        return "This password is among the first that are tried. Three or four words in a row make a better one"
    return None


def hash_password(password: str) -> str:
    """The argon2id hash."""
    with _one:
        return _hasher.hash(password)


def is_password(hashed: str | None, password: str) -> bool:
    """Whether it is the password. For nobody (None) it takes as long, and is not."""
    with _one:
        try:
            return _hasher.verify(hashed or _NOBODY, password) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False
