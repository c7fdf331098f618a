"""A VTIMEZONE (RFC 5545 section 3.6.5) of an IANA zone, for calendar entries that others' programs read.

Written here since the icalendar library (7.3) tells the onset of summer time in the time after it. The standard
wants the local time before it, in TZOFFSETFROM: who reads its zones begins every spring an hour late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

NO_TIME = timedelta(0)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def vtimezone(name: str, begin: date, end: date) -> Iterator[str]:
    """Its content lines, without line ends: the offset at the beginning, and each change of the clock before the end."""
    there = ZoneInfo(name)
    moment = datetime(begin.year, begin.month, begin.day, tzinfo=there).astimezone(UTC)
    last = datetime(end.year, end.month, end.day, tzinfo=there).astimezone(UTC)
    offset = _offset_at(moment, there)
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{name}"
    yield from _observance(moment.astimezone(there), offset)
    while moment < last:
        following = moment + DAY
        if _offset_at(following, there) != offset:
            onset = _onset(moment, following, there)
            yield from _observance(onset.astimezone(there), offset)
            following, offset = onset, _offset_at(onset, there)
        moment = following
    yield "END:VTIMEZONE"


def _offset_at(moment: datetime, there: ZoneInfo) -> timedelta:
    return moment.astimezone(there).utcoffset() or NO_TIME


def _onset(before: datetime, after: datetime, there: ZoneInfo) -> datetime:
    """The first minute at which the offset is no longer what it was before."""
    old = _offset_at(before, there)
    while after - before > MINUTE:
        middle = before + (after - before) // MINUTE // 2 * MINUTE
        before, after = (middle, after) if _offset_at(middle, there) == old else (before, middle)
    return after


def _observance(onset: datetime, before: timedelta) -> Iterator[str]:
    kind = "DAYLIGHT" if onset.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{onset.astimezone(timezone(before)):%Y%m%dT%H%M%S}"
    yield f"TZOFFSETFROM:{_written(before)}"
    yield f"TZOFFSETTO:{_written(onset.utcoffset() or NO_TIME)}"
    yield f"TZNAME:{onset.tzname()}"
    yield f"END:{kind}"


def _written(offset: timedelta) -> str:
    minutes = offset // MINUTE
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
