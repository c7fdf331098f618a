"""The recurrence rules that Chapterhouse keeps: weekly, and monthly on the n-th weekday (RFC 5545 section 3.3.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from services.meetings.recurrence.zones import UnknownZone, local, zone

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_INTERVAL = 52
MOST_COUNT = 1000
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?")


class RuleRefused(ValueError):  # noqa: N818 - said to a person as a refusal
    """A rule that cannot be kept. ``field`` is the part of the series rule that is wrong."""

    def __init__(self, message: str, field: str = "rrule") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Day:
    """A weekday (0 = Monday), for monthly rules the n-th of the month (-1 = the last)."""

    weekday: int
    ordinal: int | None = None

    def __str__(self) -> str:
        return f"{self.ordinal or ''}{WEEKDAYS[self.weekday]}"


@dataclass(frozen=True)
class Rule:
    """A rule that was read. ``until`` is local, naive, inclusive. ``days`` is empty where the first date says it."""

    freq: Literal["WEEKLY", "MONTHLY"]
    interval: int = 1
    days: tuple[Day, ...] = ()
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0

    @property
    def is_plainly_weekly(self) -> bool:
        """Whether it gives every week the same days."""
        return self.freq == "WEEKLY" and self.interval == 1


def read_rule(text: str, zone_name: str) -> Rule:
    """Read the value of an RRULE. Raises RuleRefused, worded for the person who typed it."""
    _known_zone(zone_name)
    parts = _parts(text)
    freq = parts.pop("FREQ", "")
    if freq not in ("WEEKLY", "MONTHLY"):
        raise RuleRefused(f"FREQ must be WEEKLY or MONTHLY, not {freq or 'left out'}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RuleRefused("a rule has COUNT or UNTIL, not both")
    rule = Rule(
        freq="WEEKLY" if freq == "WEEKLY" else "MONTHLY",
        interval=_number(parts.pop("INTERVAL", "1"), "INTERVAL", MOST_INTERVAL),
        days=_days(parts.pop("BYDAY", ""), freq),
        count=_number(parts.pop("COUNT"), "COUNT", MOST_COUNT) if "COUNT" in parts else None,
        until=_until(parts.pop("UNTIL"), zone_name) if "UNTIL" in parts else None,
        week_start=_week_start(parts.pop("WKST", "MO")),
    )
    if parts:
        raise RuleRefused(f"{min(parts)} is not kept; use FREQ, INTERVAL, BYDAY, and COUNT or UNTIL")
    return rule


def until(text: str, last: date) -> str:
    """The rule's text with this local day as its last, whatever end it had."""
    parts = {name: value for name, value in _parts(text).items() if name not in ("COUNT", "UNTIL")}
    return ";".join(f"{name}={value}" for name, value in (parts | {"UNTIL": f"{last:%Y%m%d}"}).items())


def _known_zone(name: str) -> None:
    try:
        zone(name)
    except UnknownZone as error:
        raise RuleRefused(f"no time zone is called {name}", field="time_zone") from error


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise RuleRefused("a rule looks like FREQ=WEEKLY;BYDAY=TU")
        if name in parts:
            raise RuleRefused(f"{name} stands twice")
        parts[name] = value
    return parts


def _number(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise RuleRefused(f"{name} must be a number from 1 to {most}")
    return int(text)


def _days(text: str, freq: str) -> tuple[Day, ...]:
    if not text:
        if freq == "MONTHLY":
            raise RuleRefused("a monthly rule says which weekday of the month: BYDAY=1TU is the first Tuesday")
        return ()
    return tuple(sorted({_day(one.strip(), freq) for one in text.split(",")}, key=_in_order))


def _in_order(day: Day) -> tuple[int, int]:
    return (day.ordinal or 0, day.weekday)


def _day(text: str, freq: str) -> Day:
    match = _DAY.fullmatch(text)
    if match is None:
        raise RuleRefused("BYDAY lists MO, TU, WE, TH, FR, SA or SU, for a monthly rule with a number: 1TU, -1FR")
    ordinal = int(match[1]) if match[1] else None
    if freq == "WEEKLY" and ordinal is not None:
        raise RuleRefused(f"a weekly rule takes days without a number: {match[2]}, not {text}")
    if freq == "MONTHLY" and (ordinal is None or not 1 <= abs(ordinal) <= 5):
        raise RuleRefused("a monthly rule takes days with a number from 1 to 5 or -1 to -5: 1TU, -1FR")
    return Day(WEEKDAYS.index(match[2]), ordinal)


def _until(text: str, zone_name: str) -> datetime:
    if not _UNTIL.fullmatch(text):
        raise RuleRefused("UNTIL is a date such as 20271231")
    try:
        day = datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 - local, naive
        if len(text) == 8:
            return datetime.combine(day, time(23, 59, 59))
        naive = datetime.strptime(text[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - see the Z below
        return local(naive.replace(tzinfo=zone("UTC")), zone_name) if text.endswith("Z") else naive
    except (ValueError, OverflowError) as error:
        raise RuleRefused("UNTIL is a date such as 20271231") from error


def _week_start(text: str) -> int:
    if text not in WEEKDAYS:
        raise RuleRefused("WKST is one of MO, TU, WE, TH, FR, SA, SU")
    return WEEKDAYS.index(text)


@dataclass(frozen=True)
class Timing:
    """When a series meets: a rule, from a local date, at a local time, for so many minutes, but not on some dates."""

    rule: Rule
    starts_on: date
    starts: time
    minutes: int
    skip: frozenset[date]
    zone: str
