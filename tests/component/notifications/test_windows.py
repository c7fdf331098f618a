"""Feedback windows: the timer reads what lies in an open one and nothing else; the rest is forgotten in time."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event, select

from services.notifications.model.records import Window
from services.notifications.store.feedback import _attended_within
from services.notifications.store.tables import attendances
from shared.contracts.base import RegionId, WindowId
from shared.contracts.feedback import WindowClosed
from tests.component.notifications.fakes import NOW, REGION, STARTS, Town, attended, chapter, meeting, window


def kept(town: Town) -> set[str]:
    """The meetings of which it is known who attended."""
    with town.store.reading() as work:
        return set(work.connection.scalars(select(attendances.c.meeting_id)))


def test_where_no_window_is_open_no_meeting_is_read(town: Town) -> None:
    """The timer holds the one writer of SQLite, every five seconds."""
    town.deliver(chapter(), meeting(), attended(), window(), WindowClosed(window_id="window-1", region_id=REGION))
    said: list[str] = []
    with town.store.writing() as work:
        event.listen(work.connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        assert work.feedback.to_ask() == []
    assert len(said) == 1
    assert "meetings" not in said[0]


def test_what_lies_in_a_window_is_found_by_its_region_and_time() -> None:
    """Not among all meetings that ever were."""
    town = Town()
    within = Window(WindowId("w"), RegionId(REGION), NOW, STARTS, STARTS)
    statement = _attended_within(within).where(~attendances.c.planned)
    with town.store.reading() as work:
        sql = statement.compile(work.connection)
        values = ("x",) * len(sql.positiontup or ())
        plan = [row.detail for row in work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert "ix_meetings_region (region_id=? AND starts_at>? AND starts_at<?)" in plan[0]
    assert not [line for line in plan if "SCAN" in line]


def test_attendances_that_no_window_covered_are_forgotten_after_ninety_days(town: Town) -> None:
    """Sooner where a window covered them and closed; later while one is open."""
    town.deliver(chapter(), meeting(), attended())
    town.deliver(meeting(meeting_id="m2", starts=STARTS + timedelta(days=30)), attended(at_="m2"))
    town.clock.step(days=60)
    town.tick()
    assert kept(town) == {"meeting-1", "m2"}
    town.deliver(window())
    town.clock.step(days=40)
    town.tick()
    assert kept(town) == {"meeting-1", "m2"}
    town.deliver(WindowClosed(window_id="window-1", region_id=REGION))
    town.tick()
    assert kept(town) == {"m2"}
    town.clock.step(days=30)
    town.tick()
    assert kept(town) == set()
