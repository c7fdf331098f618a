"""Who answers when things are hard: data with a source and the day it was checked, since numbers rot.

An entry that nobody has checked for 90 days is not shown; the emergency number stands in its place. A number that
a law gives to this purpose (988) stays.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

GOOD_FOR = timedelta(days=90)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TextLine(_Frozen):
    """A number to text, and the word to begin with where one is needed."""

    number: str
    keyword: str | None


class HelpLine(_Frozen):
    """One service that answers."""

    name: str
    voice: str | None
    text: TextLine | None
    chat_url: str | None
    hours: str
    languages: tuple[str, ...]
    by_law: bool
    source_url: str
    verified_on: date
    verified_by: str

    def good_on(self, today: date) -> bool:
        """Whether someone has checked it lately enough to show it."""
        return self.by_law or today - self.verified_on <= GOOD_FOR


class Country(_Frozen):
    """The lines of one country. ``emergency`` is answered day and night."""

    country: str  # ISO 3166-1 alpha-2
    name: str
    emergency: str
    lines: tuple[HelpLine, ...]

    def as_of(self, today: date) -> Country:
        """With the lines that may be shown on this day."""
        return self.model_copy(update={"lines": tuple(line for line in self.lines if line.good_on(today))})


class _Table(_Frozen):
    note: str
    countries: tuple[Country, ...]


@cache
def _table() -> tuple[Country, ...]:
    file = resources.files("services.portal") / "help_lines.json"
    return _Table.model_validate_json(file.read_bytes()).countries


def help_lines(country: str, today: date) -> tuple[Country, ...]:
    """All countries' lines that may be shown on this day, the given country's first, the others by name."""
    return tuple(each.as_of(today) for each in sorted(_table(), key=lambda each: (each.country != country, each.name)))


def to_check(today: date) -> tuple[str, ...]:
    """The names of the lines that somebody must check again: for the operator."""
    return tuple(
        f"{each.name}: {line.name}" for each in _table() for line in each.lines if today - line.verified_on > GOOD_FOR
    )
