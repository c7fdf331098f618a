"""Move a meeting, move it online and back, cancel it, and end it when its time has passed."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from services.meetings.handlers.access import own_meeting
from services.meetings.handlers.scheduling import room_of, venue_of
from services.meetings.model.meeting import (
    Gathering,
    Meeting,
    cancelled,
    check_open,
    ended,
    moved,
    moved_back,
    moved_online,
    news_of,
)
from services.meetings.work import Work
from shared.contracts.base import Actor, Done
from shared.contracts.errors import Invalid
from shared.contracts.meetings import (
    CancelMeeting,
    MeetingCancelled,
    MeetingEnded,
    MeetingFacts,
    MeetingMoved,
    MeetingMovedBack,
    MeetingMovedOnline,
    MoveBack,
    MoveMeeting,
    MoveOnline,
)

FactsT = TypeVar("FactsT", bound=MeetingFacts)

END_AT_ONCE = 200
"""Meetings that one turn of the timer ends."""


def move_meeting(command: MoveMeeting, actor: Actor, work: Work) -> Done:
    """Give one meeting another time or place. What changes nothing says nothing."""
    gathering = _to_change(command, actor, work)
    if {command.starts_local, command.minutes, command.venue_id, command.room_id} == {None}:
        raise Invalid("say the new time, the new length, or the new place", field="starts_local")
    venue = venue_of(gathering.meeting.chapter_id, command.venue_id, work)
    room = room_of(gathering.meeting.chapter_id, command.room_id, work)
    meeting = moved(
        gathering.meeting,
        work.now,
        starts_local=command.starts_local,
        minutes=command.minutes,
        venue=command.venue_id,
        room=room,
    )
    if meeting != gathering.meeting:
        keep(replace(gathering, venue=venue or gathering.venue), meeting, MeetingMoved, work)
    return Done()


def move_online(command: MoveOnline, actor: Actor, work: Work) -> Done:
    """The venue is shut: everybody attends online."""
    gathering = _to_change(command, actor, work)
    room_id = gathering.meeting.room_id
    room = work.rooms.get(room_id) if room_id else None
    keep(gathering, moved_online(gathering.meeting, room, work.now), MeetingMovedOnline, work)
    return Done()


def move_back(command: MoveBack, actor: Actor, work: Work) -> Done:
    """The venue is open after all."""
    gathering = _to_change(command, actor, work)
    keep(gathering, moved_back(gathering.meeting, work.now), MeetingMovedBack, work)
    return Done()


def cancel_meeting(command: CancelMeeting, actor: Actor, work: Work) -> Done:
    """The meeting does not take place."""
    gathering = _to_change(command, actor, work)
    keep(gathering, cancelled(gathering.meeting, work.now), MeetingCancelled, work)
    return Done()


def end_meetings(work: Work) -> int:
    """By timer: meetings whose end has passed are over; how many that were."""
    over = work.meetings.past_their_end(work.now, END_AT_ONCE)
    for gathering in over:
        keep(gathering, ended(gathering.meeting), MeetingEnded, work)
    return len(over)


def keep(gathering: Gathering, meeting: Meeting, kind: type[FactsT], work: Work) -> None:
    """Keep the meeting as it is now, and tell of it."""
    work.meetings.change(meeting)
    work.publish(replace(gathering, meeting=meeting).facts(kind))


def keep_changed(gathering: Gathering, after: Meeting, work: Work) -> None:
    """Keep what became of a meeting as its series changed, and tell of what others need to know; nothing of nothing."""
    if after == gathering.meeting:
        return
    news = news_of(gathering.meeting, after)
    if news is None:
        work.meetings.change(after)
        return
    venue = work.venues.get(after.venue_id) if after.venue_id else None
    keep(replace(gathering, venue=venue), after, news, work)


def _to_change(command: MoveMeeting | MoveOnline | MoveBack | CancelMeeting, actor: Actor, work: Work) -> Gathering:
    gathering = own_meeting(command.meeting_id, actor, work)
    check_open(gathering.meeting, command.revision, work.now)
    return gathering
