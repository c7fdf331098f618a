"""The desk where seats are taken, many in one transaction: read at once, decided in memory, written at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Connection, TextClause, select, text, tuple_

from services.registration.model.meetings import Meeting
from services.registration.model.seats import Count, Seat
from services.registration.store.meetings import MeetingTable
from services.registration.store.seats import CHANGED, NEW, columns_of, seat_in
from services.registration.store.tables import meetings, seats
from shared.contracts.base import MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import SeatState

Pair = tuple[MeetingId, MemberId]


def _of_rows(statement: str) -> dict[str, TextClause]:
    """One statement with one parameter for any number of rows, by dialect (see shared/messaging/inbox.py)."""
    rows = {"sqlite": "json_each(:rows)", "postgresql": "json_array_elements(CAST(:rows AS json)) AS row (value)"}
    return {name: text(statement.replace("ROWS", each)) for name, each in rows.items()}


PAIRS = _of_rows("SELECT value ->> 0, value ->> 1 FROM ROWS")
COUNT_ON = _of_rows(
    "UPDATE modes SET confirmed = confirmed + CAST(value ->> 2 AS integer), "
    "waiting = waiting + CAST(value ->> 3 AS integer) FROM ROWS "
    "WHERE meeting_id = value ->> 0 AND mode = value ->> 1"
)
CLAIM_ON = _of_rows(
    "UPDATE meetings SET claims = claims + CAST(value ->> 1 AS integer) FROM ROWS WHERE meeting_id = value ->> 0"
)


@dataclass
class _Kept:
    """Dictionaries of what never changes, so that a copy of them is cheap and whole."""

    def copy(self) -> Self:
        return type(self)(*(each.copy() for each in vars(self).values()))


@dataclass
class _Read(_Kept):
    """What the database holds of meetings that are locked, so that nobody else can change it."""

    meetings: dict[MeetingId, Meeting] = field(default_factory=dict)
    counts: dict[MeetingId, dict[Mode, Count]] = field(default_factory=dict)
    claims: dict[MeetingId, int] = field(default_factory=dict)
    seats: dict[Pair, Seat | None] = field(default_factory=dict)


@dataclass
class _Waiting(_Kept):
    """What was decided and is not written yet."""

    new: dict[Pair, Seat] = field(default_factory=dict)
    changed: dict[Pair, Seat] = field(default_factory=dict)
    steps: Counter[tuple[MeetingId, Mode, SeatState]] = field(default_factory=Counter)
    claims: Counter[MeetingId] = field(default_factory=Counter)
    places: dict[SeatId, int] = field(default_factory=dict)


class Desk:
    """Keeps what it read of a locked meeting, and what was decided, until :meth:`write_out`."""

    def __init__(self, connection: Connection, meeting_table: MeetingTable) -> None:
        self._connection = connection
        self._table = meeting_table
        self._read = _Read()
        self._waiting = _Waiting()

    def foresee(self, meeting_ids: Collection[MeetingId], pairs: Collection[Pair]) -> None:
        """Lock these meetings, in their order, and read them and these members' seats: a statement for each kind."""
        found = self._table.lock_many(meeting_ids)
        if found:
            self._read.meetings |= found
            self._read.counts |= self._table.counts(found)
            claims = select(meetings.c.meeting_id, meetings.c.claims).where(meetings.c.meeting_id.in_(list(found)))
            self._read.claims |= {MeetingId(key): claimed for key, claimed in self._connection.execute(claims)}
        if pairs:
            these = PAIRS[self._connection.dialect.name].bindparams(rows=json.dumps(list(pairs)))
            statement = select(seats).where(tuple_(seats.c.meeting_id, seats.c.member_id).in_(these))
            held = [seat_in(row) for row in self._connection.execute(statement)]
            self._read.seats |= dict.fromkeys(pairs) | {(seat.meeting_id, seat.member_id): seat for seat in held}

    def lock(self, meeting_id: MeetingId) -> Meeting | None:
        """The meeting, its seats and counters kept from everybody else until this transaction ends."""
        if meeting_id not in self._read.meetings:
            self.foresee([meeting_id], [])
        return self._read.meetings.get(meeting_id)

    def at(self, meeting_id: MeetingId) -> DeskSeating:
        """The seats of a meeting that is locked."""
        return DeskSeating(self, meeting_id)

    def place_in_line(self, seat: Seat) -> int | None:
        """Of a seat that was taken here; None where it is no place in line, or not from here."""
        return self._waiting.places.get(seat.seat_id)

    def seat_of(self, pair: Pair) -> Seat | None:
        """This member's seat at this meeting, released or not."""
        waiting = self._waiting.new.get(pair) or self._waiting.changed.get(pair)
        if waiting is None and pair not in self._read.seats:
            self.foresee([], [pair])
        return waiting or self._read.seats[pair]

    def count(self, meeting_id: MeetingId, mode: Mode) -> Count:
        """The mode's counters, with what waits to be written."""
        read, steps = self._read.counts[meeting_id][mode], self._waiting.steps
        return Count(
            read.capacity,
            read.confirmed + steps[meeting_id, mode, SeatState.CONFIRMED],
            read.waiting + steps[meeting_id, mode, SeatState.WAITLISTED],
        )

    def next_claim(self, meeting_id: MeetingId) -> int:
        """A number above every claim given out at this meeting."""
        self._waiting.claims[meeting_id] += 1
        return self._read.claims[meeting_id] + self._waiting.claims[meeting_id]

    def put(self, seat: Seat, was: Seat | None) -> None:
        """Keep this seat with the newest claim, which was that before (None: new); the counters follow."""
        waiting, pair = self._waiting, (seat.meeting_id, seat.member_id)
        (waiting.new if was is None or pair in waiting.new else waiting.changed)[pair] = seat
        if was is not None:
            waiting.steps[was.meeting_id, was.mode, was.state] -= 1
        waiting.steps[seat.meeting_id, seat.mode, seat.state] += 1
        if seat.state is SeatState.WAITLISTED:  # whoever claimed last is the last in line
            waiting.places[seat.seat_id] = self.count(seat.meeting_id, seat.mode).waiting

    def remember(self) -> Callable[[], None]:
        """What brings back the desk as it is now."""
        read, waiting = self._read.copy(), self._waiting.copy()

        def bring_back() -> None:
            self._read, self._waiting = read, waiting

        return bring_back

    def write_out(self) -> None:
        """Write what was decided, and keep nothing any more: whoever comes next may change it past the desk."""
        waiting, self._waiting, self._read = self._waiting, _Waiting(), _Read()
        if waiting.new:
            self._connection.execute(NEW, [columns_of(seat) for seat in waiting.new.values()])
        if waiting.changed:
            rows = [{"key": seat.seat_id, **columns_of(seat)} for seat in waiting.changed.values()]
            self._connection.execute(CHANGED, rows)
        counted = {(meeting_id, mode) for meeting_id, mode, _ in waiting.steps}
        self._change(
            COUNT_ON,
            [
                (*key, waiting.steps[*key, SeatState.CONFIRMED], waiting.steps[*key, SeatState.WAITLISTED])
                for key in counted
            ],
        )
        self._change(CLAIM_ON, waiting.claims.items())

    def _change(self, statement: dict[str, TextClause], rows: Iterable[tuple[object, ...]]) -> None:
        listed = list(rows)
        if listed:
            self._connection.execute(statement[self._connection.dialect.name], {"rows": json.dumps(listed)})


class DeskSeating:
    """The seats of one locked meeting, as the desk keeps them: what the rules need to take one."""

    def __init__(self, desk: Desk, meeting_id: MeetingId) -> None:
        self._desk = desk
        self._meeting_id = meeting_id

    def of(self, member_id: MemberId) -> Seat | None:
        """This member's seat, released or not."""
        return self._desk.seat_of((self._meeting_id, member_id))

    def count(self, mode: Mode) -> Count:
        """The mode's counters."""
        return self._desk.count(self._meeting_id, mode)

    def next_claim(self) -> int:
        """A number above every claim given out at this meeting."""
        return self._desk.next_claim(self._meeting_id)

    def put(self, seat: Seat, was: Seat | None) -> None:
        """Keep this seat, which was that before (None: new)."""
        self._desk.put(seat, was)
