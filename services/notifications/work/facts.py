"""What others told notifications of: meetings, seats, windows, attendance."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.notifications.model.records import (
    Attended,
    Meeting,
    Seat,
    Window,
)
from shared.contracts.base import (
    ChapterId,
    MeetingId,
    MemberId,
    RegionId,
    WindowId,
)
from shared.contracts.feedback import WindowOpened
from shared.contracts.meetings import ChapterOpened
from shared.contracts.registration import AttendanceRecorded


class Calendar(Protocol):
    """Meetings, their changes and their seats, as they were told of."""

    def open_chapter(self, event: ChapterOpened) -> None:
        """Keep a chapter's name and zone."""
        ...

    def chapter(self, chapter_id: ChapterId) -> tuple[str, str] | None:
        """A chapter's name and IANA zone."""
        ...

    def keep(self, meeting: Meeting) -> bool:
        """Keep a meeting; False where a newer state of it is known."""
        ...

    def meeting(self, meeting_id: MeetingId) -> Meeting | None:
        """A meeting's newest state."""
        ...

    def note_change(self, meeting_id: MeetingId, revision: int, what: str) -> bool:
        """Remember that a revision moved, moved_online, moved_back or cancelled the meeting; False where known."""
        ...

    def changes(self, meeting_id: MeetingId) -> list[tuple[int, str]]:
        """Every change heard of: its revision, and what it did."""
        ...

    def keep_seat(self, seat: Seat) -> bool:
        """Keep one state of a seat; False where it is known."""
        ...

    def seats(self, meeting_id: MeetingId, member_id: MemberId | None = None) -> list[Seat]:
        """All states of all seats at a meeting, or of one member's."""
        ...

    def to_remind(self, after: datetime, before: datetime) -> list[tuple[Meeting, list[Seat]]]:
        """Seats, each with all its states, of those not reminded yet of scheduled meetings within (after, before]."""
        ...

    def zone_of(self, member_id: MemberId) -> str | None:
        """The zone of the chapter where this member's newest seat is."""
        ...


class Feedback(Protocol):
    """Windows, and who attended while one was open. Forgotten when the window closes, or by age."""

    def open(self, event: WindowOpened) -> None:
        """A window opened (it stays closed where that was heard first)."""
        ...

    def close(self, window_id: WindowId, region_id: RegionId) -> None:
        """A window closed."""
        ...

    def window(self, window_id: WindowId) -> Window | None:
        """An open window."""
        ...

    def attend(self, event: AttendanceRecorded) -> bool:
        """Keep what happened for one seat; False where newer news is known."""
        ...

    def to_ask(self) -> list[tuple[Attended, Meeting, Window]]:
        """Who attended a meeting within an open window and has not been planned for."""
        ...

    def planned(self, attended: Attended) -> None:
        """A notice was made, or need not be, for this attendance."""
        ...

    def forget(self, member_id: MemberId) -> None:
        """Forget where this member was."""
        ...

    def attended(self, member_id: MemberId, window: Window) -> bool:
        """Whether any attendance of this member within the window stands."""
        ...

    def prune(self, before: datetime) -> None:
        """Forget attendances at meetings that no open window covers: those that a closed one did, and those before then."""
        ...
