"""A window: the time whose attendance is asked about, and how long slips are taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.base import ChapterId, MeetingId, RegionId, WindowId
from shared.contracts.errors import Invalid
from shared.contracts.feedback import WindowState, WindowView

LONGEST_GRACE_HOURS = 30 * 24
SPENT_KEPT = timedelta(days=30)
"""How long after the last slip a spent code is still answered "used" and not "unknown"."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Attendance in [``opens_at``, ``closes_at``) is asked about; slips are taken before ``last_slip_at``."""

    window_id: WindowId
    region_id: RegionId
    name: str
    form_id: str
    opens_at: datetime
    closes_at: datetime
    last_slip_at: datetime
    state: WindowState = WindowState.OPEN

    def takes_slips(self, now: datetime) -> bool:
        """Whether a slip that comes now counts."""
        return self.state is WindowState.OPEN and now < self.last_slip_at

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to close."""
        return self.state is WindowState.OPEN and now >= self.last_slip_at

    def view(self) -> WindowView:
        """As it is shown in a list."""
        return WindowView(
            window_id=self.window_id,
            name=self.name,
            state=self.state,
            opens_at=self.opens_at,
            closes_at=self.closes_at,
            last_slip_at=self.last_slip_at,
        )


@dataclass(frozen=True)
class CountedMeeting:
    """How many members attended one meeting. The day is midnight UTC of the day it began; no hour is known here."""

    meeting_id: MeetingId
    chapter_id: ChapterId
    meeting_day: datetime
    members: int
    change: int


def last_slip(now: datetime, opens_at: datetime, closes_at: datetime, grace_hours: int) -> datetime:
    """When the last slip of such a window is taken. Refuses times that make no window."""
    if closes_at <= opens_at:
        raise Invalid("the window closes before it opens; choose a later closing time", field="closes_at")
    if closes_at <= now:
        raise Invalid("the window would be over already; choose a closing time to come", field="closes_at")
    if not 0 <= grace_hours <= LONGEST_GRACE_HOURS:
        raise Invalid(f"the grace is between 0 and {LONGEST_GRACE_HOURS} hours", field="grace_hours")
    return closes_at + timedelta(hours=grace_hours)


def codes_allowed(members_counted: int) -> int:
    """How many codes may be drawn for so many attendances.

    A fifth and at least three more than were counted: an answer that was lost on its way makes
    notifications draw again, and the code that was lost stays drawn.
    """
    return members_counted + max(3, members_counted // 5) if members_counted else 0
