"""Where a row's meeting is held: the venue, or about where an online group is at home."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.meetings.imports.cells import Raw, country, tells_too_much, text

_STATE_AND_CODE = re.compile(r"([A-Z]{2,3})\s+([A-Z0-9][A-Z0-9 -]{2,9})")


@dataclass(frozen=True)
class Address:
    """A venue as a list has it."""

    name: str
    address: str
    city: str
    state: str
    postal_code: str
    country: str
    access: str


def venue(row: Raw, notes: list[str]) -> Address | None:
    """The venue, where the row names a place precisely enough to go there; None else."""
    if text(row, "approximate").lower() in ("yes", "true", "1"):
        return None
    found = _from_fields(row) or _from_line(text(row, "formatted_address"))
    if found is None:
        return None
    street, city, state, postal_code, land = found
    access = text(row, "location_notes")
    if access and (tells_too_much(access) or len(access) > 500):
        notes.append("location_notes not taken over: they may hold a link, a passcode or a number")
        access = ""
    if land and not country(land):
        notes.append("country not known; left empty")
    return Address(
        name=(text(row, "location") or street)[:200],
        address=street[:200],
        city=city[:200],
        state=state[:100],
        postal_code=postal_code[:20],
        country=country(land),
        access=access,
    )


def area(row: Raw) -> str:
    """About where a group is at home: a town and what it lies in. Never a street."""
    parts = _from_line(text(row, "formatted_address"))
    if parts is not None:
        _, city, state, _, land = parts
    else:
        pieces = [piece.strip() for piece in text(row, "formatted_address").split(",") if piece.strip()]
        city, state, land = text(row, "city") or (pieces[0] if pieces else ""), text(row, "state"), text(row, "country")
    return ", ".join(part for part in (city or text(row, "region"), state, land) if part)[:200]


def _from_fields(row: Raw) -> tuple[str, str, str, str, str] | None:
    street, city = text(row, "address"), text(row, "city")
    if not street or not city:
        return None
    return street, city, text(row, "state"), text(row, "postal_code"), text(row, "country")


def _from_line(line: str) -> tuple[str, str, str, str, str] | None:
    """``[name, ]street, city, ST code, country`` taken apart; None where it has fewer parts: no street."""
    parts = [part.strip() for part in line.split(",") if part.strip()]
    if len(parts) < 4:
        return None
    *street, city, state_and_code, land = parts
    match = _STATE_AND_CODE.fullmatch(state_and_code)
    state, code = (match[1], match[2]) if match else (state_and_code, "")
    return ", ".join(street), city, state, code, land
