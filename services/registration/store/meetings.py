"""Meetings as they are known here, and the counters of their modes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from services.registration.model.meetings import Meeting
from services.registration.model.seats import Count
from services.registration.store.tables import meetings, modes
from shared.contracts.base import ChapterId, GroupId, MeetingId, Mode
from shared.contracts.meetings import MeetingStatus
from shared.storage.engine import upsert


class MeetingTable:
    """The repository of meetings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, meeting_id: MeetingId) -> Meeting | None:
        """The meeting as it is known, to look at."""
        return self.many([meeting_id]).get(meeting_id)

    def many(self, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, Meeting]:
        """Those of these meetings that are known."""
        return self._read(select(meetings).where(meetings.c.meeting_id.in_(list(meeting_ids))))

    def lock(self, meeting_id: MeetingId) -> Meeting | None:
        """One row guards the meeting, its seats and its counters (on SQLite the one writer does)."""
        return self.lock_many([meeting_id]).get(meeting_id)

    def lock_many(self, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, Meeting]:
        """Those of these that are known, locked in the order of their ids: two who lock the same wait, and never cross."""
        these = select(meetings).where(meetings.c.meeting_id.in_(list(meeting_ids)))
        return self._read(these.order_by(meetings.c.meeting_id).with_for_update())

    def learn(self, meeting: Meeting) -> Meeting:
        """Insert; where another transaction was faster, wait for it and read what it wrote."""
        bare = replace(meeting, revision=0, offers={})
        inserted = self._connection.execute(
            upsert(self._connection, meetings)
            .values(meeting_id=meeting.meeting_id, claims=0, guests=0, counted=0, **_columns(bare))
            .on_conflict_do_nothing()
            .returning(meetings.c.meeting_id)
        ).first()
        if inserted is None:
            known = self.lock(meeting.meeting_id)
            assert known is not None, "a meeting that cannot be inserted is there"  # noqa: S101
            return known
        self._connection.execute(
            insert(modes),
            [
                {"meeting_id": meeting.meeting_id, "mode": mode, "confirmed": 0, "waiting": 0, "guests_gone": 0}
                for mode in Mode
            ],
        )
        return bare

    def update(self, meeting: Meeting) -> None:
        """Keep newer facts. The seats are brought in line by the caller, in the same transaction."""
        self._connection.execute(
            update(meetings).where(meetings.c.meeting_id == meeting.meeting_id).values(**_columns(meeting))
        )

    def close_sheet(self, meeting_id: MeetingId, at: datetime) -> None:
        """The sheet is done. The first time stands."""
        self._connection.execute(
            update(meetings)
            .where(meetings.c.meeting_id == meeting_id, meetings.c.closed_at.is_(None))
            .values(closed_at=at)
        )

    def counts(self, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, dict[Mode, Count]]:
        """Counters by meeting and mode; every mode is there."""
        rows = self._connection.execute(select(modes).where(modes.c.meeting_id.in_(list(meeting_ids))))
        found: dict[MeetingId, dict[Mode, Count]] = {}
        for row in rows:
            by_mode = found.setdefault(MeetingId(row.meeting_id), {})
            by_mode[Mode(row.mode)] = Count(row.capacity, row.confirmed, row.waiting)
        return {key: {mode: by_mode[mode] for mode in Mode} for key, by_mode in found.items()}

    def _read(self, statement: Select[Any]) -> dict[MeetingId, Meeting]:
        rows = self._connection.execute(statement).all()
        offers: dict[str, dict[Mode, int]] = {row.meeting_id: {} for row in rows}
        capacities = select(modes.c.meeting_id, modes.c.mode, modes.c.capacity).where(
            modes.c.meeting_id.in_(list(offers)), modes.c.capacity.is_not(None)
        )
        for meeting_id, mode, capacity in self._connection.execute(capacities) if rows else ():
            offers[meeting_id][Mode(mode)] = capacity
        return {MeetingId(row.meeting_id): _meeting(row, offers[row.meeting_id]) for row in rows}


def _columns(meeting: Meeting) -> dict[str, object]:
    return {
        "chapter_id": meeting.chapter_id,
        "group_id": meeting.group_id,
        "revision": meeting.revision,
        "status": meeting.status,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
    }


def _meeting(row: Row[Any], offers: dict[Mode, int]) -> Meeting:
    return Meeting(
        meeting_id=MeetingId(row.meeting_id),
        chapter_id=ChapterId(row.chapter_id),
        group_id=GroupId(row.group_id),
        revision=row.revision,
        status=MeetingStatus(row.status),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        offers=offers,
        closed_at=row.closed_at,
    )
