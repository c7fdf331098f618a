"""Rules, local times and instants: what RFC 5545 says, and what dateutil and zoneinfo say independently."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from services.meetings.recurrence.dates import between, check, notes_on, occurrences
from services.meetings.recurrence.rules import WEEKDAYS, RuleRefused, Timing, read_rule
from services.meetings.recurrence.words import in_words
from services.meetings.recurrence.zones import clock_changes, instant, is_doubled, is_skipped, local

ZONES = st.sampled_from(
    ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC"]
)
WALLS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda wall: wall.replace(microsecond=0))
DATES = st.dates(date(2020, 1, 1), date(2030, 1, 1))
WEEKLY = st.builds(
    lambda interval, days: f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(sorted(days))}",
    st.integers(1, 4),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1, max_size=3),
)
MONTHLY = st.builds(
    lambda interval, ordinal, day: f"FREQ=MONTHLY;INTERVAL={interval};BYDAY={ordinal}{day}",
    st.integers(1, 6),
    st.sampled_from([1, 2, 3, 4, 5, -1, -2]),
    st.sampled_from(WEEKDAYS),
)


def timing(rrule: str, starts_on: date = date(2026, 11, 3), zone: str = "Europe/London", **more: object) -> Timing:
    starts = more.get("starts", time(19, 0))
    skip = frozenset(more.get("skip", ()))
    return Timing(read_rule(rrule, zone), starts_on, starts, 90, skip, zone)


def dates(found: Timing, most: int = 4) -> list[date]:
    return [one.date for one in islice(occurrences(found), most)]


# -- zones --------------------------------------------------------------------------------------


@given(WALLS, ZONES)
def test_a_local_time_comes_back_unless_the_clock_skips_it(wall: datetime, zone: str) -> None:
    """RFC 5545 section 3.3.5: a skipped time is read with the offset before the gap, so it lies after it."""
    back = local(instant(wall, zone), zone)
    assert (back == wall) is not is_skipped(wall, zone)
    if back != wall:
        before = (wall - timedelta(hours=3)).replace(tzinfo=ZoneInfo(zone)).utcoffset()
        assert instant(wall, zone) == (wall - before).replace(tzinfo=UTC)
        assert back > wall


@given(WALLS, ZONES)
def test_a_doubled_time_means_its_first_coming(wall: datetime, zone: str) -> None:
    """No earlier instant shows the same wall time."""
    moment = instant(wall, zone)
    earlier = [moment - timedelta(minutes=minutes) for minutes in (30, 60)]
    assert all(local(one, zone) != wall for one in earlier)
    if is_doubled(wall, zone):
        assert any(local(moment + timedelta(minutes=minutes), zone) == wall for minutes in (30, 60))


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        (datetime(2027, 3, 14, 2, 30), "America/New_York", datetime(2027, 3, 14, 7, 30, tzinfo=UTC)),  # RFC's example
        (datetime(2026, 11, 1, 1, 30), "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (datetime(2027, 3, 28, 1, 30), "Europe/London", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 1, 30), "Europe/London", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe", datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
    ],
)
def test_both_nights_of_the_year(wall: datetime, zone: str, expected: datetime) -> None:
    """Skipped and doubled hours, and a zone that changes by half an hour."""
    assert instant(wall, zone) == expected


# -- rules --------------------------------------------------------------------------------------


@given(st.one_of(WEEKLY, MONTHLY), DATES, ZONES)
def test_dates_are_those_of_dateutil_from_the_first_fitting_date(rrule: str, starts_on: date, zone: str) -> None:
    """Anchored where RFC 5545 wants DTSTART to be: on a date of the rule."""
    ours = timing(rrule, starts_on, zone)
    found = dates(ours, 12)
    assert found
    first = datetime.combine(found[0], ours.starts)
    assert found == [one.date() for one in islice(rrulestr(rrule, dtstart=first), 12)]


@given(st.one_of(WEEKLY, MONTHLY), DATES, ZONES)
def test_the_first_date_is_the_nearest_that_fits(rrule: str, starts_on: date, zone: str) -> None:
    """Whatever the interval: "every second Tuesday from Friday on" begins on the next Tuesday."""
    every_time = rrulestr(
        ";".join(part for part in rrule.split(";") if not part.startswith("INTERVAL")),
        dtstart=datetime.combine(starts_on, time()),
    )
    assert dates(timing(rrule, starts_on, zone), 1) == [every_time[0].date()]


@given(st.one_of(WEEKLY, MONTHLY), DATES, ZONES, st.times())
def test_the_wall_clock_stays_through_the_year(rrule: str, starts_on: date, zone: str, starts: time) -> None:
    """Each meeting starts at the same local time, unless that night has no such time; instants rise."""
    at = starts.replace(second=0, microsecond=0)
    found = list(islice(occurrences(timing(rrule, starts_on, zone, starts=at)), 30))
    for one in found:
        wall = datetime.combine(one.date, at)
        assert local(one.starts_at, zone) == wall or is_skipped(wall, zone)
        assert one.ends_at - one.starts_at == timedelta(minutes=90)
    assert [one.starts_at for one in found] == sorted({one.starts_at for one in found})


@given(st.one_of(WEEKLY, MONTHLY), DATES, st.integers(1, 20), st.sets(st.integers(0, 19), max_size=5))
def test_a_skipped_date_counts_and_does_not_happen(rrule: str, starts_on: date, count: int, skips: set[int]) -> None:
    """COUNT=n gives n dates, of which the skipped ones are left out (RFC 5545: EXDATE)."""
    whole = dates(timing(rrule, starts_on), 20)
    skip = {whole[index] for index in skips if index < count}
    left = dates(timing(f"{rrule};COUNT={count}", starts_on, skip=skip), 50)
    assert left == [day for day in whole[:count] if day not in skip]


@given(st.one_of(WEEKLY, MONTHLY), DATES, st.integers(0, 400), st.integers(0, 400))
def test_laying_out_in_two_steps_is_laying_out_in_one(rrule: str, starts_on: date, first: int, second: int) -> None:
    """No date falls between two turns of the timer, none comes twice."""
    series = timing(rrule, starts_on)
    begin = datetime(2020, 1, 1, tzinfo=UTC) - timedelta(days=1)
    middle, end = begin + timedelta(days=first), begin + timedelta(days=first + second)
    assert between(series, begin, middle) + between(series, middle, end) == between(series, begin, end)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("20261117", [date(2026, 11, 3), date(2026, 11, 10), date(2026, 11, 17)]),
        ("20261117T185959", [date(2026, 11, 3), date(2026, 11, 10)]),
        ("20261117T190000Z", [date(2026, 11, 3), date(2026, 11, 10), date(2026, 11, 17)]),
    ],
)
def test_until_is_inclusive(until: str, expected: list[date]) -> None:
    """A date means that whole day; a time without Z is local."""
    assert dates(timing(f"FREQ=WEEKLY;BYDAY=TU;UNTIL={until}"), 9) == expected


def test_months_without_a_fifth_tuesday_are_passed_over() -> None:
    """RFC 5545: an invalid date is ignored, not moved."""
    assert dates(timing("FREQ=MONTHLY;BYDAY=5TU"), 2) == [date(2026, 12, 29), date(2027, 3, 30)]


@pytest.mark.parametrize(
    "rrule",
    [
        "",
        "weekly",
        "FREQ=DAILY",
        "FREQ=YEARLY;BYDAY=1TU",
        "BYDAY=TU",
        "FREQ=WEEKLY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=2TU",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=TU,",
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=0TU",
        "FREQ=MONTHLY;BYDAY=6TU",
        "FREQ=MONTHLY;BYMONTHDAY=15",
        "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=-1",
        "FREQ=WEEKLY;INTERVAL=²",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;COUNT=99999999999999999999",
        "FREQ=WEEKLY;COUNT=3;UNTIL=20270101",
        "FREQ=WEEKLY;UNTIL=20271332",
        "FREQ=WEEKLY;UNTIL=tomorrow",
        "FREQ=WEEKLY;UNTIL=00010101T000000Z",
        "FREQ=WEEKLY;WKST=XX",
        "FREQ=WEEKLY;BYHOUR=9",
        "FREQ=WEEKLY\nDTSTART:20260101",
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(rrule: str) -> None:
    """As field rrule, with a sentence; never taken for something else."""
    with pytest.raises(RuleRefused) as refused:
        check(timing(rrule, zone="Europe/London"))
    assert refused.value.field == "rrule"
    assert str(refused.value)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is a rule, or it is refused."""
    try:
        check(timing(text))
    except RuleRefused:
        return
    assert "FREQ" in text.upper()


def test_a_series_that_never_meets_is_refused() -> None:
    """Its end before its first date; every date skipped."""
    with pytest.raises(RuleRefused):
        check(timing("FREQ=WEEKLY;BYDAY=TU;UNTIL=20200101"))
    with pytest.raises(RuleRefused) as refused:
        check(timing("FREQ=WEEKLY;BYDAY=TU;COUNT=1", skip=[date(2026, 11, 3)]))
    assert refused.value.field == "skip"


# -- words --------------------------------------------------------------------------------------


def test_a_preview_tells_of_clock_changes_and_odd_times() -> None:
    """The change between two dates, a time that no clock shows, a skip that hits nothing."""
    spring = timing("FREQ=WEEKLY;BYDAY=SU", date(2027, 3, 21), starts=time(1, 30), skip=[date(2027, 3, 30)])
    notes = notes_on(spring, list(islice(occurrences(spring), 3)))
    assert notes == (
        "On 28 March 2027 the clocks change; the meeting stays at 1:30 am.",
        "On 28 March 2027 there is no 1:30 am; the meeting starts at 2:30 am.",
        "30 March 2027 is skipped, but is no date of this series.",
    )
    autumn = timing("FREQ=WEEKLY;BYDAY=SU", date(2026, 10, 25), starts=time(1, 30))
    assert "On 25 October 2026 the clock shows 1:30 am twice; the first one is meant." in notes_on(
        autumn, list(islice(occurrences(autumn), 1))
    )


def test_clock_changes_are_found_by_their_day() -> None:
    """Two a year in London, none in Kolkata."""
    year = date(2026, 1, 1), date(2027, 1, 1)
    assert clock_changes(*year, "Europe/London") == [date(2026, 3, 29), date(2026, 10, 25)]
    assert clock_changes(*year, "Asia/Kolkata") == []


@pytest.mark.parametrize(
    ("rrule", "words"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", "every week on Tuesday at 19:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH", "every second week on Tuesday and Thursday at 19:00"),
        ("FREQ=WEEKLY", "every week on Tuesday at 19:00"),
        ("FREQ=MONTHLY;BYDAY=1TU", "on the first Tuesday of the month at 19:00"),
        ("FREQ=MONTHLY;BYDAY=1MO,3MO", "on the first Monday and third Monday of the month at 19:00"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR", "on the last Friday of every second month at 19:00"),
        ("FREQ=MONTHLY;INTERVAL=7;BYDAY=-2FR", "on the second to last Friday of every 7 months at 19:00"),
    ],
)
def test_a_rule_in_words(rrule: str, words: str) -> None:
    """For a reader who knows no RRULE."""
    assert in_words(timing(rrule)) == words
