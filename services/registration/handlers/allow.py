"""Who may do what. Checked in each use case: the gateways are not believed."""

from __future__ import annotations

from services.registration.model.meetings import Meeting
from services.registration.model.members import Member
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, MeetingId, MemberId, Role
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.registration import HasLeft, NotAMember


def oneself(actor: Actor) -> MemberId:
    """The member who asks, for themselves. Raises Forbidden for any other role."""
    if actor.role is not Role.MEMBER or not actor.id:
        raise Forbidden("Only the member can do this, signed in as themselves.")
    return MemberId(actor.id)


def still(found: Member | None) -> Member | None:
    """The same. Raises HasLeft where they have left."""
    if found is not None and found.left:
        raise HasLeft("You have left, and we have forgotten you. You can come back at any time, as somebody new.")
    return found


def member(actor: Actor, work: RegistrationWork) -> Member:
    """The joined member who asks. Raises Forbidden, HasLeft or NotAMember."""
    found = still(work.members.find(oneself(actor)))
    if found is None:
        raise NotAMember("You have not joined yet. Choose a name and read our agreement first; it takes a minute.")
    return found


def coordinator(actor: Actor) -> None:
    """Coordinators only: seats and sheets hold people, whom regional staff never see."""
    if actor.role is not Role.COORDINATOR:
        raise Forbidden("Only a coordinator of the chapter can see or change its seats and attendance.")


def oversees(actor: Actor, meeting: Meeting | None) -> Meeting:
    """The meeting, where this coordinator's chapter holds it. A foreign one is as if it were not there."""
    coordinator(actor)
    if meeting is None or meeting.chapter_id not in actor.chapters:
        raise NotFound("No such meeting in your chapters. If it was scheduled a moment ago, try again in a minute.")
    return meeting


def overseen(meeting_id: MeetingId, actor: Actor, work: RegistrationWork) -> Meeting:
    """The meeting, locked, where this coordinator's chapter holds it."""
    coordinator(actor)
    return oversees(actor, work.meetings.lock(meeting_id))
