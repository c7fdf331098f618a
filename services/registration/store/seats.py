"""Seats, and the counters that make taking one cost the same at a full meeting as at an empty one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from services.registration.model.seats import Count, Seat
from services.registration.store.tables import meetings, modes, seats
from shared.contracts.base import MeetingId, MemberId, Mode, SeatId
from shared.contracts.meetings import MeetingStatus
from shared.contracts.registration import SeatReason, SeatState

HELD = (SeatState.CONFIRMED, SeatState.WAITLISTED)
COUNTERS = {SeatState.CONFIRMED: modes.c.confirmed, SeatState.WAITLISTED: modes.c.waiting}
NEW = insert(seats)
CHANGED = (
    update(seats)
    .where(seats.c.seat_id == bindparam("key"))
    .values({column.name: bindparam(column.name) for column in seats.columns})
)


class SeatTable:
    """The repository of seats."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def at(self, meeting_id: MeetingId) -> SeatingTable:
        """The seats of a meeting. Lock the meeting before changing them."""
        return SeatingTable(self._connection, meeting_id)

    def find(self, meeting_id: MeetingId, seat_id: SeatId) -> Seat | None:
        """A seat of this meeting, released or not."""
        statement = select(seats).where(seats.c.seat_id == seat_id, seats.c.meeting_id == meeting_id)
        row = self._connection.execute(statement).first()
        return seat_in(row) if row else None

    def coming(self, member_id: MemberId, now: datetime) -> Sequence[Seat]:
        """The held seats of a member at meetings that have not ended, by start."""
        statement = (
            select(seats)
            .join(meetings, meetings.c.meeting_id == seats.c.meeting_id)
            .where(
                seats.c.member_id == member_id,
                seats.c.state.in_(HELD),
                meetings.c.status == MeetingStatus.SCHEDULED,
                meetings.c.ends_at > now,
            )
            .order_by(meetings.c.starts_at, seats.c.seat_id)
        )
        return [seat_in(row) for row in self._connection.execute(statement)]

    def place_in_line(self, seat: Seat) -> int | None:
        """From 1; None unless waitlisted."""
        if seat.state is not SeatState.WAITLISTED:
            return None
        before = select(func.count()).where(
            seats.c.meeting_id == seat.meeting_id,
            seats.c.mode == seat.mode,
            seats.c.state == SeatState.WAITLISTED,
            seats.c.claim < seat.claim,
        )
        return 1 + (self._connection.scalar(before) or 0)


class SeatingTable:
    """The seats of one meeting. Whoever changes them holds the lock on the meeting's row."""

    def __init__(self, connection: Connection, meeting_id: MeetingId) -> None:
        self._connection = connection
        self._meeting_id = meeting_id

    def of(self, member_id: MemberId) -> Seat | None:
        """This member's seat, released or not."""
        statement = select(seats).where(seats.c.meeting_id == self._meeting_id, seats.c.member_id == member_id)
        row = self._connection.execute(statement).first()
        return seat_in(row) if row else None

    def count(self, mode: Mode) -> Count:
        """The mode's counters."""
        statement = select(modes.c.capacity, modes.c.confirmed, modes.c.waiting).where(self._counter(mode))
        row = self._connection.execute(statement).one()
        return Count(row.capacity, row.confirmed, row.waiting)

    def first_in_line(self, mode: Mode) -> Seat | None:
        """Who has waited longest for this mode."""
        statement = (
            select(seats)
            .where(
                seats.c.meeting_id == self._meeting_id,
                seats.c.mode == mode,
                seats.c.state == SeatState.WAITLISTED,
            )
            .order_by(seats.c.claim)
            .limit(1)
        )
        row = self._connection.execute(statement).first()
        return seat_in(row) if row else None

    def next_claim(self) -> int:
        """A number above every claim given out at this meeting."""
        statement = (
            update(meetings)
            .where(meetings.c.meeting_id == self._meeting_id)
            .values(claims=meetings.c.claims + 1)
            .returning(meetings.c.claims)
        )
        return int(self._connection.execute(statement).scalar_one())

    def held(self) -> Sequence[Seat]:
        """Every seat that is a place or a place in line, by claim."""
        statement = (
            select(seats).where(seats.c.meeting_id == self._meeting_id, seats.c.state.in_(HELD)).order_by(seats.c.claim)
        )
        return [seat_in(row) for row in self._connection.execute(statement)]

    def put(self, seat: Seat, was: Seat | None) -> None:
        """Keep this seat, which was that before; the counters follow."""
        if was is None:
            self._connection.execute(NEW, columns_of(seat))
        else:
            self._connection.execute(CHANGED, {"key": seat.seat_id, **columns_of(seat)})
            self._step(was.mode, was.state, -1)
        self._step(seat.mode, seat.state, 1)

    def rearrange(self, offers: Mapping[Mode, int], changed: Iterable[Seat]) -> None:
        """Offer these modes from now on, and keep these seats; the counters are counted anew."""
        rows = [{"key": seat.seat_id, **columns_of(seat)} for seat in changed]
        if rows:
            self._connection.execute(CHANGED, rows)
        counted = (
            select(seats.c.mode, seats.c.state, func.count())
            .where(seats.c.meeting_id == self._meeting_id, seats.c.state.in_(HELD))
            .group_by(seats.c.mode, seats.c.state)
        )
        counts = {(mode, state): count for mode, state, count in self._connection.execute(counted)}
        for mode in Mode:
            self._connection.execute(
                update(modes)
                .where(self._counter(mode))
                .values(
                    capacity=offers.get(mode),
                    confirmed=counts.get((mode, SeatState.CONFIRMED), 0),
                    waiting=counts.get((mode, SeatState.WAITLISTED), 0),
                )
            )

    def _step(self, mode: Mode, state: SeatState, by: int) -> None:
        counter = COUNTERS.get(state)
        if counter is not None:
            self._connection.execute(update(modes).where(self._counter(mode)).values({counter: counter + by}))

    def _counter(self, mode: Mode) -> Any:
        return (modes.c.meeting_id == self._meeting_id) & (modes.c.mode == mode)


def columns_of(seat: Seat) -> dict[str, object]:
    """A seat as a row of its table."""
    return {
        "seat_id": seat.seat_id,
        "meeting_id": seat.meeting_id,
        "member_id": seat.member_id,
        "mode": seat.mode,
        "state": seat.state,
        "reason": seat.reason,
        "claim": seat.claim,
        "change": seat.change,
        "had_mode": seat.had_mode,
        "had_confirmed": seat.had_confirmed,
    }


def seat_in(row: Row[Any]) -> Seat:
    """The seat in such a row."""
    return Seat(
        seat_id=SeatId(row.seat_id),
        meeting_id=MeetingId(row.meeting_id),
        member_id=MemberId(row.member_id),
        mode=Mode(row.mode),
        state=SeatState(row.state),
        reason=SeatReason(row.reason),
        claim=row.claim,
        change=row.change,
        had_mode=Mode(row.had_mode) if row.had_mode else None,
        had_confirmed=row.had_confirmed,
    )
