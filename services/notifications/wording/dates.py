"""Days and hours as people write them, in the meeting's zone."""

from __future__ import annotations

from datetime import datetime

from babel import Locale
from babel.dates import format_datetime, get_timezone_location, get_timezone_name

from services.notifications.wording.languages import Language
from shared.runtime.hours import clock


def long(moment: datetime, tongue: Language, *, zone: bool) -> str:
    """``Tuesday 3 November, 7:00 pm``, and ``(Eastern Standard Time)`` for those who may be elsewhere."""
    said = _said(moment, "long", tongue)
    return f"{said} ({_zone(moment, tongue.locale)})" if zone else said


def short(moment: datetime, tongue: Language, *, zone: bool) -> str:
    """``Tue 3 Nov, 7:00 pm``, and ``EST`` for those who may be elsewhere."""
    said = _said(moment, "short", tongue)
    return f"{said} {_abbreviation(moment, tongue.locale)}" if zone else said


def hour(moment: datetime, tongue: Language) -> str:
    """``7:00 pm``, or ``19:00`` where the locale counts to 24."""
    return clock(moment, str(tongue.locale))


def _said(moment: datetime, pattern: str, tongue: Language) -> str:
    day = format_datetime(moment, tongue.patterns[pattern], locale=tongue.locale)
    return tongue.patterns["at"].format(day=day, hour=hour(moment, tongue))


def _zone(moment: datetime, locale: Locale) -> str:
    if getattr(moment.tzinfo, "key", None) is None:  # a fixed offset has no name
        return _offset(moment)
    return str(get_timezone_name(moment, width="long", locale=locale))


def _abbreviation(moment: datetime, locale: Locale) -> str:
    if getattr(moment.tzinfo, "key", None) is None:
        return _offset(moment)
    name = str(get_timezone_name(moment, width="short", locale=locale))
    # Where a locale has no abbreviation of its own, Babel gives "+0100", which few can read: then the city.
    return str(get_timezone_location(moment, locale=locale, return_city=True)) if name[0] in "+-" else name


def _offset(moment: datetime) -> str:
    minutes = round((moment.utcoffset() or moment - moment).total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    whole, rest = divmod(abs(minutes), 60)
    return f"UTC{sign}{whole}:{rest:02d}" if rest else f"UTC{sign}{whole}" if whole else "UTC"
