"""From a friendly form to a recurrence rule (RFC 5545), and to the sentence that says it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from shared.gateway.wording import WEEKDAYS

Repeats = Literal["weekly", "fortnightly", "monthly"]

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


def rrule(repeats: Repeats, weekday: int, ordinal: int, until: date | None, zone: str) -> str:
    """The rule. ``weekday`` counts from Monday = 0; ``ordinal`` matters for monthly only.

    ``until`` is the last local day that may have a meeting. UNTIL is written in UTC, as RFC 5545 (3.3.10)
    asks where the start is local time with a zone.
    """
    parts = {
        "weekly": ["FREQ=WEEKLY", f"BYDAY={DAYS[weekday]}"],
        "fortnightly": ["FREQ=WEEKLY", "INTERVAL=2", f"BYDAY={DAYS[weekday]}"],
        "monthly": ["FREQ=MONTHLY", f"BYDAY={ordinal}{DAYS[weekday]}"],
    }[repeats]
    if until is not None:
        end = datetime.combine(until, time(23, 59, 59), ZoneInfo(zone)).astimezone(UTC)
        parts.append(f"UNTIL={end:%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


def sentence(repeats: Repeats, weekday: int, ordinal: int) -> str:
    """``Every second Tuesday``, ``The first Tuesday of each month``."""
    name = WEEKDAYS[weekday]
    if repeats == "monthly":
        return f"The {ORDINALS[ordinal]} {name} of each month"
    return f"Every {'second ' if repeats == 'fortnightly' else ''}{name}"
