"""Quiet hours: wall-clock times, across midnight, and on the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.model.quiet import is_quiet, quiet_ends

CHICAGO = ZoneInfo("America/Chicago")
ZONES = st.sampled_from(["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
HOURS = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHICAGO).astimezone(UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (local(2026, 11, 3, 20, 59), local(2026, 11, 3, 20, 59)),
        (local(2026, 11, 3, 21, 0), local(2026, 11, 4, 8, 0)),
        (local(2026, 11, 4, 0, 30), local(2026, 11, 4, 8, 0)),
        (local(2026, 11, 4, 8, 0), local(2026, 11, 4, 8, 0)),
        (local(2026, 3, 7, 23, 0), local(2026, 3, 8, 8, 0)),  # one hour shorter: clocks go forward
        (local(2026, 10, 31, 23, 0), local(2026, 11, 1, 8, 0)),  # one hour longer: clocks go back
    ],
)
def test_quiet_wraps_midnight(now: datetime, ends: datetime) -> None:
    """From 21:00 to 8:00, on whichever day that is."""
    assert quiet_ends(now, CHICAGO, time(21), time(8)) == ends


def test_an_end_that_the_clocks_skip_comes_with_the_skip() -> None:
    """2:30 does not exist on 8 March 2026 in Chicago: it is quiet until 3:00 or so, not for another day."""
    ends = quiet_ends(local(2026, 3, 8, 1, 0), CHICAGO, time(21), time(2, 30))
    assert ends <= local(2026, 3, 8, 3, 30)


def test_an_end_that_comes_twice_is_passed_once() -> None:
    """1:30 comes twice on 1 November 2026 in Chicago: at the second 1:15 it is quiet until the second 1:30."""
    second = datetime(2026, 11, 1, 1, 15, tzinfo=CHICAGO, fold=1).astimezone(UTC)
    ends = quiet_ends(second, CHICAGO, time(21), time(1, 30))
    assert ends == second + timedelta(minutes=15)


@given(now=MOMENTS, zone=ZONES, start=HOURS, end=HOURS)
def test_the_end_is_near_and_not_quiet(now: datetime, zone: str, start: time, end: time) -> None:
    """Whatever the zone, hours and date: it is not quiet then, and never more than a day and a clock change ahead."""
    ends = quiet_ends(now, ZoneInfo(zone), start, end)
    assert not is_quiet(ends, ZoneInfo(zone), start, end)
    assert now <= ends <= now + timedelta(hours=26)


@given(now=MOMENTS, zone=ZONES, at=HOURS)
def test_equal_times_mean_no_quiet(now: datetime, zone: str, at: time) -> None:
    """Who wants none sets both the same."""
    assert not is_quiet(now, ZoneInfo(zone), at, at)
