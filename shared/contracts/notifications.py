"""What notifications says and answers: contact points, preferences, notices, deliveries, suppressions."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from shared.contracts.base import (
    Channel,
    ChapterId,
    Command,
    ContactPointId,
    Contract,
    Done,
    Event,
    Instant,
    Locale,
    LocalTime,
    MeetingId,
    MemberId,
    Mode,
    NoticeId,
    Query,
    Sealed,
    View,
)
from shared.contracts.errors import Refused
from shared.contracts.meetings import Place
from shared.contracts.registration import Purpose


class Discretion(StrEnum):
    """How much a notice may say to whoever looks over the shoulder."""

    OPEN = "open"
    DISCREET = "discreet"  # the default
    SILENT = "silent"  # "You have a message", and nothing else


class NoticeKind(StrEnum):
    """Why a person is written to."""

    CODE = "code"
    SEAT_CONFIRMED = "seat_confirmed"
    SEAT_WAITLISTED = "seat_waitlisted"
    SEAT_PROMOTED = "seat_promoted"
    SEAT_RELEASED = "seat_released"
    REMINDER = "reminder"
    MEETING_CHANGED = "meeting_changed"
    MEETING_CANCELLED = "meeting_cancelled"
    FEEDBACK_ASK = "feedback_ask"


class NoticeState(StrEnum):
    """Where a notice stands. ``due = sent + refused + expired + held`` once nothing is waiting or sending."""

    WAITING = "waiting"
    SENDING = "sending"  # marked before the first byte leaves
    SENT = "sent"
    REFUSED = "refused"  # by a rule of ours or for good by the provider; the reason is kept
    EXPIRED = "expired"
    HELD = "held"  # the outcome is unknown; a person decides


# -- events -----------------------------------------------------------------------------------


class ContactVerified(Event):
    """The owner of an address or number proved it theirs. The address itself stays here."""

    type: ClassVar[str] = "notifications.contact_verified.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    contact_point_id: ContactPointId
    channel: Channel


class ContactSuppressed(Event):
    """A contact point is written to no more: STOP, an unsubscribe, a bounce, a wrong person."""

    type: ClassVar[str] = "notifications.contact_suppressed.v1"
    subject: ClassVar[str] = "member_id"
    classification = "restricted"

    member_id: MemberId
    contact_point_id: ContactPointId
    channel: Channel
    reason: Literal["stop", "unsubscribed", "hard_bounce", "wrong_person"]
    purpose: Purpose | None = None  # unsubscribed: from what; None means from everything


class NoticeSettled(Event):
    """A notice about a meeting reached its end: for live pages. Codes and feedback asks are not told of."""

    type: ClassVar[str] = "notifications.notice_settled.v1"
    subject: ClassVar[str] = "notice_id"

    notice_id: NoticeId
    kind: NoticeKind
    channel: Channel | None  # None where the person has no contact point at all
    meeting_id: MeetingId
    chapter_id: ChapterId
    state: NoticeState


# -- refusals ---------------------------------------------------------------------------------


class WrongCode(Refused):
    """The code is not the one that was sent. ``facts['tries_left']``."""

    code = "wrong_code"
    keeps = True  # the failed try is counted


class CodeExpired(Refused):
    """The code's ten minutes are over, or its tries are used up; ask for another."""

    code = "code_expired"


class BadSignature(Refused):
    """The call-back was not signed by the provider."""

    code = "bad_signature"


# -- commands ---------------------------------------------------------------------------------


class VerificationStarted(View):
    """A code is on its way. The same answer whether or not the address is known (nobody is found out)."""

    verification_id: str
    expires_at: Instant  # ten minutes, in real time


class StartVerification(Command[VerificationStarted]):
    """Send a six-digit code to an address or number. Role VISITOR (to join or sign in) or MEMBER (to add one).

    Refuses Invalid with field ``contact``; TooMany for too many codes to one contact or from one client.
    """

    type: ClassVar[str] = "notifications.start_verification.v1"

    channel: Channel
    contact: Sealed  # sealed to notifications: an email address, or a number in E.164 or national form
    country: str = "US"  # ISO 3166-1 alpha-2, how a national number is read
    locale: Locale = "en"
    client: Annotated[str, StringConstraints(max_length=64)] = (
        ""  # a keyed hash of the client's network, for the limit only
    )


class Verified(View):
    """Whose contact point it is: the member it belonged to before, else the one proposed."""

    member_id: MemberId
    known: bool  # it belonged to that member before


class ConfirmCode(Command[Verified]):
    """Prove that the contact point is one's own. Role VISITOR, or MEMBER (then it becomes that member's)."""

    type: ClassVar[str] = "notifications.confirm_code.v1"

    verification_id: str
    code: Sealed
    member_id: MemberId  # minted by the portal for someone new; for role MEMBER one's own


class Preferences(Contract):
    """How a member wants to be written to. Local times in ``time_zone``."""

    discretion: Discretion = Discretion.DISCREET
    quiet_from: LocalTime = time(21, 0)
    quiet_to: LocalTime = time(8, 0)
    time_zone: str = "UTC"
    locale: Locale = "en"
    urgent_in_quiet_hours: bool = False  # may a change within three hours of the meeting break the quiet


class SetPreferences(Command[Done]):
    """Change one's preferences. Role MEMBER."""

    type: ClassVar[str] = "notifications.set_preferences.v1"

    preferences: Preferences


class RemoveContact(Command[Done]):
    """Forget one of one's contact points. Role MEMBER. The last verified one can be removed too."""

    type: ClassVar[str] = "notifications.remove_contact.v1"

    contact_point_id: ContactPointId


class Unsubscribe(Command[Done]):
    """One-click unsubscribe (RFC 8058): the token of a mail's List-Unsubscribe. Anyone who holds it."""

    type: ClassVar[str] = "notifications.unsubscribe.v1"

    token: str


class ProviderAnswer(View):
    """What to answer the provider with (TwiML, or empty for 204)."""

    body: str = ""


class ReceiveCallback(Command[ProviderAnswer]):
    """A delivery report or an inbound text from the SMS provider. Role PROVIDER; refuses BadSignature."""

    type: ClassVar[str] = "notifications.receive_callback.v1"

    what: Literal["status", "inbound"]
    url: str  # as the provider called it, for the signature
    form: Sealed  # sealed to notifications: the form, as JSON [[name, value], ...]
    signature: str  # X-Twilio-Signature


class SettleHeld(Command[Done]):
    """A person decides on a held notice: it arrived, or it shall be sent again, or be given up. Operator, coordinator."""

    type: ClassVar[str] = "notifications.settle_held.v1"

    notice_id: NoticeId
    decision: Literal["arrived", "send_again", "give_up"]


# -- queries ----------------------------------------------------------------------------------


class ContactView(Contract):
    """A contact point as its owner sees it, masked: ``a…@e….org``, ``…0199``."""

    contact_point_id: ContactPointId
    channel: Channel
    masked: str
    suppressed: bool


class MyContacts(View):
    """One's contact points and preferences."""

    contacts: tuple[ContactView, ...]
    preferences: Preferences


class ListMyContacts(Query[MyContacts]):
    """One's own contact points. Role MEMBER."""

    type: ClassVar[str] = "notifications.list_my_contacts.v1"


class LockScreen(Contract):
    """What a stranger sees of one notice."""

    kind: NoticeKind
    channel: Channel
    sender: str
    line: str  # a subject, or the first words of a text


class LockScreens(View):
    """One entry a kind and channel."""

    previews: tuple[LockScreen, ...]


class PreviewLockScreen(Query[LockScreens]):
    """What a lock screen would show at this discretion level. Anyone."""

    type: ClassVar[str] = "notifications.preview_lock_screen.v1"

    discretion: Discretion
    locale: Locale = "en"


class ChangePreview(View):
    """The notice that a change would send, at the default discretion level."""

    subject: str
    email_text: str
    sms_text: str
    sms_parts: int


class PreviewChange(Query[ChangePreview]):
    """What people would be told if the meeting moved online, moved back, moved or were cancelled. Coordinator.

    Of a move, where it would be otherwise: when it would begin and end, and where it would be.
    """

    type: ClassVar[str] = "notifications.preview_change.v1"

    meeting_id: MeetingId
    change: Literal["moved_online", "moved_back", "moved", "cancelled"]
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    place: Place | None = None
    locale: Locale = "en"


class Unreached(Contract):
    """A person whom no notice has reached, why, and what to do now."""

    member_id: MemberId
    notice_id: NoticeId
    channel: Channel | None
    state: NoticeState
    reason: str  # code: no_contact, no_consent, suppressed, quiet_hours, bounced, provider_refused, expired, unknown…
    explanation: str
    next_step: str


class Progress(View):
    """How the telling of one change is going. People, not messages: one who got the mail is reached."""

    meeting_id: MeetingId
    revision: int
    due: int  # people who are to be told
    reached: int
    waiting: int
    unreached: tuple[Unreached, ...]
    complete: bool  # nothing waits; due = reached + len(unreached)


class NoticeProgress(Query[Progress]):
    """Progress of a change notice. Coordinator of the chapter."""

    type: ClassVar[str] = "notifications.notice_progress.v1"

    meeting_id: MeetingId
    revision: int


class JoinDetails(View):
    """What this person needs to attend in their mode, and nothing else."""

    mode: Mode
    place: str | None = None  # venue, address and access, for in_person
    link: Sealed | None = None  # sealed to the asking gateway; only within ``opens_minutes_before`` of the start
    dial_in: Sealed | None = None
    passcode: Sealed | None = None
    link_from: Instant | None = None  # when the link will be shown


class AskJoinDetails(Query[JoinDetails]):
    """How I get in. Role MEMBER with a confirmed seat; NotFound otherwise."""

    type: ClassVar[str] = "notifications.ask_join_details.v1"

    meeting_id: MeetingId


class CalendarFile(View):
    """An iCalendar file, worded at the member's discretion level."""

    body: str


class AskCalendarFile(Query[CalendarFile]):
    """The calendar file of my seat. Role MEMBER with a seat; NotFound otherwise."""

    type: ClassVar[str] = "notifications.ask_calendar_file.v1"

    meeting_id: MeetingId
