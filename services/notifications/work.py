"""What the use cases of notifications need of their unit of work. The store fills it; tests may too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from services.notifications.model.records import (
    Attended,
    Consent,
    ContactPoint,
    Meeting,
    Notice,
    NoticesStanding,
    Seat,
    Suppression,
    Try,
    Verification,
    Window,
)
from shared.contracts.base import (
    Channel,
    ChapterId,
    ContactPointId,
    Event,
    MeetingId,
    MemberId,
    NoticeId,
    RegionId,
    Sealed,
    WindowId,
)
from shared.contracts.feedback import WindowOpened
from shared.contracts.meetings import ChapterOpened
from shared.contracts.notifications import NoticeState, Preferences
from shared.contracts.registration import AttendanceRecorded, ConsentDecided, Purpose
from shared.runtime.keys import KeyRing


class Contacts(Protocol):
    """Contact points and codes under way: the only place where an address or number is stored, sealed."""

    def get(self, contact_point_id: ContactPointId) -> ContactPoint | None:
        """The contact point with this id."""
        ...

    def by_hash(self, contact_hash: str) -> ContactPoint | None:
        """The contact point of this address, whoever's it is."""
        ...

    def of(self, member_id: MemberId) -> list[ContactPoint]:
        """A member's contact points, email first."""
        ...

    def of_all(self, member_ids: Sequence[MemberId]) -> dict[MemberId, list[ContactPoint]]:
        """The contact points of each of these members, email first; an empty list for who has none."""
        ...

    def add(self, contact: ContactPoint, address: str) -> None:
        """Keep a verified contact point, its address sealed with the member's key."""
        ...

    def address(self, contact: ContactPoint) -> str | None:
        """The address in the clear; None where its key was destroyed."""
        ...

    def remove(self, contact_point_id: ContactPointId) -> None:
        """Forget a contact point."""
        ...

    def start(self, verification: Verification, address: str, code: str) -> None:
        """Keep a verification; address and code sealed with a key of its own."""
        ...

    def verification(self, verification_id: str, *, lock: bool = False) -> Verification | None:
        """The verification with this id, locked for this transaction where asked."""
        ...

    def under_way(self, verification: Verification) -> str | None:
        """The address that is being verified, in the clear; None once it is erased."""
        ...

    def code(self, verification: Verification) -> str | None:
        """The code in the clear, None once it was sent or is over."""
        ...

    def erase_code(self, verification_id: str) -> None:
        """The code left, or never will: only its hash stays."""
        ...

    def missed(self, verification_id: str, tries_left: int) -> None:
        """A try failed."""
        ...

    def settle(self, verification_id: str) -> None:
        """The code is used: address and code are erased, the row stays for the limits."""
        ...

    def started_since(self, *, contact_hash: str = "", client: str = "", since: datetime) -> list[datetime]:
        """When codes were asked for since then (real time), for this contact or from this client, oldest first."""
        ...

    def prune(self, now: datetime, keep_after: datetime) -> None:
        """Erase what has expired by ``now``, and drop rows that began before ``keep_after`` (both real time)."""
        ...


class Members(Protocol):
    """What is known of members: that they exist, their consents, preferences and suppressions."""

    def join(self, member_id: MemberId) -> None:
        """Someone became a member."""
        ...

    def known(self, member_id: MemberId) -> bool:
        """Whether anything here belongs to this id: such an id cannot be given to someone new."""
        ...

    def decide(self, event: ConsentDecided) -> bool:
        """Keep a consent decision; False where a newer one is known."""
        ...

    def consent(self, member_id: MemberId, purpose: Purpose, channel: Channel) -> Consent | None:
        """The newest decision, None where none was heard."""
        ...

    def has_decided(self, member_id: MemberId) -> bool:
        """Whether any decision of this member was heard, for whatever purpose and channel."""
        ...

    def preferences(self, member_id: MemberId) -> Preferences | None:
        """What the member chose; None where they never did."""
        ...

    def prefer(self, member_id: MemberId, preferences_: Preferences) -> None:
        """Keep the member's choice, sealed."""
        ...

    def suppress(self, suppression: Suppression) -> None:
        """Write to this contact no more. It is known by its keyed hash, so that it outlives the contact point."""
        ...

    def suppressions(self, contact_hash: str) -> tuple[Suppression, ...]:
        """Why this contact is written to no more, if so."""
        ...

    def lift(
        self, contact_hash: str, *, reason: str, purpose: str | None = None, decided_before: int | None = None
    ) -> None:
        """Take a suppression back."""
        ...


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

    def attended(self, member_id: MemberId, window: Window) -> bool:
        """Whether any attendance of this member within the window stands."""
        ...

    def prune(self, before: datetime) -> None:
        """Forget attendances at meetings that no open window covers: those that a closed one did, and those before then."""
        ...


class Notices(Protocol):
    """The notices and every attempt to deliver them."""

    def add(self, *these: Notice) -> list[Notice]:
        """Keep notices; those of them that were not known (by their natural key)."""
        ...

    def get(self, notice_id: NoticeId, *, lock: bool = False) -> Notice | None:
        """A notice, locked for this transaction where asked."""
        ...

    def locked(self, these: Collection[NoticeId]) -> dict[NoticeId, Notice]:
        """These notices, locked for this transaction."""
        ...

    def about(self, meeting_id: MeetingId) -> list[Notice]:
        """Every change and cancellation notice of a meeting."""
        ...

    def wake(self, meeting_id: MeetingId) -> None:
        """News of the meeting came: what waited for it is looked at again now."""
        ...

    def wake_undecided(self, member_id: MemberId, channel: Channel) -> None:
        """This member decided: what waited for a decision on this channel is looked at again now."""
        ...

    def next(self, channel: Channel, most: int, *, until: datetime) -> list[NoticeId]:
        """The next notices of this channel that are due: urgent before bulk, fair between chapters.

        Also those whose lease ran out while they were being sent (state SENDING): their outcome is unknown. A lease
        that ends much later than one given now, ``until`` (real time), is from before a clock was set back.
        """
        ...

    def claim(self, lease: str, until: datetime, these: Sequence[NoticeId]) -> list[Notice]:
        """Lease those of these that are still due and that nobody leased meanwhile. ``until`` is in real time."""
        ...

    def give_back(self, lease: str, these: Sequence[NoticeId]) -> None:
        """Nobody looks after these under this lease any more, if anybody did. Only what is WAITING."""
        ...

    def begin(self, these: Sequence[Notice], *, until: datetime) -> None:
        """Mark leased notices SENDING, as they stand in these records, and open a delivery of each."""
        ...

    def take_back(self, notice: Notice) -> None:
        """What was marked SENDING but never tried waits again, as it stands in this record; its delivery never was."""
        ...

    def release(self, notice_id: NoticeId, *, not_before: datetime, reason: str) -> None:
        """Give a leased notice back, to be looked at again then."""
        ...

    def update(self, notice: Notice, *, reason: str, not_before: datetime, doubtful: bool, unknowns: int) -> None:
        """Set a notice waiting again after an attempt."""
        ...

    def settle(self, these: Sequence[Notice], state: NoticeState, reason: str) -> None:
        """Notices reached their end; the leases are given back, and any codes on them erased unless they are held."""
        ...

    def keep_code(self, notice_id: NoticeId, code: str, answer_by: datetime) -> None:
        """Keep a feedback code, sealed, until the notice's outcome is known."""
        ...

    def code(self, notice_id: NoticeId) -> tuple[str, datetime] | None:
        """The feedback code of a notice, and until when it is good."""
        ...

    def close(self, tries: Sequence[Try]) -> None:
        """Record what became of attempts."""
        ...

    def advance(self, provider_id: str, status: str, rank: int) -> Notice | None:
        """Record a provider's receipt; its notice where the rank rose, else None."""
        ...

    def standing(self) -> NoticesStanding:
        """How it stands with those that have not left, in figures for the operator."""
        ...

    def answered(self, provider_id: str) -> str | None:
        """What an inbound text was answered with, if it came before."""
        ...

    def remember_answer(self, provider_id: str, answer: str) -> None:
        """Remember what an inbound text was answered with."""
        ...


class Work(Protocol):
    """One open transaction of notifications."""

    @property
    def contacts(self) -> Contacts:
        """Contact points and codes."""
        ...

    @property
    def members(self) -> Members:
        """Consents, preferences, suppressions."""
        ...

    @property
    def calendar(self) -> Calendar:
        """Meetings and seats."""
        ...

    @property
    def feedback(self) -> Feedback:
        """Windows and attendance."""
        ...

    @property
    def notices(self) -> Notices:
        """Notices and deliveries."""
        ...

    @property
    def keys(self) -> KeyRing:
        """This service's keys: for keyed hashes."""
        ...

    @property
    def now(self) -> datetime:
        """Domain time."""
        ...

    @property
    def real_now(self) -> datetime:
        """The machine's time."""
        ...

    def new_id(self) -> str:
        """A time-ordered id."""
        ...

    def publish(self, event: Event) -> None:
        """Say that something happened, if this transaction commits."""
        ...

    def unseal(self, sealed: Sealed) -> str:
        """Open what was sealed to this service."""
        ...

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text to another service or gateway."""
        ...

    def foresee(self, notices: Sequence[Notice]) -> None:
        """Read all that the gate looks at of these notices, in a statement a table and not one by one.

        From now on this work answers from memory for it: nothing of it may be written in the same transaction.
        """
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """What is done inside is undone when it raises."""
        ...
