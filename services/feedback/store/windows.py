"""Windows and their frozen reports, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from services.feedback.model.windows import Window
from services.feedback.store.tables import regions, windows
from shared.contracts.base import RegionId, WindowId
from shared.contracts.feedback import Report, WindowState
from shared.storage.engine import upsert


class Windows:
    """The windows and their frozen reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_region(self, region_id: RegionId) -> None:
        """Nobody else opens a window in this region until the commit."""
        statement = upsert(self._connection, regions).values(region_id=region_id)
        same = {"region_id": statement.excluded.region_id}
        self._connection.execute(statement.on_conflict_do_update(index_elements=[regions.c.region_id], set_=same))

    def overlapping(self, region_id: RegionId, opens_at: datetime, closes_at: datetime) -> Window | None:
        """A window of the region that covers part of [``opens_at``, ``closes_at``)."""
        statement = select(windows).where(
            windows.c.region_id == region_id, windows.c.opens_at < closes_at, windows.c.closes_at > opens_at
        )
        row = self._connection.execute(statement.order_by(windows.c.opens_at).limit(1)).first()
        return _window(row) if row else None

    def add(self, window: Window) -> None:
        """Keep a new window."""
        self._connection.execute(
            insert(windows).values(
                window_id=window.window_id,
                region_id=window.region_id,
                name=window.name,
                form_id=window.form_id,
                opens_at=window.opens_at,
                closes_at=window.closes_at,
                last_slip_at=window.last_slip_at,
                state=window.state.value,
            )
        )

    def get(self, window_id: WindowId) -> Window | None:
        """The window as it is now."""
        row = self._connection.execute(select(windows).where(windows.c.window_id == window_id)).first()
        return _window(row) if row else None

    def held_open(self, window_id: WindowId) -> Window | None:
        """The window; whoever would close it waits for this transaction."""
        statement = select(windows).where(windows.c.window_id == window_id).with_for_update(read=True)
        row = self._connection.execute(statement).first()
        return _window(row) if row else None

    def due(self, now: datetime) -> Sequence[Window]:
        """Open windows whose last slip has come, locked; those that another process is closing are left to it."""
        statement = (
            select(windows)
            .where(windows.c.state == WindowState.OPEN.value, windows.c.last_slip_at <= now)
            .order_by(windows.c.window_id)
            .with_for_update(skip_locked=True)
        )
        return [_window(row) for row in self._connection.execute(statement)]

    def all(self) -> Sequence[Window]:
        """All windows, newest first."""
        statement = select(windows).order_by(windows.c.opens_at.desc(), windows.c.window_id)
        return [_window(row) for row in self._connection.execute(statement)]

    def freeze(self, window_id: WindowId, report: Report) -> None:
        """Close the window with this report. A report that is there is never replaced."""
        self._connection.execute(
            update(windows)
            .where(windows.c.window_id == window_id, windows.c.report.is_(None))
            .values(state=WindowState.CLOSED.value, report=report.model_dump_json())
        )

    def report(self, window_id: WindowId) -> Report | None:
        """The frozen report."""
        text = self._connection.scalar(select(windows.c.report).where(windows.c.window_id == window_id))
        return Report.model_validate_json(text, extra="ignore") if text else None


def _window(row: Row[tuple[object, ...]]) -> Window:
    return Window(
        window_id=WindowId(row.window_id),
        region_id=RegionId(row.region_id),
        name=row.name,
        form_id=row.form_id,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        last_slip_at=row.last_slip_at,
        state=WindowState(row.state),
    )
