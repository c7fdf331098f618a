"""What passes between the rules of notifications, its wording and its channels. Plain data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.contracts.base import Channel, Mode
from shared.contracts.notifications import Discretion, NoticeKind

Change = Literal["moved", "moved_online", "moved_back"]


@dataclass(frozen=True)
class Facts:
    """All that wording may need of one notice; which of it is said depends on kind, channel and discretion level.

    Times are aware, in the meeting's zone. Only what *this person's* mode needs is filled in: ``place`` for
    in_person, link and dial-in for online and phone (and only shortly before the meeting).
    """

    portal_url: str  # public base URL of the portal, without a slash at its end
    group_name: str = ""
    chapter_name: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    mode: Mode | None = None
    place: str | None = None
    access: str | None = None
    link: str | None = None
    dial_in: str | None = None
    passcode: str | None = None
    link_comes_later: bool = False
    change: Change | None = None
    place_in_line: int | None = None
    code: str | None = None  # a verification code, or a feedback code
    answer_by: datetime | None = None
    meeting_id: str | None = None
    unsubscribe_url: str | None = None
    member_ref: str = ""  # a keyed hash: for calendar UIDs, never the member id
    revision: int = 0  # calendar SEQUENCE


@dataclass(frozen=True)
class Worded:
    """A notice in words. ``subject`` and ``html`` are None for a text message."""

    text: str
    subject: str | None = None
    html: str | None = None


@dataclass(frozen=True)
class Calendar:
    """An iTIP object (RFC 5546): REQUEST to enter or update, CANCEL to take out."""

    method: Literal["REQUEST", "CANCEL"]
    body: str


@dataclass(frozen=True)
class Message:
    """One notice, ready for its channel."""

    notice_id: str
    channel: Channel
    to: str  # address or E.164 number, in the clear, in memory only
    words: Worded
    calendar: Calendar | None = None
    unsubscribe_url: str | None = None
    message_id: str = ""  # RFC 5322 Message-ID without brackets: the same at every try
    valid_seconds: int = 36000  # after which the provider need not deliver it any more
    first_tried: datetime | None = None  # real time of the first try: find() takes nothing older for this message


@dataclass(frozen=True)
class Accepted:
    """The mail server or provider took responsibility."""

    provider_id: str = ""


DOES_NOT_ANSWER = "provider_does_not_answer"
"""Why a provider could not say whether it has a message: it may be able to later."""


@dataclass(frozen=True)
class Transient:
    """Not now; nothing was taken. Try again after so many seconds.

    ``doubtful``: it may have been taken all the same, so ask before it is sent again.
    """

    reason: str
    retry_after: float = 60.0
    doubtful: bool = False


@dataclass(frozen=True)
class Permanent:
    """Never, for this address or number. ``reason`` is a code of ours: bounced, invalid, opted_out, landline, blocked…"""

    reason: str
    suppress: bool = False
    alarm: bool = False  # the operator must act: an account, permission or filter problem, not this person's


@dataclass(frozen=True)
class Unknown:
    """It may have been taken: the connection broke after the message had gone out."""

    reason: str


Result = Accepted | Transient | Permanent | Unknown


class Sender(Protocol):
    """One channel's way out. Keeps its connection; blocks (cooperatively, under eventlet) until there is a result."""

    def send(self, message: Message) -> Result:
        """Send one message. Never raises for what the other side does."""
        ...

    def find(self, message: Message) -> Result:
        """After an Unknown: ask the provider whether it has this message. Unknown where it cannot tell."""
        ...


class Wording(Protocol):
    """Renders notices; ``services.notifications.wording`` implements it."""

    def words(self, kind: NoticeKind, channel: Channel, level: Discretion, locale: str, facts: Facts) -> Worded:
        """The notice in words, at this discretion level."""
        ...

    def calendar(
        self, kind: NoticeKind, level: Discretion, locale: str, facts: Facts, *, organizer: str, attendee: str
    ) -> Calendar | None:
        """The invitation that goes with this kind of notice, or None where none does."""
        ...


@dataclass(frozen=True)
class Inbound:
    """A text that a person sent us."""

    sender: str  # E.164
    body: str
    provider_id: str
    opt_out_type: str | None = None


@dataclass(frozen=True)
class Receipt:
    """The provider's word on what became of a text. Receipts come twice and out of order: only a higher rank counts."""

    provider_id: str
    status: str
    rank: int
    result: Result | None = field(default=None)  # Accepted for delivered, Permanent or Transient for failed
