"""Feedback windows, and who attended while one was open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, select, update

from services.notifications.model.records import Attended, Meeting, Window
from services.notifications.store.projections import meeting_of
from services.notifications.store.tables import attendances, meetings, windows
from shared.contracts.base import MemberId, RegionId, WindowId
from shared.contracts.feedback import WindowOpened
from shared.contracts.registration import AttendanceRecorded, Outcome
from shared.storage.engine import upsert

_OPEN = ~windows.c.closed & windows.c.opens_at.is_not(None)
MOST = 500
"""So many are told of at once."""


class Feedback:
    """See services.notifications.work.Feedback."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, event: WindowOpened) -> None:
        """A window opened (it stays closed where that was heard first)."""
        told = {
            "region_id": event.region_id,
            "opens_at": event.opens_at,
            "closes_at": event.closes_at,
            "last_slip_at": event.last_slip_at,
        }
        statement = upsert(self._connection, windows).values(window_id=event.window_id, closed=False, **told)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[windows.c.window_id], set_=told))

    def close(self, window_id: WindowId, region_id: RegionId) -> None:
        """A window closed."""
        statement = upsert(self._connection, windows).values(window_id=window_id, region_id=region_id, closed=True)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[windows.c.window_id], set_={"closed": True})
        )

    def window(self, window_id: WindowId) -> Window | None:
        """An open window."""
        row = self._connection.execute(select(windows).where(windows.c.window_id == window_id, _OPEN)).one_or_none()
        return _window(row) if row else None

    def attend(self, event: AttendanceRecorded) -> bool:
        """Keep what happened for one seat; False where newer news is known."""
        statement = upsert(self._connection, attendances).values(
            seat_id=event.seat_id,
            member_id=event.member_id,
            meeting_id=event.meeting_id,
            chapter_id=event.chapter_id,
            outcome=event.outcome.value,
            change=event.change,
            planned=False,
        )
        kept = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[attendances.c.seat_id],
                set_={"outcome": event.outcome.value, "change": event.change, "planned": False},
                where=attendances.c.change < event.change,
            ).returning(attendances.c.change)
        )
        return kept.first() is not None

    def to_ask(self) -> list[tuple[Attended, Meeting, Window]]:
        """Who attended a meeting within an open window and has not been planned for, 500 at most."""
        found: list[tuple[Attended, Meeting, Window]] = []
        for window in self._open():
            statement = _attended_within(window).where(~attendances.c.planned).order_by(meetings.c.starts_at)
            found += [
                (Attended(row.member_id, row.meeting_id, row.chapter_id), meeting_of(row), window)
                for row in self._connection.execute(statement.limit(MOST - len(found)))
            ]
        return found

    def _open(self) -> list[Window]:
        rows = self._connection.execute(select(windows).where(_OPEN).order_by(windows.c.opens_at))
        return [_window(row) for row in rows]

    def planned(self, attended: Attended) -> None:
        """A notice was made, or need not be, for this attendance."""
        self._connection.execute(
            update(attendances)
            .where(attendances.c.member_id == attended.member_id, attendances.c.meeting_id == attended.meeting_id)
            .values(planned=True)
        )

    def forget(self, member_id: MemberId) -> None:
        """Forget where this member was."""
        self._connection.execute(delete(attendances).where(attendances.c.member_id == member_id))

    def attended(self, member_id: MemberId, window: Window) -> bool:
        """Whether any attendance of this member within the window stands."""
        statement = _attended_within(window).where(attendances.c.member_id == member_id)
        return self._connection.execute(statement.limit(1)).first() is not None

    def prune(self, before: datetime) -> None:
        """Forget attendances at meetings that no open window covers: those that a closed one did, and those before then."""
        covering = select(windows.c.window_id).where(
            windows.c.region_id == meetings.c.region_id,
            windows.c.opens_at <= meetings.c.starts_at,
            meetings.c.starts_at < windows.c.closes_at,
        )
        over = (meetings.c.starts_at < before) | exists(covering.where(windows.c.closed).correlate(meetings))
        still = exists(covering.where(~windows.c.closed).correlate(meetings))
        known = select(attendances.c.meeting_id).distinct()
        those = select(meetings.c.meeting_id).where(meetings.c.meeting_id.in_(known), over, ~still)
        self._connection.execute(delete(attendances).where(attendances.c.meeting_id.in_(those)))


def _attended_within(window: Window) -> Select[tuple[object, ...]]:
    return (
        select(
            attendances.c.member_id,
            attendances.c.chapter_id,
            *(column for column in meetings.c if column.name != "chapter_id"),
        )
        .select_from(attendances)
        .join(meetings, meetings.c.meeting_id == attendances.c.meeting_id)
        .where(
            meetings.c.region_id == window.region_id,
            meetings.c.starts_at >= window.opens_at,
            meetings.c.starts_at < window.closes_at,
            attendances.c.outcome == Outcome.ATTENDED.value,
        )
    )


def _window(row: Row[Any]) -> Window:
    return Window(row.window_id, row.region_id, row.opens_at, row.closes_at, row.last_slip_at)
