"""Single values of a list as people keep it: ints for texts, nulls, empty strings, entities, odd times."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from datetime import time
from typing import Any

from services.meetings.feeds.codes import KNOWN, WORDS

Raw = dict[str, Any]

_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_TELLING = re.compile(r"https?:|www\.|@|\d[\d ().-]{4,}\d|pass\s?(?:word|code)|\bpin\b|\bmeeting id\b", re.IGNORECASE)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
COUNTRIES = {
    "USA": "US", "UNITED STATES": "US", "UNITED STATES OF AMERICA": "US", "U.S.A.": "US", "UK": "GB",
    "UNITED KINGDOM": "GB", "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB",
    "IRELAND": "IE", "CANADA": "CA", "AUSTRALIA": "AU", "NEW ZEALAND": "NZ", "GERMANY": "DE", "FRANCE": "FR",
    "SPAIN": "ES", "PORTUGAL": "PT", "MEXICO": "MX", "MÉXICO": "MX", "ITALY": "IT", "NETHERLANDS": "NL",
}  # fmt: skip


LONGEST_CELL = 10_000
"""Characters of a cell that are looked at: a row of megabytes must not keep everybody else waiting."""


class RowRefused(Exception):  # noqa: N818 - told to a person
    """A row cannot be taken: which field, what is wrong and what would be right."""

    def __init__(self, field: str | None, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.why = why


def text(row: Raw, name: str) -> str:
    """A cell as one line of text; empty where there is none. Numbers become text, control characters go."""
    value = row.get(name)
    if value is None or isinstance(value, bool | list | dict):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return one_line(html.unescape(str(value)[:LONGEST_CELL]))


def one_line(value: str) -> str:
    """Without line ends, control characters, lone surrogates and double spaces."""
    kept = (c if unicodedata.category(c) not in ("Cc", "Cs", "Cn") else " " for c in value)
    return " ".join("".join(kept).split())


def tells_too_much(value: str) -> bool:
    """Whether free text may hold a link, a passcode, an address or a number, so that it must not be shown."""
    return bool(_TELLING.search(value))


def days(row: Raw) -> tuple[int, ...]:
    """Weekdays, 0 = Monday (the format has 0 = Sunday); empty where none is given. Raises RowRefused."""
    value = row.get("day")
    values = value if isinstance(value, list) else [value]
    found = {_day(one) for one in values if one is not None and str(one).strip() != ""}
    return tuple(sorted(found))


def _day(value: Any) -> int:
    word = str(value).strip().lower()
    if word in _DAYS:
        return (_DAYS.index(word) - 1) % 7
    if isinstance(value, float) and value.is_integer():
        word = str(int(value))
    if isinstance(value, bool) or word not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise RowRefused("day", "this is no weekday; give a number from 0 (Sunday) to 6 (Saturday)")
    return (int(word) - 1) % 7


def clock(row: Raw, name: str) -> time | None:
    """A local time: 19:00, 19:00:00, 7:00 pm; None where there is none. Raises RowRefused."""
    value = text(row, name)
    if not value:
        return None
    match = _TIME.fullmatch(value)
    if match is None or (match[2] is None and match[3] is None):
        raise RowRefused(name, "this is no time; write it as 19:00")
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            raise RowRefused(name, "this is no time; write it as 19:00")
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    if hour > 23 or minute > 59:
        raise RowRefused(name, "this is no time; hours go from 00 to 23 and minutes from 00 to 59")
    return time(hour, minute)


def codes(row: Raw) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Type codes in order, each once: those of the format, and those it does not know (ONL among them)."""
    given = [one_line(str(one)[:100]) for one in _type_list(row.get("types"))[:200]]
    read = dict.fromkeys(_code(one) for one in given if one)
    known = tuple(code for code in read if code in KNOWN)
    return known, tuple(code for code in read if code not in KNOWN)


def _code(word: str) -> str:
    if word in KNOWN:
        return word
    return WORDS.get(word.upper(), word.upper())


def _type_list(value: Any) -> list[Any]:
    """The list that the cell is, or that its text stands for: ``[open]``, ``O, D``, ``["O", "D"]``."""
    if isinstance(value, list):
        return [one for one in value if isinstance(one, str | int)]
    if not isinstance(value, str):
        return []
    value = value[:LONGEST_CELL]
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, list):
        return _type_list(read)
    return [part.strip(" \"'") for part in re.split(r"[,;|]", value.strip().strip("[]"))]


def country(value: str) -> str:
    """ISO 3166-1 alpha-2, where the word is known; else empty."""
    word = value.upper()
    if word in COUNTRIES:
        return COUNTRIES[word]
    return word if re.fullmatch(r"[A-Z]{2}", word) else ""
