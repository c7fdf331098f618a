"""What registration says and answers: members by alias, agreement, consents, seats, waitlists, attendance."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.contracts.base import (
    Channel,
    ChapterId,
    Command,
    Contract,
    Done,
    Event,
    GroupId,
    GuestId,
    Instant,
    Locale,
    MeetingId,
    MemberId,
    Mode,
    Query,
    Sealed,
    SeatId,
    View,
)
from shared.contracts.errors import Refused


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


# -- events -----------------------------------------------------------------------------------


class MemberJoined(Event):
    """A person known by an alias joined the network and accepted the agreement."""

    type: ClassVar[str] = "registration.member_joined.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    agreement_version: int


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


# -- refusals ---------------------------------------------------------------------------------


class AgreementNeeded(Refused):
    """The current confidentiality agreement has not been accepted. ``facts['version']`` is the current one."""

    code = "agreement_needed"


class NotAMember(Refused):
    """This person has not joined yet."""

    code = "not_a_member"


class ModeNotOffered(Refused):
    """The meeting is not held in that mode."""

    code = "mode_not_offered"


class MeetingNotOpen(Refused):
    """The meeting cannot be joined: it has ended, was cancelled, or is not known here yet."""

    code = "meeting_not_open"


# -- commands ---------------------------------------------------------------------------------


class ConsentChoice(Contract):
    """A tick, or none, beside one purpose and channel."""

    purpose: Purpose
    channel: Channel
    granted: bool


class Join(Command[Done]):
    """Become a member under an alias. Role MEMBER, for oneself. Joining again changes nothing."""

    type: ClassVar[str] = "registration.join.v1"

    alias: Sealed  # sealed to registration; 2 to 40 characters, never an address or a number
    role_in_attending: RoleInAttending
    agreement_version: int  # the version that was shown and accepted
    wording: int = 1  # version of the consent wording that was shown
    locale: Locale = "en"
    consents: tuple[ConsentChoice, ...] = ()


class AcceptAgreement(Command[Done]):
    """Accept the current agreement. Role MEMBER."""

    type: ClassVar[str] = "registration.accept_agreement.v1"

    version: int


class DecideConsents(Command[Done]):
    """Change one's mind, for any number of purposes and channels. Role MEMBER."""

    type: ClassVar[str] = "registration.decide_consents.v1"

    choices: tuple[ConsentChoice, ...]
    wording: int = 1
    locale: Locale = "en"


class SeatView(View):
    """One's seat; ``place_in_line`` counts from 1 and is None unless waitlisted."""

    seat_id: SeatId
    meeting_id: MeetingId
    mode: Mode
    state: SeatState
    place_in_line: int | None = None


class TakeSeat(Command[SeatView]):
    """Take a seat in one mode, or a place in its line when it is full. Role MEMBER. Having one already answers it."""

    type: ClassVar[str] = "registration.take_seat.v1"

    meeting_id: MeetingId
    mode: Mode


class SwitchMode(Command[SeatView]):
    """Attend otherwise. Where the new mode is full, the old seat is kept and the answer is a refusal (``mode_full``)."""

    type: ClassVar[str] = "registration.switch_mode.v1"

    meeting_id: MeetingId
    mode: Mode
    or_wait: bool = False  # give up the old seat and wait for the new mode


class ModeFull(Refused):
    """No place in that mode; the old seat stands."""

    code = "mode_full"


class GiveUpSeat(Command[Done]):
    """Give up one's seat or place in line; the next in line moves up. Role MEMBER."""

    type: ClassVar[str] = "registration.give_up_seat.v1"

    meeting_id: MeetingId


class MarkAttendance(Command[Done]):
    """Record what happened for one seat or guest. Coordinator of the chapter. ``outcome`` None takes the mark back."""

    type: ClassVar[str] = "registration.mark_attendance.v1"

    meeting_id: MeetingId
    seat_id: SeatId | None = None
    guest_id: GuestId | None = None
    outcome: Outcome | None
    mode: Mode | None = None  # in which mode they attended; None means the mode of their seat


class GuestAnswer(View):
    """The guest's id."""

    guest_id: GuestId


class AddWalkIn(Command[GuestAnswer]):
    """Someone came who has no seat, no phone and no address: a guest for one evening, gone 24 h after the meeting."""

    type: ClassVar[str] = "registration.add_walk_in.v1"

    meeting_id: MeetingId
    alias: Sealed | None = None  # None: "Guest 3"
    mode: Mode = Mode.IN_PERSON


class CloseAttendance(Command[Done]):
    """The sheet is done: unmarked seats are missed, the counts go out. May be done again after a correction."""

    type: ClassVar[str] = "registration.close_attendance.v1"

    meeting_id: MeetingId


# -- queries ----------------------------------------------------------------------------------


class AgreementText(View):
    """The confidentiality agreement in force."""

    version: int
    title: str
    paragraphs: tuple[str, ...]


class CurrentAgreement(Query[AgreementText]):
    """The agreement in force, to be shown before it is accepted. Anyone."""

    type: ClassVar[str] = "registration.current_agreement.v1"

    locale: Locale = "en"


class Membership(View):
    """Who one is here. ``joined`` is False for someone whose contact is verified but who has not joined."""

    joined: bool
    alias: str = ""
    role_in_attending: RoleInAttending | None = None
    agreement_current: bool = False
    consents: tuple[ConsentChoice, ...] = ()


class MyMembership(Query[Membership]):
    """One's own membership. Role MEMBER."""

    type: ClassVar[str] = "registration.my_membership.v1"


class MySeats(View):
    """One's coming seats and places in line, by start of the meeting."""

    seats: tuple[SeatView, ...]


class ListMySeats(Query[MySeats]):
    """One's own coming seats. Role MEMBER."""

    type: ClassVar[str] = "registration.list_my_seats.v1"


class ModeOpening(Contract):
    """Whether a mode of a meeting has a place. Never how many people come."""

    mode: Mode
    free: bool


class MeetingOpening(Contract):
    """The modes of one meeting."""

    meeting_id: MeetingId
    modes: tuple[ModeOpening, ...]


class OpeningsView(View):
    """Openings of the meetings asked for (an unknown one is left out)."""

    meetings: tuple[MeetingOpening, ...]


class Openings(Query[OpeningsView]):
    """Where there is a place. Anyone."""

    type: ClassVar[str] = "registration.openings.v1"

    meeting_ids: tuple[MeetingId, ...]


class SeatRow(Contract):
    """One seat as its coordinator sees it."""

    seat_id: SeatId
    member_id: MemberId
    alias: str
    mode: Mode
    state: SeatState
    place_in_line: int | None
    first_time: bool  # has never attended a meeting of this group
    outcome: Outcome | None
    attended_mode: Mode | None


class GuestRow(Contract):
    """One guest of one evening."""

    guest_id: GuestId
    alias: str
    mode: Mode
    outcome: Outcome | None


class ModeCount(Contract):
    """One mode's figures."""

    mode: Mode
    capacity: int
    confirmed: int
    waiting: int


class MeetingSeats(View):
    """A meeting's seats, waitlists and attendance."""

    meeting_id: MeetingId
    counts: tuple[ModeCount, ...]
    seats: tuple[SeatRow, ...]  # confirmed by alias, then the lines in their order; released ones are left out
    guests: tuple[GuestRow, ...]
    attendance_closed: bool


class ListMeetingSeats(Query[MeetingSeats]):
    """The seats of a meeting. Coordinator of the chapter."""

    type: ClassVar[str] = "registration.list_meeting_seats.v1"

    meeting_id: MeetingId


class SeatFigures(Contract):
    """One meeting's counts, for a coordinator's list."""

    meeting_id: MeetingId
    counts: tuple[ModeCount, ...]
    attendance_closed: bool


class MeetingFigures(View):
    """Counts of many meetings."""

    meetings: tuple[SeatFigures, ...]


class CountSeats(Query[MeetingFigures]):
    """Counts for a coordinator's list of meetings; those of other chapters are left out."""

    type: ClassVar[str] = "registration.count_seats.v1"

    meeting_ids: tuple[MeetingId, ...]
