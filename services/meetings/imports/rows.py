"""Rows of a Meeting Guide list (code4recovery/spec), read as they are kept in the wild."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from services.meetings.feeds import codes as said
from services.meetings.imports import cells
from services.meetings.imports.cells import Raw, RowRefused, text
from services.meetings.imports.places import Address, area, venue
from services.meetings.model.network import RoomSecrets
from services.meetings.recurrence.zones import UnknownZone, zone

MOST_ROWS = 50
USUAL_MINUTES = 60
"""Where a row has no end (the format's own default)."""


class Standing(StrEnum):
    """Whether the group meets now."""

    MEETS = "meets"
    SHUT = "shut"  # the venue is shut for now: online instead
    PAUSED = "paused"  # does not meet for now


@dataclass(frozen=True)
class Row:
    """One row that can be taken. ``days``: 0 = Monday. ``notes``: what was read otherwise than written."""

    slug: str
    name: str
    days: tuple[int, ...]
    starts: time
    minutes: int
    zone: str
    standing: Standing
    venue: Address | None
    area: str
    secrets: RoomSecrets | None
    languages: tuple[str, ...]
    codes: tuple[str, ...]
    notes: tuple[str, ...]

    def content(self) -> str:
        """All that matters of it, as text that is the same whenever the row says the same. Holds secrets."""
        secrets = vars(self.secrets) if self.secrets else None
        return json.dumps(vars(replace(self, notes=())) | {"secrets": secrets}, default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time | datetime) else vars(value)


def rows_in(rows_json: str) -> list[Any]:
    """The rows of a slice. Raises ValueError, worded for the person who sent it."""
    try:
        rows = json.loads(rows_json)
    except (ValueError, RecursionError) as error:
        raise ValueError("this is not JSON; a Meeting Guide list begins with [ and ends with ]") from error
    if not isinstance(rows, list):
        raise ValueError("this is not a list of meetings; a Meeting Guide list begins with [ and ends with ]")  # noqa: TRY004
    if len(rows) > MOST_ROWS:
        raise ValueError(f"a slice has {MOST_ROWS} rows at most; this one has {len(rows)}")
    return rows


def name_of(raw: Any) -> str:
    """The row's name for its report; empty where it has none."""
    return text(raw, "name")[:200] if isinstance(raw, dict) else ""


def read_row(raw: Any, chapter_zone: str, chapter_languages: tuple[str, ...]) -> Row:
    """Read a row. Raises RowRefused with the field, what is wrong, and what would be right."""
    if not isinstance(raw, dict):
        raise RowRefused(None, "a row is an object with fields such as name, slug, day and time")
    notes: list[str] = []
    slug, name = _slug(raw), _name(raw, notes)
    weekdays, starts = _when(raw, notes)
    known, unknown = cells.codes(raw)
    if odd := [code[:20] for code in unknown if code not in ("ONL", "HYB")]:
        notes.append(f"types not known and left out: {', '.join(odd[:5])}")
    secrets = _secrets(raw, notes)
    place = venue(raw, notes)
    standing, place = _standing(known, place, secrets, raw, notes)
    _say_of_notes(raw, secrets, notes)
    languages = tuple(dict.fromkeys(said.LANGUAGES[code] for code in known if code in said.LANGUAGES))
    return Row(
        slug=slug,
        name=name,
        days=weekdays,
        starts=starts,
        minutes=_minutes(raw, starts, notes),
        zone=_zone(raw, chapter_zone, notes),
        standing=standing,
        venue=place,
        area=area(raw) if place is None else "",
        secrets=secrets,
        languages=languages or chapter_languages,
        codes=tuple(code for code in known if code != said.CLOSED_FOR_NOW),
        notes=tuple(notes),
    )


def _slug(raw: Raw) -> str:
    slug = text(raw, "slug")
    if not slug and "id_bigint" in raw:
        raise RowRefused(
            "slug",
            "this is a row of a BMLT server; its list for Meeting Guide is at …/client_interface/tsml/?switcher=GetSearchResults",
        )
    if not slug:
        raise RowRefused("slug", "the row has no slug; give it a text or number that no other row has")
    if len(slug) > 200:
        raise RowRefused("slug", "the slug is longer than 200 characters; the format allows 64")
    return slug


def _name(raw: Raw, notes: list[str]) -> str:
    name = text(raw, "name")
    if not name:
        raise RowRefused("name", "the row has no name; give the meeting's name")
    if len(name) > 200:
        notes.append("name cut at 200 characters")
    return name[:200].strip()


def _when(raw: Raw, notes: list[str]) -> tuple[tuple[int, ...], time]:
    weekdays = cells.days(raw)
    given = next((name for name in ("time", "time_formatted") if text(raw, name)), None)
    if not weekdays and given is None:
        raise RowRefused("day", "a meeting by appointment cannot be laid out; give day (0 = Sunday) and time (19:00)")
    if not weekdays:
        raise RowRefused("day", "the row has a time and no day; give a number from 0 (Sunday) to 6 (Saturday)")
    starts = cells.clock(raw, given) if given else None
    if starts is None or given is None:
        raise RowRefused("time", "the row has a day and no time; write it as 19:00")
    if text(raw, given) not in (f"{starts:%H:%M}", f"{starts:%H:%M}:00"):
        notes.append(f"time read as {starts:%H:%M}")
    if len(weekdays) > 1:
        notes.append(f"laid out as {len(weekdays)} weekly series, one a weekday")
    return weekdays, starts


def _minutes(raw: Raw, starts: time, notes: list[str]) -> int:
    try:
        end = cells.clock(raw, "end_time")
    except RowRefused:
        notes.append(f"end_time is no time; {USUAL_MINUTES} minutes taken")
        return USUAL_MINUTES
    if end is None:
        return USUAL_MINUTES
    minutes = ((end.hour - starts.hour) * 60 + end.minute - starts.minute) % (24 * 60)
    if not 10 <= minutes <= 600:
        notes.append(f"end_time gives {minutes} minutes; {USUAL_MINUTES} taken")
        return USUAL_MINUTES
    return minutes


def _zone(raw: Raw, chapter_zone: str, notes: list[str]) -> str:
    name = text(raw, "timezone")
    if not name:
        notes.append(f"time zone taken from the chapter: {chapter_zone}")
        return chapter_zone
    try:
        zone(name)
    except UnknownZone as error:
        raise RowRefused("timezone", "no time zone has this name; it looks like America/New_York") from error
    return name


def _secrets(raw: Raw, notes: list[str]) -> RoomSecrets | None:
    """Link, number, and whatever else the row says of how to enter; None where there is neither link nor number."""
    link, dial_in = _link(raw, notes), _dial_in(raw, notes)
    if link is None and dial_in is None:
        return None
    words = [text(raw, name) for name in ("conference_url_notes", "conference_phone_notes")]
    words += [note for note in [text(raw, "notes")] if cells.tells_too_much(note)]
    return RoomSecrets(link=link, dial_in=dial_in, passcode=" · ".join(word for word in words if word)[:2000] or None)


def _say_of_notes(raw: Raw, secrets: RoomSecrets | None, notes: list[str]) -> None:
    given = text(raw, "notes")
    if given and secrets is not None and cells.tells_too_much(given):
        notes.append("notes kept with the online room, for those who hold a place: they may tell how to enter")
    elif given:
        notes.append("notes not taken over: they may hold people's names or numbers")


def _link(raw: Raw, notes: list[str]) -> str | None:
    link = text(raw, "conference_url")
    if not link:
        return None
    if "://" not in link:
        link = f"https://{link}"
        notes.append("conference_url read as https://")
    elif link.lower().startswith("http://"):
        link = "https://" + link[7:]
        notes.append("conference_url read as https:// in place of http://")
    if not re.fullmatch(r"https://[^\s/?#@]+\.[^\s/?#@]+([/?#]\S*)?", link, re.IGNORECASE) or len(link) > 2000:
        raise RowRefused("conference_url", "this is no link; it begins with https:// and names a site")
    return link


def _dial_in(raw: Raw, notes: list[str]) -> str | None:
    given = text(raw, "conference_phone")
    number = re.sub(r"[^0-9+,*#]", "", given)
    if not given:
        return None
    if len(re.sub(r"\D", "", number)) < 5:
        if not text(raw, "conference_url"):
            raise RowRefused("conference_phone", "this is no number; write digits, and + , * # only")
        notes.append("conference_phone is no number and is left out")
        return None
    return number[:100]


def _standing(
    known: tuple[str, ...], place: Address | None, secrets: RoomSecrets | None, raw: Raw, notes: list[str]
) -> tuple[Standing, Address | None]:
    """The format's truth table: a full address, a link or number, and TC together say where the group meets."""
    if place is None and secrets is None:
        if said.CLOSED_FOR_NOW in known:
            raise RowRefused("address", "the group is closed for now and has no place; give one, or leave the row out")
        raise RowRefused(
            "address", "there is neither a place nor a way to join; give address and city, or conference_url"
        )
    if said.CLOSED_FOR_NOW not in known:
        return Standing.MEETS, place
    if secrets is None:
        notes.append("temporarily closed (TC): no meetings are laid out until the list says otherwise")
        return Standing.PAUSED, place
    if place is None or secrets.link is None:
        return Standing.MEETS, None
    notes.append("temporarily closed (TC): the meetings are laid out online for now")
    return Standing.SHUT, place
