"""Meetings, chapters, changes and seats, as they were told of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, exists, select

from services.notifications.model.records import Meeting, Seat
from services.notifications.store.tables import chapters, meeting_changes, meetings, notices, seats
from shared.contracts.base import ChapterId, MeetingId, MemberId, Mode
from shared.contracts.meetings import ChapterOpened, MeetingStatus, Place
from shared.contracts.notifications import NoticeKind
from shared.contracts.registration import SeatReason, SeatState
from shared.storage.engine import upsert

_THESE: BindParameter[str] = bindparam("these", expanding=True)
_MEETINGS = select(meetings).where(meetings.c.meeting_id.in_(_THESE))
_CHANGES = select(meeting_changes).where(meeting_changes.c.meeting_id.in_(_THESE))
_CHAPTERS = select(chapters).where(chapters.c.chapter_id.in_(_THESE))
_SEATS = (
    select(seats)
    .where(seats.c.meeting_id.in_(_THESE), seats.c.member_id.in_(bindparam("members", expanding=True)))
    .order_by(seats.c.seat_id, seats.c.change)
)


class Calendar:
    """See services.notifications.work.Calendar."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._chapters: dict[str, tuple[str, str] | None] = {}
        self._meetings: dict[str, Meeting | None] = {}
        self._changes: dict[str, list[tuple[int, str]]] = {}
        self._seats: dict[tuple[str, str], list[Seat]] = {}

    def foresee(self, pairs: Collection[tuple[str, str]]) -> None:
        """Read these meetings, and these members' seats at them, at once; from now on they are answered for from memory."""
        known = {meeting_id for meeting_id, _ in pairs}
        self._meetings = dict.fromkeys(known)
        self._changes = {meeting_id: [] for meeting_id in known}
        self._seats = {pair: [] for pair in pairs}
        for row in self._connection.execute(_MEETINGS, {"these": list(known)}):
            self._meetings[row.meeting_id] = meeting_of(row)
        for row in self._connection.execute(_CHANGES, {"these": list(known)}):
            self._changes[row.meeting_id].append((row.revision, row.what))
        members = list({member_id for _, member_id in pairs})
        for row in self._connection.execute(_SEATS, {"these": list(known), "members": members}):
            if (row.meeting_id, row.member_id) in self._seats:
                self._seats[row.meeting_id, row.member_id].append(_seat(row))
        self._chapters = dict.fromkeys(found.chapter_id for found in self._meetings.values() if found)
        for row in self._connection.execute(_CHAPTERS, {"these": list(self._chapters)}):
            self._chapters[row.chapter_id] = (row.name, row.time_zone)

    def open_chapter(self, event: ChapterOpened) -> None:
        """Keep a chapter's name and zone."""
        told = {"name": event.name, "time_zone": event.time_zone}
        statement = upsert(self._connection, chapters).values(chapter_id=event.chapter_id, **told)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[chapters.c.chapter_id], set_=told))

    def chapter(self, chapter_id: ChapterId) -> tuple[str, str] | None:
        """A chapter's name and IANA zone."""
        if chapter_id in self._chapters:
            return self._chapters[chapter_id]
        row = self._connection.execute(
            select(chapters.c.name, chapters.c.time_zone).where(chapters.c.chapter_id == chapter_id)
        ).one_or_none()
        return (row.name, row.time_zone) if row else None

    def keep(self, meeting: Meeting) -> bool:
        """Keep a meeting; False where a newer state of it is known."""
        row = self._connection.execute(
            select(meetings).where(meetings.c.meeting_id == meeting.meeting_id).with_for_update()
        ).one_or_none()
        if row is not None and meeting_of(row).newness >= meeting.newness:
            return False
        told = {
            "chapter_id": meeting.chapter_id,
            "region_id": meeting.region_id,
            "group_name": meeting.group_name,
            "revision": meeting.revision,
            "status": meeting.status.value,
            "starts_at": meeting.starts_at,
            "ends_at": meeting.ends_at,
            "time_zone": meeting.time_zone,
            "place": meeting.place.model_dump(mode="json") if meeting.place else None,
            "modes": ",".join(mode.value for mode in meeting.modes),
        }
        statement = upsert(self._connection, meetings).values(meeting_id=meeting.meeting_id, **told)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[meetings.c.meeting_id], set_=told))
        return True

    def meeting(self, meeting_id: MeetingId) -> Meeting | None:
        """A meeting's newest state."""
        if meeting_id in self._meetings:
            return self._meetings[meeting_id]
        row = self._connection.execute(select(meetings).where(meetings.c.meeting_id == meeting_id)).one_or_none()
        return meeting_of(row) if row else None

    def note_change(self, meeting_id: MeetingId, revision: int, what: str) -> bool:
        """Remember that a revision moved, moved_online, moved_back or cancelled the meeting; False where known."""
        statement = upsert(self._connection, meeting_changes).values(
            meeting_id=meeting_id, revision=revision, what=what
        )
        noted = self._connection.execute(statement.on_conflict_do_nothing().returning(meeting_changes.c.revision))
        return noted.first() is not None

    def changes(self, meeting_id: MeetingId) -> list[tuple[int, str]]:
        """Every change heard of: its revision, and what it did."""
        if meeting_id in self._changes:
            return list(self._changes[meeting_id])
        rows = self._connection.execute(
            select(meeting_changes.c.revision, meeting_changes.c.what).where(meeting_changes.c.meeting_id == meeting_id)
        )
        return [(row.revision, row.what) for row in rows]

    def keep_seat(self, seat: Seat) -> bool:
        """Keep one state of a seat; False where it is known."""
        statement = upsert(self._connection, seats).values(
            seat_id=seat.seat_id,
            change=seat.change,
            meeting_id=seat.meeting_id,
            chapter_id=seat.chapter_id,
            member_id=seat.member_id,
            mode=seat.mode.value,
            state=seat.state.value,
            reason=seat.reason.value,
            meeting_revision=seat.meeting_revision,
            heard_at=seat.heard_at,
        )
        return (
            self._connection.execute(statement.on_conflict_do_nothing().returning(seats.c.change)).first() is not None
        )

    def seats(self, meeting_id: MeetingId, member_id: MemberId | None = None) -> list[Seat]:
        """All states of all seats at a meeting, or of one member's."""
        if member_id is not None and (meeting_id, member_id) in self._seats:
            return list(self._seats[meeting_id, member_id])
        statement = select(seats).where(seats.c.meeting_id == meeting_id).order_by(seats.c.seat_id, seats.c.change)
        if member_id is not None:
            statement = statement.where(seats.c.member_id == member_id)
        return [_seat(row) for row in self._connection.execute(statement)]

    def to_remind(self, after: datetime, before: datetime) -> list[tuple[Meeting, list[Seat]]]:
        """Seats, each with all its states, of those not reminded yet of scheduled meetings within (after, before]."""
        coming = {
            row.meeting_id: meeting_of(row)
            for row in self._connection.execute(
                select(meetings).where(
                    meetings.c.status == MeetingStatus.SCHEDULED.value,
                    meetings.c.starts_at > after,
                    meetings.c.starts_at <= before,
                )
            )
        }
        reminded = exists().where(
            notices.c.kind == NoticeKind.REMINDER.value,
            notices.c.meeting_id == seats.c.meeting_id,
            notices.c.member_id == seats.c.member_id,
            notices.c.expires_at == meetings.c.starts_at,
        )
        rows = self._connection.execute(
            select(seats)
            .join(meetings, meetings.c.meeting_id == seats.c.meeting_id)
            .where(seats.c.meeting_id.in_(coming), ~reminded)
            .order_by(seats.c.seat_id, seats.c.change)
        )
        grouped = groupby((_seat(row) for row in rows), key=lambda seat: seat.seat_id)
        found = [list(states) for _, states in grouped]
        return [(coming[states[0].meeting_id], states) for states in found]

    def zone_of(self, member_id: MemberId) -> str | None:
        """The zone of the chapter where this member's newest seat is."""
        statement = (
            select(meetings.c.time_zone)
            .join(seats, seats.c.meeting_id == meetings.c.meeting_id)
            .where(seats.c.member_id == member_id)
            .order_by(seats.c.heard_at.desc())
            .limit(1)
        )
        return self._connection.scalar(statement)


def meeting_of(row: Row[Any]) -> Meeting:
    """A row of meetings as a record."""
    return Meeting(
        meeting_id=row.meeting_id,
        chapter_id=row.chapter_id,
        region_id=row.region_id,
        group_name=row.group_name,
        revision=row.revision,
        status=MeetingStatus(row.status),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        time_zone=row.time_zone,
        place=Place.model_validate(row.place) if row.place else None,
        modes=tuple(Mode(mode) for mode in row.modes.split(",") if mode),
    )


def _seat(row: Row[Any]) -> Seat:
    return Seat(
        seat_id=row.seat_id,
        change=row.change,
        meeting_id=row.meeting_id,
        chapter_id=row.chapter_id,
        member_id=row.member_id,
        mode=Mode(row.mode),
        state=SeatState(row.state),
        reason=SeatReason(row.reason),
        meeting_revision=row.meeting_revision,
        heard_at=row.heard_at,
    )
