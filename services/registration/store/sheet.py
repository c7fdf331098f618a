"""The attendance sheet: marks of seats, and guests for one evening."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, delete, func, insert, select, update

from services.registration.model.attendance import Guest, Mark
from services.registration.model.meetings import Meeting
from services.registration.store.tables import guests, marks, meetings, modes
from shared.contracts.base import GuestId, MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import Outcome
from shared.storage.engine import upsert
from shared.storage.sealing import Forgotten, Vault

FORGOTTEN_AT_ONCE = 100
"""Guests that one run of the timer forgets at most, so that the transaction stays short."""


class SheetTable:
    """The repository of marks and guests."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def mark_of(self, seat_id: SeatId) -> Mark | None:
        """The mark of one seat."""
        row = self._connection.execute(select(marks).where(marks.c.seat_id == seat_id)).first()
        return _mark(row) if row else None

    def marks(self, meeting_id: MeetingId) -> dict[SeatId, Mark]:
        """All marks of a meeting, by seat."""
        statement = select(marks).where(marks.c.meeting_id == meeting_id).order_by(marks.c.seat_id)
        return {SeatId(row.seat_id): _mark(row) for row in self._connection.execute(statement)}

    def put(self, changed: Iterable[Mark]) -> None:
        """Keep these marks as they are now."""
        rows = [
            {
                "seat_id": mark.seat_id,
                "meeting_id": mark.meeting_id,
                "member_id": mark.member_id,
                "outcome": mark.outcome,
                "mode": mark.mode,
                "told_outcome": mark.told_outcome,
                "told_mode": mark.told_mode,
                "change": mark.change,
            }
            for mark in changed
        ]
        if not rows:
            return
        statement = upsert(self._connection, marks)
        fresh = ("outcome", "mode", "told_outcome", "told_mode", "change")
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[marks.c.seat_id], set_={name: statement.excluded[name] for name in fresh}
            ),
            rows,
        )

    def has_attended(self, members: Iterable[MemberId], meeting: Meeting) -> set[MemberId]:
        """Who of these has attended another meeting of the same group."""
        statement = (
            select(marks.c.member_id)
            .distinct()
            .join(meetings, meetings.c.meeting_id == marks.c.meeting_id)
            .where(
                meetings.c.group_id == meeting.group_id,
                marks.c.meeting_id != meeting.meeting_id,
                marks.c.outcome == Outcome.ATTENDED,
                marks.c.member_id.in_(list(members)),
            )
        )
        return {MemberId(member_id) for member_id in self._connection.scalars(statement)}

    def add_guest(self, guest: Guest, alias: str | None) -> None:
        """A walk-in; the alias is sealed under a key of the guest's own."""
        sealed = None if alias is None else self._vault.seal(guest.guest_id, _place(guest.guest_id), alias)
        self._connection.execute(
            insert(guests).values(
                guest_id=guest.guest_id,
                meeting_id=guest.meeting_id,
                number=guest.number,
                alias=sealed,
                mode=guest.mode,
                outcome=guest.outcome,
            )
        )

    def next_guest_number(self, meeting_id: MeetingId) -> int:
        """From 1, never given twice at one meeting."""
        return self._next(meetings.c.guests, meeting_id)

    def next_count(self, meeting_id: MeetingId) -> int:
        """From 1: which count of this meeting's attendance is told next."""
        return self._next(meetings.c.counted, meeting_id)

    def guest(self, meeting_id: MeetingId, guest_id: GuestId) -> Guest | None:
        """A guest of this meeting."""
        statement = select(guests).where(guests.c.guest_id == guest_id, guests.c.meeting_id == meeting_id)
        row = self._connection.execute(statement).first()
        return _guest(row) if row else None

    def put_guest(self, guest: Guest) -> None:
        """Keep the guest's outcome and mode."""
        self._connection.execute(
            update(guests).where(guests.c.guest_id == guest.guest_id).values(outcome=guest.outcome, mode=guest.mode)
        )

    def guests(self, meeting_id: MeetingId) -> Sequence[Guest]:
        """By number."""
        statement = select(guests).where(guests.c.meeting_id == meeting_id).order_by(guests.c.number)
        return [_guest(row) for row in self._connection.execute(statement)]

    def guest_alias(self, guest: Guest) -> str:
        """The alias, opened; "Guest 3" where none was given."""
        sealed = self._connection.scalar(select(guests.c.alias).where(guests.c.guest_id == guest.guest_id))
        try:
            opened = self._vault.open(guest.guest_id, _place(guest.guest_id), sealed) if sealed else ""
        except Forgotten:
            opened = ""
        return opened or f"Guest {guest.number}"

    def attended(self, meeting_id: MeetingId) -> tuple[dict[Mode, int], dict[Mode, int]]:
        """How many members, and how many guests, attended, by mode. Guests who are gone still count."""
        came = select(marks.c.mode, func.count()).where(
            marks.c.meeting_id == meeting_id, marks.c.outcome == Outcome.ATTENDED
        )
        here = select(guests.c.mode, func.count()).where(
            guests.c.meeting_id == meeting_id, guests.c.outcome == Outcome.ATTENDED
        )
        gone = select(modes.c.mode, modes.c.guests_gone).where(modes.c.meeting_id == meeting_id)
        members = {Mode(mode): count for mode, count in self._connection.execute(came.group_by(marks.c.mode))}
        visitors = {Mode(mode): count for mode, count in self._connection.execute(gone)}
        for mode, count in self._connection.execute(here.group_by(guests.c.mode)):
            visitors[Mode(mode)] = visitors.get(Mode(mode), 0) + count
        return members, visitors

    def forget_guests(self, ended_before: datetime) -> int:
        """Remove the guests of meetings that ended before this, alias, key and all; only their number stays."""
        statement = (
            select(guests)
            .join(meetings, meetings.c.meeting_id == guests.c.meeting_id)
            .where(meetings.c.ends_at < ended_before)
            .order_by(guests.c.meeting_id, guests.c.guest_id)
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update()  # the sheet's lock: no mark comes between counting and forgetting
        )
        leaving = [_guest(row) for row in self._connection.execute(statement)]
        for guest in leaving:
            if guest.outcome is Outcome.ATTENDED:
                self._connection.execute(
                    update(modes)
                    .where(modes.c.meeting_id == guest.meeting_id, modes.c.mode == guest.mode)
                    .values(guests_gone=modes.c.guests_gone + 1)
                )
            self._vault.forget(guest.guest_id)
        self._connection.execute(delete(guests).where(guests.c.guest_id.in_([guest.guest_id for guest in leaving])))
        return len(leaving)

    def _next(self, counter: Column[int], meeting_id: MeetingId) -> int:
        statement = (
            update(meetings)
            .where(meetings.c.meeting_id == meeting_id)
            .values({counter: counter + 1})
            .returning(counter)
        )
        return int(self._connection.execute(statement).scalar_one())


def _place(guest_id: GuestId) -> str:
    return f"guests.alias.{guest_id}"


def _mark(row: Row[Any]) -> Mark:
    return Mark(
        seat_id=SeatId(row.seat_id),
        meeting_id=MeetingId(row.meeting_id),
        member_id=MemberId(row.member_id),
        outcome=Outcome(row.outcome) if row.outcome else None,
        mode=Mode(row.mode),
        told_outcome=Outcome(row.told_outcome) if row.told_outcome else None,
        told_mode=Mode(row.told_mode) if row.told_mode else None,
        change=row.change,
    )


def _guest(row: Row[Any]) -> Guest:
    return Guest(
        guest_id=GuestId(row.guest_id),
        meeting_id=MeetingId(row.meeting_id),
        number=row.number,
        mode=Mode(row.mode),
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
