"""Notices and every attempt to deliver them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from services.notifications.model.records import (
    Notice,
    NoticesStanding,
    Try,
)
from shared.contracts.base import (
    Channel,
    MeetingId,
    MemberId,
    NoticeId,
)
from shared.contracts.notifications import NoticeState


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

    def unsent(self, member_id: MemberId) -> list[Notice]:
        """Those of a member that wait or are held, locked for this transaction."""
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
