"""How a time of day is written: one way for pages, mails and texts, by the reader's locale."""

from __future__ import annotations

from datetime import datetime, time
from functools import cache

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_time

FALLBACK = "en"


def clock(at: time | datetime, locale: str = FALLBACK) -> str:
    """``7:00 pm`` for ``en`` and ``en-US``, ``19:00`` for ``en-GB`` and ``de``: the wall time as it stands, in no other zone.

    Only plain spaces: the narrow one that CLDR puts before "pm" would halve what fits into a text message.
    """
    found = _locale(locale)
    wall = at.time() if isinstance(at, datetime) else at.replace(tzinfo=None)
    said = format_time(wall, "short", locale=found).replace("\u202f", " ").replace("\u00a0", " ")
    return said.lower() if found.language == "en" else said


@cache
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(FALLBACK)
