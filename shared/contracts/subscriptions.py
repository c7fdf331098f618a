"""Who hears what. Every process declares the whole topology from this table before it says anything.

A subscriber that is not bound yet would miss what others receive; so the bindings of all services are known to
all. A test holds the table against the services' entrypoints. A new line here, on a network that runs, needs a
backfill of what was said before (docs/developing.md).
"""

from __future__ import annotations

from shared.contracts import feedback, meetings, notifications, registration
from shared.contracts.base import Event

_MEETING: tuple[type[Event], ...] = (
    meetings.MeetingScheduled,
    meetings.MeetingMoved,
    meetings.MeetingResized,
    meetings.MeetingMovedOnline,
    meetings.MeetingMovedBack,
    meetings.MeetingCancelled,
    meetings.MeetingEnded,
)

SUBSCRIPTIONS: dict[str, tuple[type[Event], ...]] = {
    "meetings": (),
    "registration": (*_MEETING, notifications.ContactVerified, notifications.ContactSuppressed),
    "notifications": (
        *_MEETING,
        meetings.ChapterOpened,
        registration.MemberJoined,
        registration.MemberLeft,
        registration.ConsentDecided,
        registration.SeatConfirmed,
        registration.SeatWaitlisted,
        registration.SeatReleased,
        registration.AttendanceRecorded,
        feedback.WindowOpened,
        feedback.WindowClosed,
    ),
    "feedback": (meetings.ChapterOpened, registration.AttendanceCounted),
}
