"""One-use codes: eleven random characters of Crockford's base32 and a check character, in three groups of four.

55 random bits. The check is a sum over GF(32), each place weighted with another power of a generator: it finds
every single wrong character and every two that changed places.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS = 11
LENGTH = RANDOM_CHARACTERS + 1
GROUP = 4
_READ_AS = str.maketrans("OIL", "011")  # Crockford: what people mistake for one another is the same
_BETWEEN = "- \t\r\n.\u2010\u2011\u2012\u2013\u2014\u00a0"  # what may stand between the groups: any dash or space
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1, primitive: its root's first 31 powers all differ


def new_code(below: Callable[[int], int] = secrets.randbelow) -> str:
    """A fresh code as it is shown: ``7K2M-Q8ZT-0V4X``. ``below(n)`` gives a number in [0, n)."""
    places = [below(len(ALPHABET)) for _ in range(RANDOM_CHARACTERS)]
    text = "".join(ALPHABET[place] for place in (*places, _check(places)))
    return "-".join(text[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def plain(typed: str) -> str | None:
    """The code's twelve characters, from however it was typed; None where it cannot be one of ours."""
    text = "".join(letter for letter in typed.upper() if letter not in _BETWEEN).translate(_READ_AS)
    if len(text) != LENGTH or any(letter not in ALPHABET for letter in text):
        return None
    places = [ALPHABET.index(letter) for letter in text]
    return text if _check(places[:-1]) == places[-1] else None


def _check(places: list[int]) -> int:
    total, weight = 0, 2
    for place in places:
        total ^= _times(place, weight)
        weight = _times(weight, 2)
    return total


def _times(one: int, other: int) -> int:
    """Multiply in GF(32)."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0b100000:
            one ^= _POLYNOMIAL
        other >>= 1
    return product
