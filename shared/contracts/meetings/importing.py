"""Import a list of meetings."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ChapterId,
    Command,
    Contract,
    View,
)


class RowOutcome(StrEnum):
    """What became of one imported row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class RowReport(Contract):
    """One row of an import: what became of it and, where refused, which field, what is wrong, what would be right."""

    row: int  # counted from 1
    name: str
    outcome: RowOutcome
    field: str | None = None
    why: str | None = None
    notes: tuple[str, ...] = ()  # what was read otherwise than written ("time zone taken from the chapter")


class ImportReport(View):
    """One report a row, in order; their number is the number of rows sent."""

    rows: tuple[RowReport, ...]


class ImportMeetings(Command[ImportReport]):
    """Import a slice of a Meeting Guide list (code4recovery/spec) into a chapter. Slices of 50 rows at most.

    ``rows_json`` is a JSON array of the rows as found; ``first_row`` is the number of its first row
    in the whole list. A bad row is refused alone. The same slug again updates, but not within one list: ``taken`` are
    slugs of this slice that an earlier slice of the list had, with their row.
    """

    type: ClassVar[str] = "meetings.import_meetings.v1"

    chapter_id: ChapterId
    first_row: int = Field(ge=1)
    rows_json: str
    taken: dict[str, int] = Field(default_factory=dict)
    in_person_capacity: int = Field(default=20, ge=1, le=5000)
    online_capacity: int = Field(default=100, ge=1, le=5000)
