"""News of a meeting: project its newest facts, and bring everybody's seat in line with them."""

from __future__ import annotations

from services.registration.handlers.leaving import free_seats_of_who_left
from services.registration.handlers.telling import tell_seats
from services.registration.model import seats as rules
from services.registration.model.meetings import from_facts, tells_more
from services.registration.work import RegistrationWork
from shared.contracts.meetings import MeetingFacts, MeetingStatus


def follow_meeting(facts: MeetingFacts, work: RegistrationWork) -> None:
    """The newest facts of a meeting count, whichever event brings them; older ones change nothing.

    What happens to the seats follows from the modes that are offered now, not from the event's name: if the news
    that the venue shut overtakes the news that the meeting moved, nobody is lost between them.
    """
    meeting = from_facts(facts)
    known = work.meetings.lock(meeting.meeting_id) or work.meetings.learn(meeting)
    if not tells_more(meeting, known):
        return
    work.meetings.update(meeting)
    if known.ends_at <= work.now < meeting.ends_at and meeting.status is not MeetingStatus.CANCELLED:
        free_seats_of_who_left(meeting, work)
    seating = work.seats.at(meeting.meeting_id)
    if meeting.status is MeetingStatus.CANCELLED:
        changed = rules.released(seating.held())
    else:
        changed = rules.rearranged(meeting.offers, seating.held())
    seating.rearrange(meeting.offers, changed)
    tell_seats(changed, meeting, work)
