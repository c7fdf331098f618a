"""How times, modes and numbers are said on pages. Times are said in the chapter's zone, never in the machine's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from shared.contracts.base import Mode
from shared.runtime.hours import clock

MODES = {Mode.IN_PERSON: "In the room", Mode.ONLINE: "Online", Mode.PHONE: "By phone"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def local(moment: datetime, zone: str) -> datetime:
    """The moment on the wall of this zone."""
    return moment.astimezone(ZoneInfo(zone))


def day(on: date | datetime) -> str:
    """``Tuesday 24 November``."""
    return f"{on:%A} {on.day} {on:%B}"


def day_of(moment: datetime, zone: str) -> str:
    """The local day, without the year."""
    return day(local(moment, zone))


def long_day_of(moment: datetime, zone: str) -> str:
    """The local day, with the year."""
    return f"{day_of(moment, zone)} {local(moment, zone).year}"


def time_of(moment: datetime, zone: str, locale: str = "en") -> str:
    """The local time."""
    return clock(local(moment, zone), locale)


def moment(at: datetime, locale: str = "en") -> str:
    """``27 November 2026, 3:05 pm UTC``: when something was done, for whoever looks into it."""
    there = at.astimezone(UTC)
    return f"{there.day} {there:%B} {there.year}, {clock(there, locale)} UTC"


def mode(value: Mode | str) -> str:
    """A way to attend, as a person says it."""
    return MODES[Mode(value)]


def people(number: int) -> str:
    """``1 person``, ``14 people``."""
    return "1 person" if number == 1 else f"{number} people"


def zip_with(values: Iterable[object], labels: Iterable[object]) -> list[tuple[object, object]]:
    """Values and their labels, as a select wants them."""
    return list(zip(values, labels, strict=True))


def filters(locale: str) -> dict[str, Callable[..., object]]:
    """What templates say these things with, for a site of this locale."""
    return {
        "clock": partial(clock, locale=locale),
        "day": day,
        "day_of": day_of,
        "long_day_of": long_day_of,
        "time_of": partial(time_of, locale=locale),
        "moment": partial(moment, locale=locale),
        "mode": mode,
        "people": people,
        "zip_with": zip_with,
    }
