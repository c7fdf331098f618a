"""Quiet hours: local wall-clock times that may wrap midnight, in a zone whose clocks may change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_quiet(now: datetime, zone: ZoneInfo, start: time, end: time) -> bool:
    """Whether the wall clock in this zone stands within [start, end). Equal times mean no quiet at all."""
    clock = now.astimezone(zone).time()
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def quiet_ends(now: datetime, zone: ZoneInfo, start: time, end: time) -> datetime:
    """The next moment, in UTC, at which it is not quiet; ``now`` where it is not quiet now.

    Where the clocks skip the end it comes with the skip; where they pass it twice the first end that is
    really outside the quiet counts.
    """
    if not is_quiet(now, zone, start, end):
        return now
    today = now.astimezone(zone).date()
    ends = sorted(
        datetime.combine(today + timedelta(days=days), end, tzinfo=zone).replace(fold=fold).astimezone(UTC)
        for days in (-1, 0, 1, 2)
        for fold in (0, 1)
    )
    return next(moment for moment in ends if moment > now and not is_quiet(moment, zone, start, end))
