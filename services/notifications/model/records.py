"""What notifications knows, as plain records. Moments are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.base import (
    Channel,
    ChapterId,
    ContactPointId,
    MeetingId,
    MemberId,
    Mode,
    NoticeId,
    RegionId,
    SeatId,
    WindowId,
)
from shared.contracts.meetings import MeetingStatus, Place
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.contracts.registration import SeatReason, SeatState


@dataclass(frozen=True)
class Meeting:
    """A meeting as the newest of its events told it."""

    meeting_id: MeetingId
    chapter_id: ChapterId
    region_id: RegionId
    group_name: str
    revision: int
    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    place: Place | None
    modes: tuple[Mode, ...]  # in which it can be attended now

    @property
    def newness(self) -> tuple[int, int]:
        """Which of two events about one meeting is the newer: its revision, then how final its status is."""
        return (self.revision, _FINALITY[self.status])


_FINALITY = {MeetingStatus.SCHEDULED: 0, MeetingStatus.ENDED: 1, MeetingStatus.CANCELLED: 2}


@dataclass(frozen=True)
class Seat:
    """One state of one seat. ``change`` rises by one on every change of it; all states are kept."""

    seat_id: SeatId
    change: int
    meeting_id: MeetingId
    chapter_id: ChapterId
    member_id: MemberId
    mode: Mode
    state: SeatState
    reason: SeatReason
    meeting_revision: int
    heard_at: datetime

    @property
    def held(self) -> bool:
        """Whether its member has a place, or a place in line."""
        return self.state is not SeatState.RELEASED


@dataclass(frozen=True)
class ContactPoint:
    """An address or number that its owner proved theirs. The address itself is sealed in the store."""

    contact_point_id: ContactPointId
    member_id: MemberId
    channel: Channel
    contact_hash: str  # keyed hash of channel and normalised address
    locale: str
    verified_at: datetime


@dataclass(frozen=True)
class Verification:
    """A code on its way to someone. Its moments are in real time."""

    verification_id: str
    channel: Channel
    contact_hash: str
    client: str
    locale: str
    code_hash: str
    tries_left: int
    started_at: datetime
    expires_at: datetime
    settled: bool = False  # used, or used up
    member_id: MemberId | None = None  # who was signed in and began it, until it is over or they leave


@dataclass(frozen=True)
class Consent:
    """The newest decision of a member for one purpose and channel."""

    granted: bool
    decided: int


@dataclass(frozen=True)
class Suppression:
    """Why a contact is written to no more: for every purpose (``purpose`` empty) or for one."""

    contact_hash: str
    purpose: str
    reason: str  # stop, unsubscribed, hard_bounce, wrong_person
    decided: int = 0  # the consent decision that it overrules: a newer one that grants lifts it


@dataclass(frozen=True)
class Window:
    """A feedback window."""

    window_id: WindowId
    region_id: RegionId
    opens_at: datetime
    closes_at: datetime
    last_slip_at: datetime


@dataclass(frozen=True)
class Attended:
    """A member was at a meeting, and may be asked about it."""

    member_id: MemberId
    meeting_id: MeetingId
    chapter_id: ChapterId


@dataclass(frozen=True)
class Notice:
    """One message to one person through one channel, due at a time, with a state and the reason for it."""

    notice_id: NoticeId
    kind: NoticeKind
    member_id: MemberId | None
    channel: Channel | None
    created_at: datetime
    due_at: datetime
    not_before: datetime
    expires_at: datetime | None = None
    contact_point_id: ContactPointId | None = None
    chapter_id: ChapterId | None = None
    meeting_id: MeetingId | None = None
    version: str = ""  # the part of the natural key that tells it from other news: a revision, a change, a day
    revision: int | None = None  # of the meeting, for changes and cancellations
    seat_change: int | None = None  # for notices about a seat
    window_id: WindowId | None = None
    verification_id: str | None = None
    state: NoticeState = NoticeState.WAITING
    reason: str = ""
    urgency: int = 9
    attempts: int = 0
    unknowns: int = 0  # how often its outcome was unknown
    doubtful: bool = False  # the provider is asked before it is sent again
    leased_by: str | None = None
    first_tried: datetime | None = None  # real time
    words: str = ""  # keyed hash of the text last tried


@dataclass(frozen=True)
class Try:
    """One attempt to deliver a notice, and what became of it: accepted, transient, permanent or unknown."""

    notice_id: NoticeId
    attempt: int
    outcome: str
    reason: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class NoticesStanding:
    """What an operator watches of the notices that have not left."""

    late_seconds: float
    """How long the oldest that may leave has been waiting. Quiet hours and pauses after a failure do not count."""
    again: int  # tried before, and waiting to be tried again
    doubtful: int  # whether the last try arrived is not known
    held: int  # wait for a person's decision
