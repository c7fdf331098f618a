"""What registration says: of members, consents, seats and attendance; and the words for it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.contracts.base import (
    Channel,
    ChapterId,
    Event,
    GroupId,
    Instant,
    MeetingId,
    MemberId,
    Mode,
    SeatId,
)


class RoleInAttending(StrEnum):
    """As whom a person attends."""

    LIVED_EXPERIENCE = "lived_experience"
    FAMILY = "family"  # family or caregiver
    PROFESSIONAL = "professional"


class Purpose(StrEnum):
    """What a person consents to be written to about; each for each channel."""

    MEETING_REMINDERS = "meeting_reminders"
    MEETING_CHANGES = "meeting_changes"  # also that a seat was confirmed, or that a place came free
    FEEDBACK_ASK = "feedback_ask"


class SeatState(StrEnum):
    """A claim on one mode of one meeting."""

    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    RELEASED = "released"


class SeatReason(StrEnum):
    """Why a seat is in its state."""

    TAKEN = "taken"  # the member asked
    SWITCHED = "switched"  # the member chose another mode
    PROMOTED = "promoted"  # a place came free and they were next
    MOVED = "moved"  # the meeting changed its modes
    GIVEN_UP = "given_up"
    MEETING_CANCELLED = "meeting_cancelled"


class Outcome(StrEnum):
    """What happened. An RSVP is never an attendance."""

    ATTENDED = "attended"
    MISSED = "missed"
    EXCUSED = "excused"


class MemberJoined(Event):
    """A person known by an alias joined the network and accepted the agreement."""

    type: ClassVar[str] = "registration.member_joined.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    agreement_version: int


class MemberLeft(Event):
    """Someone left for good: whoever keeps what could tell who they are forgets it. The id is never anybody's again."""

    type: ClassVar[str] = "registration.member_left.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId


class AgreementAccepted(Event):
    """A member accepted a version of the confidentiality agreement."""

    type: ClassVar[str] = "registration.agreement_accepted.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    version: int


class ConsentDecided(Event):
    """A member's decision for one purpose and channel; the newest for the pair stands (``decided`` counts up)."""

    type: ClassVar[str] = "registration.consent_decided.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    purpose: Purpose
    channel: Channel
    granted: bool
    decided: int  # rises by one per decision of this member for this purpose and channel


class SeatFacts(Event):
    """The whole state of one seat; the newest ``sequence`` alone suffices. One seat per member and meeting."""

    subject: ClassVar[str] = "seat_id"
    classification = "restricted"

    seat_id: SeatId
    meeting_id: MeetingId
    chapter_id: ChapterId
    member_id: MemberId
    mode: Mode
    state: SeatState
    reason: SeatReason
    meeting_revision: int  # the meeting's revision as registration knew it
    change: int  # rises by one on every change of this seat


class SeatConfirmed(SeatFacts):
    """A member holds a seat at one meeting, in one mode."""

    type: ClassVar[str] = "registration.seat_confirmed.v1"


class SeatWaitlisted(SeatFacts):
    """A member waits for a place in one mode of one meeting."""

    type: ClassVar[str] = "registration.seat_waitlisted.v1"


class SeatReleased(SeatFacts):
    """A member holds and waits for nothing any more at this meeting."""

    type: ClassVar[str] = "registration.seat_released.v1"


class AttendanceRecorded(Event):
    """What happened for one member at one meeting (guests are told of as counts only). The newest ``change`` stands."""

    type: ClassVar[str] = "registration.attendance_recorded.v1"
    subject: ClassVar[str] = "seat_id"
    classification = "restricted"

    seat_id: SeatId
    meeting_id: MeetingId
    chapter_id: ChapterId
    member_id: MemberId
    outcome: Outcome
    mode: Mode
    change: int


class AttendanceCounted(Event):
    """How many people attended a meeting, by mode: all that feedback ever hears. The newest ``change`` stands."""

    type: ClassVar[str] = "registration.attendance_counted.v1"
    subject: ClassVar[str] = "meeting_id"

    meeting_id: MeetingId
    chapter_id: ChapterId
    group_id: GroupId
    meeting_day: Instant  # midnight UTC of the day it began: the hour is nobody's business here
    members: int  # who can be asked for feedback
    guests: int
    in_person: int
    online: int
    phone: int
    change: int = 0  # rises by one with every count of this meeting
