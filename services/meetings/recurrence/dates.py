"""The dates and instants that a series gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from dateutil.rrule import MONTHLY, WEEKLY, rrule, weekday

from services.meetings.recurrence.rules import Rule, RuleRefused, Timing
from services.meetings.recurrence.zones import clock_changes, instant, is_doubled, is_skipped, local
from shared.runtime.hours import clock

_FREQ: dict[str, Literal[1, 2]] = {"MONTHLY": MONTHLY, "WEEKLY": WEEKLY}
LAST_YEAR = 2200
"""A rule is not followed further than this: it bounds the search for a date that never comes."""


@dataclass(frozen=True)
class Occurrence:
    """One date of a series: the local date that names it, and the instants in UTC between which it lasts."""

    date: date
    starts_at: datetime
    ends_at: datetime


def occurrences(timing: Timing) -> Iterator[Occurrence]:
    """All dates of the series in order, without those skipped. COUNT counts a skipped date (RFC 5545: EXDATE)."""
    for wall in _walls(timing):
        if wall.date() not in timing.skip:
            starts_at = instant(wall, timing.zone)
            yield Occurrence(wall.date(), starts_at, starts_at + timedelta(minutes=timing.minutes))


def between(timing: Timing, after: datetime, to: datetime) -> list[Occurrence]:
    """The dates that start in (``after``, ``to``]."""
    found = []
    for occurrence in occurrences(timing):
        if occurrence.starts_at > to:
            break
        if occurrence.starts_at > after:
            found.append(occurrence)
    return found


def has_more(timing: Timing, after: datetime) -> bool:
    """Whether any date starts after this instant."""
    return any(occurrence.starts_at > after for occurrence in occurrences(timing))


def has_date_from(timing: Timing, day: date) -> bool:
    """Whether any date lies on this local day or after it."""
    return any(occurrence.date >= day for occurrence in occurrences(timing))


def check(timing: Timing) -> None:
    """Refuse a series that never meets. Raises RuleRefused."""
    if timing.starts.tzinfo is not None:
        raise RuleRefused("the time is the chapter's local time, without a zone or offset", field="starts")
    if next(_walls(timing), None) is None:
        raise RuleRefused("the rule gives no date; its end lies before its first date")
    if next(occurrences(timing), None) is None:
        raise RuleRefused("every date of the rule is skipped", field="skip")


def _walls(timing: Timing) -> Iterator[datetime]:
    """Naive local starts, also of skipped dates.

    The rule is anchored at the first date on or after ``starts_on`` that is one of its days, so that "every
    second Tuesday from Friday on" begins on the next Tuesday. RFC 5545 leaves a DTSTART that does not fit its
    rule undefined.
    """
    first = _first_day(timing.rule, timing.starts_on)
    if first is None:
        return
    rule = timing.rule
    dates = rrule(
        _FREQ[rule.freq],
        dtstart=datetime.combine(first, timing.starts),
        interval=rule.interval,
        wkst=rule.week_start,
        count=rule.count,
        until=rule.until,
        byweekday=[weekday(day.weekday, day.ordinal) for day in rule.days] or None,
    )
    for wall in dates:
        if wall.year > LAST_YEAR:
            return
        yield wall


def _first_day(rule: Rule, starts_on: date) -> date | None:
    """The first date on or after ``starts_on`` that is one of the rule's days, whatever its interval."""
    if not rule.days:
        return starts_on
    days = [weekday(day.weekday, day.ordinal) for day in rule.days]
    until = datetime(LAST_YEAR, 12, 31)  # noqa: DTZ001 - local, naive
    begin = datetime(starts_on.year, starts_on.month, starts_on.day)  # noqa: DTZ001 - local, naive
    found = next(iter(rrule(_FREQ[rule.freq], dtstart=begin, byweekday=days, until=until)), None)
    return found.date() if found is not None else None


def notes_on(timing: Timing, shown: list[Occurrence], locale: str = "en") -> tuple[str, ...]:
    """What a person should know of these dates: clock changes between them, odd local times, skips that miss."""
    return (*_clock_notes(timing, shown, locale), *_odd_times(timing, shown, locale), *_missed_skips(timing, shown))


def _clock_notes(timing: Timing, shown: list[Occurrence], locale: str) -> Iterator[str]:
    if not shown:
        return
    for day in clock_changes(shown[0].date, shown[-1].date + timedelta(days=1), timing.zone):
        yield f"On {spoken(day)} the clocks change; the meeting stays at {clock(timing.starts, locale)}."


def _odd_times(timing: Timing, shown: list[Occurrence], locale: str) -> Iterator[str]:
    for occurrence in shown:
        wall = datetime.combine(occurrence.date, timing.starts)
        if is_skipped(wall, timing.zone):
            real = local(occurrence.starts_at, timing.zone)
            yield f"On {spoken(occurrence.date)} there is no {clock(wall, locale)}; the meeting starts at {clock(real, locale)}."
        elif is_doubled(wall, timing.zone):
            yield f"On {spoken(occurrence.date)} the clock shows {clock(wall, locale)} twice; the first one is meant."


def _missed_skips(timing: Timing, shown: list[Occurrence]) -> Iterator[str]:
    if not shown or not timing.skip:
        return
    reached = {wall.date() for wall in _until(_walls(timing), shown[-1].date)}
    for day in sorted(timing.skip):
        if day <= shown[-1].date and day not in reached:
            yield f"{spoken(day)} is skipped, but is no date of this series."


def _until(walls: Iterator[datetime], last: date) -> Iterator[datetime]:
    for wall in walls:
        if wall.date() > last:
            return
        yield wall


def spoken(day: date) -> str:
    """A date as it is said: 29 March 2026."""
    return f"{day.day} {day:%B %Y}"
