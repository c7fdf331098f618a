"""A time of day is written one way, by the reader's locale."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from services.notifications.wording import dates
from services.notifications.wording.languages import language
from shared.gateway.wording import filters
from shared.runtime.hours import clock


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "7:05 pm"),
        ("en-US", "7:05 pm"),
        ("en_US", "7:05 pm"),
        ("en-GB", "19:05"),
        ("de", "19:05"),
        ("no such locale", "7:05 pm"),
        ("", "7:05 pm"),
    ],
)
def test_the_locale_decides_whether_hours_are_counted_to_twelve(locale: str, said: str) -> None:
    """In mails and texts as on pages. With plain spaces, which a text message can hold."""
    at = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
    assert clock(time(19, 5), locale) == clock(at, locale) == said
    assert filters(locale)["time_of"](at, "UTC") == filters(locale)["clock"](time(19, 5)) == said
    if locale.startswith("en"):  # a language without templates borrows the English ones, hours and all
        assert dates.short(at, language(locale), zone=False).endswith(f", {said}")


def test_midnight_and_noon_are_told_apart() -> None:
    """A twelve is a twelve."""
    assert [clock(time(hour)) for hour in (0, 12)] == ["12:00 am", "12:00 pm"]
