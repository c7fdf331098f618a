"""Taking, switching and giving up a seat. The meeting is locked first, so that no place goes to two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.registration.handlers import allow
from services.registration.handlers.telling import tell_seats, view_of
from services.registration.model import seats as rules
from services.registration.model.meetings import Meeting, joinable, offered
from services.registration.model.members import Member
from services.registration.model.seats import Seat
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, Done, MeetingId, MemberId, Request, SeatId
from shared.contracts.errors import AlreadyDone, NotFound, TooLate
from shared.contracts.meetings import MeetingStatus
from shared.contracts.registration import (
    AcceptAgreement,
    AddWalkIn,
    AgreementNeeded,
    CloseAttendance,
    DecideConsents,
    GiveUpSeat,
    Leave,
    ListMySeats,
    MarkAttendance,
    MySeats,
    Outcome,
    SeatView,
    SwitchMode,
    TakeSeat,
)

LOCKING = (TakeSeat, SwitchMode, GiveUpSeat, MarkAttendance, AddWalkIn, CloseAttendance)
"""The commands that lock the meeting they name."""
HOLDING = (TakeSeat, AcceptAgreement, DecideConsents, Leave)
"""The commands during which their member can neither change nor leave."""


def foresee(asked: Sequence[tuple[Request[Any], Actor]], work: RegistrationWork) -> None:
    """Lock the meetings that a batch of commands names, then the members, each in one order; read what takers of seats need."""
    meetings = {command.meeting_id for command, _ in asked if isinstance(command, LOCKING)}
    for command, actor in asked:
        if isinstance(command, Leave) and actor.id:
            meetings |= {seat.meeting_id for seat in work.seats.coming(MemberId(actor.id), work.now)}
    taking = {
        (command.meeting_id, MemberId(actor.id))
        for command, actor in asked
        if isinstance(command, TakeSeat) and actor.id
    }
    held = {MemberId(actor.id) for command, actor in asked if isinstance(command, HOLDING) and actor.id}
    work.foresee(meetings, taking, held)


def take_seat(command: TakeSeat, actor: Actor, work: RegistrationWork) -> SeatView:
    """A place, or the last place in line. One seat a member and meeting: having one already answers it."""
    member = allow.member(actor, work)
    meeting = work.desk.lock(command.meeting_id)
    seating = work.desk.at(command.meeting_id)
    seat = seating.of(member.member_id)
    if seat is not None and seat.held:
        return view_of(seat, work)
    meeting = joinable(meeting, work.now)
    offered(meeting, command.mode)
    _agreed(member, work)
    seat = rules.take(
        seating,
        seat,
        member_id=member.member_id,
        meeting_id=meeting.meeting_id,
        mode=command.mode,
        new_id=SeatId(work.new_id()),
    )
    tell_seats([seat], meeting, work)
    return view_of(seat, work)


def switch_mode(command: SwitchMode, actor: Actor, work: RegistrationWork) -> SeatView:
    """Attend otherwise; who is next in line gets the place that comes free."""
    member_id = allow.oneself(actor)
    allow.still(work.members.find(member_id))
    meeting, seat = _held(command.meeting_id, member_id, work)
    meeting = joinable(meeting, work.now)
    offered(meeting, command.mode)
    seating = work.seats.at(meeting.meeting_id)
    changed = rules.switch(seating, seat, command.mode, or_wait=command.or_wait)
    tell_seats(changed, meeting, work)
    return view_of(changed[0] if changed else seat, work)


def give_up_seat(command: GiveUpSeat, actor: Actor, work: RegistrationWork) -> Done:
    """Give up a place or a place in line. Possible until the meeting's end; giving up twice is as giving up once."""
    member_id = allow.oneself(actor)
    allow.still(work.members.find(member_id))
    meeting, seat = _seat_of(command.meeting_id, member_id, work)
    if not seat.held:
        return Done()
    if meeting.status is not MeetingStatus.SCHEDULED or work.now >= meeting.ends_at:
        raise TooLate("This meeting is over, so there is nothing to give up any more. Nobody holds it against you.")
    mark = work.sheet.mark_of(seat.seat_id)
    if mark is not None and mark.outcome is Outcome.ATTENDED:
        raise AlreadyDone(
            "You are on the sheet as being here. You may leave at any time; nothing needs to be given up."
        )
    tell_seats(rules.give_up(work.seats.at(meeting.meeting_id), seat), meeting, work)
    return Done()


def list_my_seats(query: ListMySeats, actor: Actor, work: RegistrationWork) -> MySeats:
    """One's own coming seats and places in line."""
    member = work.members.find(allow.oneself(actor))
    if member is None or member.left:
        return MySeats(seats=())
    return MySeats(seats=tuple(view_of(seat, work) for seat in work.seats.coming(member.member_id, work.now)))


def _agreed(member: Member, work: RegistrationWork) -> None:
    current = work.agreements.current
    if member.agreement < current:
        raise AgreementNeeded(
            "Our confidentiality agreement has changed. Please read it and accept it, then take your seat.",
            version=current,
        )


def _seat_of(meeting_id: MeetingId, member_id: MemberId, work: RegistrationWork) -> tuple[Meeting, Seat]:
    meeting = work.meetings.lock(meeting_id)
    seat = work.seats.at(meeting_id).of(member_id)
    if meeting is None or seat is None:
        raise NotFound("You have no seat at this meeting.")
    return meeting, seat


def _held(meeting_id: MeetingId, member_id: MemberId, work: RegistrationWork) -> tuple[Meeting, Seat]:
    meeting, seat = _seat_of(meeting_id, member_id, work)
    if not seat.held:
        joinable(meeting, work.now)  # says first that it was cancelled or is over, where it is
        raise NotFound("You have no seat at this meeting any more. You can take one again.")
    return meeting, seat
