"""Chapters and counts of attendance, as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from services.feedback.model.windows import DAY, CountedMeeting, Window
from services.feedback.store.tables import attendance, chapters
from shared.contracts.base import ChapterId, RegionId
from shared.storage.engine import upsert


class Attendance:
    """Chapters, and how many members attended which meeting."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def know_chapter(self, chapter_id: ChapterId, region_id: RegionId) -> None:
        """A chapter exists."""
        statement = upsert(self._connection, chapters).values(chapter_id=chapter_id, region_id=region_id)
        self._connection.execute(statement.on_conflict_do_nothing(index_elements=[chapters.c.chapter_id]))

    def region_of(self, chapter_id: ChapterId) -> RegionId | None:
        """The chapter's region, where it has been heard of."""
        return self._connection.scalar(select(chapters.c.region_id).where(chapters.c.chapter_id == chapter_id))

    def chapters_of(self, region_id: RegionId) -> Sequence[ChapterId]:
        """The region's chapters, by id."""
        statement = select(chapters.c.chapter_id).where(chapters.c.region_id == region_id)
        return list(self._connection.scalars(statement.order_by(chapters.c.chapter_id)))

    def count(self, meeting: CountedMeeting) -> None:
        """Keep the count, unless a newer change of it is known."""
        statement = upsert(self._connection, attendance).values(
            meeting_id=meeting.meeting_id,
            chapter_id=meeting.chapter_id,
            meeting_day=meeting.meeting_day,
            members=meeting.members,
            change=meeting.change,
        )
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[attendance.c.meeting_id],
            set_={"meeting_day": new.meeting_day, "members": new.members, "change": new.change},
            where=attendance.c.change <= new.change,
        )
        self._connection.execute(statement)

    def members(self, window: Window, chapter_id: ChapterId) -> int:
        """Members counted at the chapter's meetings on days that the window touches."""
        statement = select(func.coalesce(func.sum(attendance.c.members), 0)).where(
            attendance.c.chapter_id == chapter_id,
            attendance.c.meeting_day < window.closes_at,
            attendance.c.meeting_day > window.opens_at - DAY,
        )
        return int(self._connection.scalar(statement) or 0)
