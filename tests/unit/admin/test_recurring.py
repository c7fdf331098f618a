"""A friendly form says what a recurrence rule says."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from dateutil.rrule import rrulestr

from services.admin.recurring import Repeats, rrule, sentence


@pytest.mark.parametrize(
    ("repeats", "weekday", "ordinal", "expected", "dates"),
    [
        ("weekly", 1, 1, "Every Tuesday", ["2026-12-01", "2026-12-08", "2026-12-15"]),
        ("fortnightly", 3, 1, "Every second Thursday", ["2026-12-03", "2026-12-17", "2026-12-31"]),
        ("monthly", 1, 1, "The first Tuesday of each month", ["2026-12-01", "2027-01-05", "2027-02-02"]),
        ("monthly", 4, -1, "The last Friday of each month", ["2026-12-25", "2027-01-29", "2027-02-26"]),
    ],
)
def test_the_rule_gives_the_dates_that_the_sentence_says(
    repeats: Repeats, weekday: int, ordinal: int, expected: str, dates: list[str]
) -> None:
    """Read by a library that is not ours."""
    assert sentence(repeats, weekday, ordinal) == expected
    rule = rrulestr(rrule(repeats, weekday, ordinal, None, "America/Chicago"), dtstart=datetime(2026, 12, 1, 19))
    assert [each.date().isoformat() for each in rule.xafter(datetime(2026, 11, 30), count=3)] == dates


def test_the_last_day_itself_still_has_its_meeting() -> None:
    """UNTIL is the end of that local day, in UTC."""
    assert rrule("weekly", 1, 1, date(2026, 12, 8), "America/Chicago").endswith("UNTIL=20261209T055959Z")
