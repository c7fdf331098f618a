"""What coordinators and visitors may see of seats: people for the chapter's coordinator, a yes or no for anyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.registration.handlers import allow
from services.registration.model.attendance import Mark
from services.registration.model.meetings import Meeting, can_be_joined
from services.registration.model.seats import Count, Seat
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, MeetingId, MemberId, Mode, SeatId
from shared.contracts.registration import (
    CountSeats,
    GuestRow,
    ListMeetingSeats,
    MeetingFigures,
    MeetingOpening,
    MeetingSeats,
    ModeCount,
    ModeOpening,
    Openings,
    OpeningsView,
    SeatFigures,
    SeatRow,
    SeatState,
)


def openings(query: Openings, actor: Actor, work: RegistrationWork) -> OpeningsView:
    """Where there is a place. A yes or no for each mode, never a number: few enough people could be found out."""
    known = work.meetings.many(query.meeting_ids)
    counts = work.meetings.counts(known)
    return OpeningsView(
        meetings=tuple(
            MeetingOpening(
                meeting_id=meeting.meeting_id,
                modes=tuple(
                    ModeOpening(
                        mode=mode, free=can_be_joined(meeting, work.now) and counts[meeting.meeting_id][mode].free
                    )
                    for mode in Mode
                    if mode in meeting.offers
                ),
            )
            for meeting in _in_order(query.meeting_ids, known)
        )
    )


def count_seats(query: CountSeats, actor: Actor, work: RegistrationWork) -> MeetingFigures:
    """Figures for a coordinator's list; meetings of other chapters are left out."""
    allow.coordinator(actor)
    known = work.meetings.many(query.meeting_ids)
    own = {key: meeting for key, meeting in known.items() if meeting.chapter_id in actor.chapters}
    counts = work.meetings.counts(own)
    return MeetingFigures(
        meetings=tuple(
            SeatFigures(
                meeting_id=meeting.meeting_id,
                counts=_figures(meeting, counts[meeting.meeting_id]),
                attendance_closed=meeting.closed_at is not None,
            )
            for meeting in _in_order(query.meeting_ids, own)
        )
    )


def list_meeting_seats(query: ListMeetingSeats, actor: Actor, work: RegistrationWork) -> MeetingSeats:
    """Everybody's seat, the lines and the guests of one meeting."""
    allow.coordinator(actor)
    meeting = allow.oversees(actor, work.meetings.find(query.meeting_id))
    held = work.seats.at(meeting.meeting_id).held()
    return MeetingSeats(
        meeting_id=meeting.meeting_id,
        counts=_figures(meeting, work.meetings.counts([meeting.meeting_id])[meeting.meeting_id]),
        seats=_rows(held, meeting, work),
        guests=tuple(
            GuestRow(
                guest_id=guest.guest_id, alias=work.sheet.guest_alias(guest), mode=guest.mode, outcome=guest.outcome
            )
            for guest in work.sheet.guests(meeting.meeting_id)
        ),
        attendance_closed=meeting.closed_at is not None,
    )


def _in_order(keys: Sequence[MeetingId], known: Mapping[MeetingId, Meeting]) -> list[Meeting]:
    return [known[key] for key in dict.fromkeys(keys) if key in known]


def _figures(meeting: Meeting, counts: Mapping[Mode, Count]) -> tuple[ModeCount, ...]:
    """Modes on offer, and any other in which someone still waits."""
    return tuple(
        ModeCount(mode=mode, capacity=count.capacity or 0, confirmed=count.confirmed, waiting=count.waiting)
        for mode, count in counts.items()
        if mode in meeting.offers or count.confirmed or count.waiting
    )


def _rows(held: Sequence[Seat], meeting: Meeting, work: RegistrationWork) -> tuple[SeatRow, ...]:
    """Confirmed by alias, then the lines in their order."""
    marks = work.sheet.marks(meeting.meeting_id)
    known = work.sheet.has_attended([seat.member_id for seat in held], meeting)
    places = _places(held)
    rows = [_row(seat, marks.get(seat.seat_id), places.get(seat.seat_id), known, work) for seat in held]
    modes = list(Mode)
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                (0, 0, 0, row.alias.casefold(), row.seat_id)
                if row.place_in_line is None
                else (1, modes.index(row.mode), row.place_in_line, "", "")
            ),
        )
    )


def _places(held: Sequence[Seat]) -> dict[SeatId, int]:
    """Places in line, from 1 in each mode."""
    waiting = sorted((seat for seat in held if seat.state is SeatState.WAITLISTED), key=lambda seat: seat.claim)
    lines: dict[Mode, list[Seat]] = {}
    for seat in waiting:
        lines.setdefault(seat.mode, []).append(seat)
    return {seat.seat_id: place for line in lines.values() for place, seat in enumerate(line, start=1)}


def _row(seat: Seat, mark: Mark | None, place: int | None, known: set[MemberId], work: RegistrationWork) -> SeatRow:
    attended_in = mark.mode if mark is not None and mark.outcome is not None else None
    return SeatRow(
        seat_id=seat.seat_id,
        member_id=seat.member_id,
        alias=work.members.alias(seat.member_id),
        mode=seat.mode,
        state=seat.state,
        place_in_line=place,
        first_time=seat.member_id not in known,
        outcome=mark.outcome if mark else None,
        attended_mode=attended_in,
    )
