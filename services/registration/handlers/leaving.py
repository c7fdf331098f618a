"""Leaving for good: nothing that tells who one is stays, and nobody waits for a place that one would have held."""

from __future__ import annotations

from services.registration.handlers import allow
from services.registration.handlers.membership import enter
from services.registration.handlers.telling import tell_seats
from services.registration.model import seats as rules
from services.registration.model.consents import How, withdraw
from services.registration.model.meetings import Meeting
from services.registration.model.seats import Seat
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, Done, MemberId
from shared.contracts.registration import Leave, MemberLeft, Outcome


def leave(command: Leave, actor: Actor, work: RegistrationWork) -> Done:
    """Leave, joined or not. What others count upon stays under an id that is nobody's any more.

    It is said before what follows from it, so that who hears in order writes to nobody of what is given up.
    """
    member_id = allow.oneself(actor)
    if not work.members.leave(member_id, work.now):
        return Done()
    work.publish(MemberLeft(member_id=member_id))
    enter(member_id, withdraw(work.members.standing(member_id), how=How.LEFT), work)
    _give_up_seats(member_id, work)
    return Done()


def _give_up_seats(member_id: MemberId, work: RegistrationWork) -> None:
    """As one by one."""
    for meeting_id in sorted({seat.meeting_id for seat in work.seats.coming(member_id, work.now)}):
        meeting = work.meetings.lock(meeting_id)
        seat = work.seats.at(meeting_id).of(member_id)
        if meeting is not None and seat is not None and seat.held:
            _give_up(seat, meeting, work)


def free_seats_of_who_left(meeting: Meeting, work: RegistrationWork) -> None:
    """Of a meeting, locked, that was over as far as was known, and is yet to come: some may have left meanwhile."""
    seating = work.seats.at(meeting.meeting_id)
    for member_id in [seat.member_id for seat in seating.held()]:
        member, seat = work.members.find(member_id), seating.of(member_id)
        if member is not None and member.left and seat is not None:
            _give_up(seat, meeting, work)


def _give_up(seat: Seat, meeting: Meeting, work: RegistrationWork) -> None:
    """A seat whose member is on the sheet as being here has been used, and stays."""
    mark = work.sheet.mark_of(seat.seat_id)
    if mark is None or mark.outcome is not Outcome.ATTENDED:
        tell_seats(rules.give_up(work.seats.at(meeting.meeting_id), seat), meeting, work)
