"""A Meeting Guide file, and the slices in which it is sent to be imported: the same for the page and the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from shared.contracts.base import ChapterId
from shared.contracts.meetings import ImportMeetings, RowOutcome, RowReport

SLICE = 50
_LONE = re.compile("[\ud800-\udfff]")  # halves of surrogate pairs: JSON can say them, UTF-8 cannot


class NotAList(Exception):  # noqa: N818 - told to a person
    """The file is no Meeting Guide list; the message says what it should be."""


def read_rows(body: bytes) -> list[Any]:
    """The rows of a Meeting Guide file, also of one that wraps them as ``{"meetings": […]}``. Raises NotAList."""
    content = _content(body)
    if isinstance(content, dict) and isinstance(content.get("meetings"), list):
        content = content["meetings"]
    if not isinstance(content, list):
        raise NotAList("The file holds no list. A Meeting Guide feed is a list of meetings, and begins with [")
    if not content:
        raise NotAList("The list is empty: there is nothing to import")
    return content


def _content(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotAList("The file is not text in UTF-8. Save it as UTF-8, then try again") from error
    except json.JSONDecodeError as error:
        raise NotAList(
            f"The file is not JSON (line {error.lineno}). A Meeting Guide feed is a JSON file that begins with ["
        ) from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists in lists in lists
        raise NotAList("The file is JSON that no list of meetings is: too deep, or with endless numbers") from error


def next_slice(
    rows: Sequence[Any], reports: Sequence[RowReport], chapter_id: ChapterId, **places: int
) -> ImportMeetings:
    """The slice that comes after those rows that have their report.

    It tells which of its slugs were taken already: a slice knows nothing of those before it, and the second row with a
    slug would undo the first each time the list is imported.
    """
    first = len(reports)
    part = rows[first : first + SLICE]
    taken = {
        _slug(row): report.row
        for row, report in zip(rows, reports, strict=False)
        if report.outcome is not RowOutcome.REFUSED
    }
    return ImportMeetings(
        chapter_id=chapter_id,
        first_row=first + 1,
        rows_json=json.dumps(part),  # escaped: half a surrogate pair in a name must not stop the whole list
        taken={slug: taken[slug] for row in part if (slug := _slug(row)) in taken},
        **places,
    )


def _slug(row: Any) -> str:
    """As the service reads it."""
    slug = row.get("slug") if isinstance(row, dict) else None
    return " ".join(_LONE.sub(" ", str(slug)).split()) if isinstance(slug, str | int) else ""
