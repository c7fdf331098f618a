"""What a row of an imported list made here."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.base import ChapterId, GroupId, SeriesId


@dataclass(frozen=True)
class Imported:
    """One row, by its slug: the digest of its content, its group, and its series by weekday (0 = Monday)."""

    chapter_id: ChapterId
    slug: str
    digest: str
    group_id: GroupId
    series: dict[int, SeriesId]
