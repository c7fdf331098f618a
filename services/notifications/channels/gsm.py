"""How many parts a text costs, and where it may be cut (3GPP TS 23.038, 23.040).

In the GSM 7-bit alphabet one part holds 160 septets, and 153 of each of several; an extension character takes
two. A single character from outside turns the whole text into UCS-2: 70 units, and 67 of each of several.
"""

from __future__ import annotations

import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("^{}\\[~]|€\f")

_SIMPLER = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u00ad", None),
        "\u2026": "...",
        "\u00e7": "Ç",
        "\u2022": "*",
    }
)


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM 7-bit alphabet or its extension."""
    return all(character in BASIC or character in EXTENSION for character in text)


def plain(text: str) -> str:
    """The same text in GSM-7 where that loses nothing but accents and typography, else the text as it was."""
    simpler = text.translate(_SIMPLER)
    if is_gsm(simpler):
        return simpler
    bare = "".join(
        character if character in BASIC or character in EXTENSION else _unaccented(character) for character in simpler
    )
    return bare if is_gsm(bare) else text


def _unaccented(character: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))


def units(text: str) -> int:
    """Septets where the text is GSM-7, else UTF-16 code units."""
    if is_gsm(text):
        return sum(_width_gsm(character) for character in text)
    return sum(_width_ucs2(character) for character in text)


def parts(text: str) -> int:
    """How many parts the text is sent in; an empty text is one."""
    return len(split(text))


def split(text: str) -> list[str]:
    """The text in its parts. Neither an escape pair nor a surrogate pair is cut in two."""
    gsm = is_gsm(text)
    width, whole, each = (_width_gsm, 160, 153) if gsm else (_width_ucs2, 70, 67)
    if sum(map(width, text)) <= whole:
        return [text]
    pieces: list[str] = []
    start, filled = 0, 0
    for position, character in enumerate(text):
        wide = width(character)
        if filled + wide > each:
            pieces.append(text[start:position])
            start, filled = position, 0
        filled += wide
    return [*pieces, text[start:]]


def _width_gsm(character: str) -> int:
    return 2 if character in EXTENSION else 1


def _width_ucs2(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1
