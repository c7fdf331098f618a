"""Feedback windows, and who attended while one was open."""

from __future__ import annotations

from sqlalchemy import Connection, Select, delete, exists, select, update

from services.notifications.model.records import Attended, Meeting, Window
from services.notifications.store.projections import meeting_of
from services.notifications.store.tables import attendances, meetings, windows
from shared.contracts.base import MemberId, RegionId, WindowId
from shared.contracts.feedback import WindowOpened
from shared.contracts.registration import AttendanceRecorded, Outcome
from shared.storage.engine import upsert

_WITHIN = (
    (windows.c.region_id == meetings.c.region_id)
    & (windows.c.opens_at <= meetings.c.starts_at)
    & (meetings.c.starts_at < windows.c.closes_at)
    & ~windows.c.closed
)


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
        row = self._connection.execute(
            select(windows).where(windows.c.window_id == window_id, ~windows.c.closed, windows.c.opens_at.is_not(None))
        ).one_or_none()
        if row is None:
            return None
        return Window(row.window_id, row.region_id, row.opens_at, row.closes_at, row.last_slip_at)

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
        """Who attended a meeting within an open window and has not been planned for."""
        statement = _attended_within().where(~attendances.c.planned).order_by(meetings.c.starts_at).limit(500)
        return [
            (
                Attended(row.member_id, row.meeting_id, row.chapter_id),
                meeting_of(row),
                Window(row.window_id, row.region_id, row.opens_at, row.closes_at, row.last_slip_at),
            )
            for row in self._connection.execute(statement)
        ]

    def planned(self, attended: Attended) -> None:
        """A notice was made, or need not be, for this attendance."""
        self._connection.execute(
            update(attendances)
            .where(attendances.c.member_id == attended.member_id, attendances.c.meeting_id == attended.meeting_id)
            .values(planned=True)
        )

    def attended(self, member_id: MemberId, window: Window) -> bool:
        """Whether any attendance of this member within the window stands."""
        statement = _attended_within().where(
            attendances.c.member_id == member_id, windows.c.window_id == window.window_id
        )
        return self._connection.execute(statement.limit(1)).first() is not None

    def prune(self) -> None:
        """Forget attendances at meetings that closed windows covered, and no open one does."""
        over = (
            select(meetings.c.meeting_id)
            .join(windows, windows.c.region_id == meetings.c.region_id)
            .where(
                windows.c.closed, windows.c.opens_at <= meetings.c.starts_at, meetings.c.starts_at < windows.c.closes_at
            )
        )
        still = select(windows.c.window_id).where(_WITHIN, meetings.c.meeting_id == attendances.c.meeting_id)
        self._connection.execute(
            delete(attendances).where(
                attendances.c.meeting_id.in_(over), ~exists(still.correlate(attendances).select_from(windows, meetings))
            )
        )


def _attended_within() -> Select[tuple[object, ...]]:
    return (
        select(
            attendances.c.member_id,
            attendances.c.chapter_id,
            windows.c.window_id,
            windows.c.opens_at,
            windows.c.closes_at,
            windows.c.last_slip_at,
            *(column for column in meetings.c if column.name != "chapter_id"),
        )
        .select_from(attendances)
        .join(meetings, meetings.c.meeting_id == attendances.c.meeting_id)
        .join(windows, _WITHIN)
        .where(attendances.c.outcome == Outcome.ATTENDED.value)
    )
