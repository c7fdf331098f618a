"""What registration knows of a meeting, which news of it is newer, and when one may act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.contracts.base import ChapterId, GroupId, MeetingId, Mode
from shared.contracts.errors import TooLate
from shared.contracts.meetings import MeetingFacts, MeetingStatus
from shared.contracts.registration import MeetingNotOpen, ModeNotOffered

LATECOMERS = timedelta(minutes=30)
"""A seat can still be taken this long after the start: people get lost, links fail."""
SHEET_OPENS_BEFORE = timedelta(minutes=30)
SHEET_SHUTS_AFTER = timedelta(days=14)
GUESTS_GO_AFTER = timedelta(hours=24)
"""A guest is for one evening: gone this long after the meeting's end."""


@dataclass(frozen=True)
class Meeting:
    """One meeting as its newest facts tell it. ``offers`` holds the places of each mode that can be attended now."""

    meeting_id: MeetingId
    chapter_id: ChapterId
    group_id: GroupId
    revision: int
    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    offers: Mapping[Mode, int] = field(default_factory=dict)
    closed_at: datetime | None = None
    """When the attendance sheet was closed first."""

    @property
    def age(self) -> tuple[int, bool]:
        """What grows with every newer fact: the revision, and at the same revision the end of the meeting."""
        return self.revision, self.status is not MeetingStatus.SCHEDULED

    @property
    def day(self) -> datetime:
        """Midnight UTC of the day on which it begins."""
        return self.starts_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def from_facts(facts: MeetingFacts) -> Meeting:
    """The meeting that an event tells of."""
    return Meeting(
        meeting_id=facts.meeting_id,
        chapter_id=facts.chapter_id,
        group_id=facts.group_id,
        revision=facts.revision,
        status=facts.status,
        starts_at=facts.starts_at,
        ends_at=facts.ends_at,
        offers={offer.mode: offer.capacity for offer in facts.offers},
    )


def tells_more(facts: Meeting, known: Meeting) -> bool:
    """Whether these facts are newer than what is known. Events of one meeting come in any order, and twice."""
    return facts.age > known.age


def can_be_joined(meeting: Meeting, now: datetime) -> bool:
    """Whether a seat can be taken or changed now."""
    latest = min(meeting.starts_at + LATECOMERS, meeting.ends_at)
    return meeting.status is MeetingStatus.SCHEDULED and now < latest


def joinable(meeting: Meeting | None, now: datetime) -> Meeting:
    """The meeting, where it can be joined now. Raises MeetingNotOpen."""
    if meeting is None:
        raise MeetingNotOpen(
            "We cannot find a meeting to join here. If it was announced a moment ago, try again in a minute."
        )
    if meeting.status is MeetingStatus.CANCELLED:
        raise MeetingNotOpen("This meeting has been cancelled. You do not need to do anything.")
    if not can_be_joined(meeting, now):
        raise MeetingNotOpen("This meeting has already been held or is well under way. Please choose a coming one.")
    return meeting


def sheet_open(meeting: Meeting, now: datetime) -> None:
    """Attendance can be taken now. Raises MeetingNotOpen (cancelled, or too early) or TooLate."""
    if meeting.status is MeetingStatus.CANCELLED:
        raise MeetingNotOpen("This meeting was cancelled, so there is no attendance to take.")
    if now < meeting.starts_at - SHEET_OPENS_BEFORE:
        raise MeetingNotOpen("The attendance sheet opens 30 minutes before the meeting begins.")
    if now > meeting.ends_at + SHEET_SHUTS_AFTER:
        raise TooLate("Attendance can be corrected until 14 days after a meeting; that time is over.")


def offered(meeting: Meeting, mode: Mode) -> None:
    """The meeting can be attended in this mode. Raises ModeNotOffered."""
    if mode not in meeting.offers:
        ways = ", ".join(NAMES[each] for each in Mode if each in meeting.offers) or "in no way at the moment"
        raise ModeNotOffered(
            f"This meeting is not held {NAMES[mode]} at the moment; it can be attended {ways}.", field="mode"
        )


NAMES = {Mode.IN_PERSON: "in person", Mode.ONLINE: "online", Mode.PHONE: "by phone"}
