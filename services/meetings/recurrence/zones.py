"""Local times of an IANA zone as instants, the way RFC 5545 section 3.3.5 wants it."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones


class UnknownZone(ValueError):  # noqa: N818 - said to a person as a refusal
    """No IANA zone has this name."""


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime", "posixrules"})


@functools.cache
def zone(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises UnknownZone."""
    if name not in _names():
        raise UnknownZone(name)
    return ZoneInfo(name)


def instant(local: datetime, name: str) -> datetime:
    """A naive local time as an instant, aware, in UTC.

    RFC 5545 section 3.3.5: a time that the clock change skips is read with the offset before the gap, a time
    that comes twice means its first coming. Both is what ``fold=0`` says (PEP 495).
    """
    return local.replace(tzinfo=zone(name), fold=0).astimezone(UTC)


def local(moment: datetime, name: str) -> datetime:
    """An instant as the clock on the wall of this zone shows it; naive."""
    return moment.astimezone(zone(name)).replace(tzinfo=None, fold=0)


def is_skipped(wall: datetime, name: str) -> bool:
    """Whether no clock of the zone ever shows this naive time, since it was put forward over it."""
    return local(instant(wall, name), name) != wall


def is_doubled(wall: datetime, name: str) -> bool:
    """Whether the clocks of the zone show this naive time twice, since they were put back over it."""
    there = zone(name)
    first, second = wall.replace(tzinfo=there, fold=0), wall.replace(tzinfo=there, fold=1)
    return not is_skipped(wall, name) and first.utcoffset() != second.utcoffset()


def clock_changes(first: date, last: date, name: str) -> list[date]:
    """The local days in [``first``, ``last``) at whose end the zone's offset is not what it was at their beginning."""
    there, day, found = zone(name), first, []
    while day < last:
        midnight = datetime(day.year, day.month, day.day, tzinfo=there)
        following = day + timedelta(days=1)
        if midnight.utcoffset() != datetime(following.year, following.month, following.day, tzinfo=there).utcoffset():
            found.append(day)
        day = following
    return found
