"""A rule in words, for a reader who knows no RRULE."""

from __future__ import annotations

from services.meetings.recurrence.rules import Day, Timing

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
_EACH = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 12: "twelfth"}


def in_words(timing: Timing) -> str:
    """``every second week on Tuesday at 19:00``, ``on the first Tuesday of the month at 19:00``; local time."""
    return f"{days_in_words(timing)} at {timing.starts:%H:%M}"


def days_in_words(timing: Timing) -> str:
    """``every second week on Tuesday``."""
    rule = timing.rule
    days = rule.days or (Day(timing.starts_on.weekday()),)
    if rule.freq == "WEEKLY":
        names = _listed([DAY_NAMES[day.weekday] for day in days])
        return f"{_every(rule.interval, 'week')} on {names}"
    names = _listed([f"{_ordinal(day.ordinal or 1)} {DAY_NAMES[day.weekday]}" for day in days])
    month = "the month" if rule.interval == 1 else _every(rule.interval, "month")
    return f"on the {names} of {month}"


def _every(interval: int, unit: str) -> str:
    if interval == 1:
        return f"every {unit}"
    return f"every {_EACH[interval]} {unit}" if interval in _EACH else f"every {interval} {unit}s"


def _ordinal(number: int) -> str:
    return _ORDINALS.get(number) or f"{_ORDINALS[-number]} to last"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
