"""What the handlers need of a unit of work. The store fills it; a Protocol, so that rules know no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.registration.model.attendance import Guest, Mark
from services.registration.model.consents import Decision, Pair
from services.registration.model.meetings import Meeting
from services.registration.model.members import Member
from services.registration.model.seats import Count, Seat, Seating, Taking
from shared.contracts.base import Channel, ContactPointId, Event, GuestId, MeetingId, MemberId, Mode, Sealed, SeatId
from shared.contracts.registration import AgreementText, RoleInAttending


class AgreementTexts(Protocol):
    """The versions of the confidentiality agreement."""

    @property
    def current(self) -> int:
        """The version in force."""
        ...

    def text(self, locale: str) -> AgreementText:
        """The version in force, in this language or in English."""
        ...


class Meetings(Protocol):
    """What is known of meetings."""

    def find(self, meeting_id: MeetingId) -> Meeting | None:
        """The meeting as it is known, to look at."""
        ...

    def many(self, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, Meeting]:
        """Those of these meetings that are known."""
        ...

    def lock(self, meeting_id: MeetingId) -> Meeting | None:
        """The meeting, its seats and counters kept from everybody else until this transaction ends."""
        ...

    def learn(self, meeting: Meeting) -> Meeting:
        """Make a meeting known that was not: it comes back locked, bare, and older than any fact of it.

        Where another process was faster: what that one made known.
        """
        ...

    def update(self, meeting: Meeting) -> None:
        """Keep newer facts. The modes follow with the seats (Seating.rearrange); the sheet's state stays."""
        ...

    def close_sheet(self, meeting_id: MeetingId, at: datetime) -> None:
        """The sheet is done. The first time stands."""
        ...

    def counts(self, meeting_ids: Iterable[MeetingId]) -> dict[MeetingId, dict[Mode, Count]]:
        """Counters by meeting and mode; every mode is there."""
        ...


class Seats(Protocol):
    """Seats beyond one meeting."""

    def at(self, meeting_id: MeetingId) -> Seating:
        """The seats of a meeting. Lock the meeting before changing them."""
        ...

    def find(self, meeting_id: MeetingId, seat_id: SeatId) -> Seat | None:
        """A seat of this meeting, released or not."""
        ...

    def coming(self, member_id: MemberId, now: datetime) -> Sequence[Seat]:
        """The held seats of a member at meetings that have not ended, by start."""
        ...

    def place_in_line(self, seat: Seat) -> int | None:
        """From 1; None unless waitlisted."""
        ...


class Desk(Protocol):
    """Where seats are taken. What is decided here is written, all at once, before anything else is."""

    def lock(self, meeting_id: MeetingId) -> Meeting | None:
        """The meeting, its seats and counters kept from everybody else until this transaction ends."""
        ...

    def at(self, meeting_id: MeetingId) -> Taking:
        """The seats of a meeting that is locked."""
        ...

    def place_in_line(self, seat: Seat) -> int | None:
        """Of a seat that was taken here; None where it is no place in line, or not from here."""
        ...


class Members(Protocol):
    """Members by alias, what they accepted and what they consented to."""

    def find(self, member_id: MemberId) -> Member | None:
        """Without the alias."""
        ...

    def lock(self, member_id: MemberId) -> Member | None:
        """The member, their ledger kept from everybody else until this transaction ends."""
        ...

    def add(self, member: Member, *, alias: str, role: RoleInAttending, at: datetime) -> bool:
        """A new member, alias and role sealed; False where there is one already."""
        ...

    def leave(self, member_id: MemberId, at: datetime) -> bool:
        """Erase alias, role, key and contacts; only that this id left stays. False where it had left before.

        Who never joined is known from now on as somebody who left.
        """
        ...

    def alias(self, member_id: MemberId) -> str:
        """The alias, opened; empty where its key was destroyed."""
        ...

    def role(self, member_id: MemberId) -> RoleInAttending | None:
        """As whom they attend, opened; None where its key was destroyed."""
        ...

    def accept(self, member_id: MemberId, version: int, *, locale: str, at: datetime) -> None:
        """A version of the agreement was accepted; once for each version."""
        ...

    def standing(self, member_id: MemberId) -> Mapping[Pair, Decision]:
        """The newest decision for each purpose and channel."""
        ...

    def append(self, member_id: MemberId, decisions: Iterable[Decision], at: datetime) -> None:
        """Write lines to the ledger, which knows no change and no removal."""
        ...

    def reached_by(self, member_id: MemberId, contact: ContactPointId, channel: Channel, at: datetime) -> None:
        """The member proved that a contact point is theirs. Only its id is known here."""
        ...


class Sheet(Protocol):
    """Attendance: marks of seats, and guests."""

    def mark_of(self, seat_id: SeatId) -> Mark | None:
        """The mark of one seat."""
        ...

    def marks(self, meeting_id: MeetingId) -> dict[SeatId, Mark]:
        """All marks of a meeting."""
        ...

    def put(self, marks: Iterable[Mark]) -> None:
        """Keep these marks as they are now."""
        ...

    def has_attended(self, members: Iterable[MemberId], meeting: Meeting) -> set[MemberId]:
        """Who of these has attended another meeting of the same group."""
        ...

    def add_guest(self, guest: Guest, alias: str | None) -> None:
        """A walk-in; the alias is sealed under a key of the guest's own."""
        ...

    def next_guest_number(self, meeting_id: MeetingId) -> int:
        """From 1, never given twice at one meeting."""
        ...

    def next_count(self, meeting_id: MeetingId) -> int:
        """From 1: which count of this meeting's attendance is told next."""
        ...

    def guest(self, meeting_id: MeetingId, guest_id: GuestId) -> Guest | None:
        """A guest of this meeting."""
        ...

    def put_guest(self, guest: Guest) -> None:
        """Keep the guest's outcome and mode."""
        ...

    def guests(self, meeting_id: MeetingId) -> Sequence[Guest]:
        """By number."""
        ...

    def guest_alias(self, guest: Guest) -> str:
        """The alias, opened; "Guest 3" where none was given."""
        ...

    def attended(self, meeting_id: MeetingId) -> tuple[dict[Mode, int], dict[Mode, int]]:
        """How many members, and how many guests, attended, by mode. Guests who are gone still count."""
        ...

    def forget_guests(self, ended_before: datetime) -> int:
        """Remove the guests of meetings that ended before this, alias, key and all; only their number stays."""
        ...


class RegistrationWork(Protocol):
    """One transaction of registration."""

    @property
    def now(self) -> datetime:
        """Domain time, UTC."""
        ...

    @property
    def agreements(self) -> AgreementTexts:
        """The confidentiality agreement."""
        ...

    @property
    def meetings(self) -> Meetings:
        """What is known of meetings."""
        ...

    @property
    def seats(self) -> Seats:
        """Seats."""
        ...

    @property
    def desk(self) -> Desk:
        """Where seats are taken."""
        ...

    @property
    def members(self) -> Members:
        """Members."""
        ...

    @property
    def sheet(self) -> Sheet:
        """Attendance."""
        ...

    def foresee(
        self,
        meeting_ids: Collection[MeetingId],
        pairs: Collection[tuple[MeetingId, MemberId]],
        member_ids: Collection[MemberId],
    ) -> None:
        """Lock these meetings, then these members, each in their order; read at once what it takes to take these seats."""
        ...

    def new_id(self) -> str:
        """A time-ordered id."""
        ...

    def publish(self, event: Event) -> None:
        """Say that something happened."""
        ...

    def open_sealed(self, sealed: Sealed) -> str | None:
        """What a gateway sealed to this service; None where it cannot be opened."""
        ...
