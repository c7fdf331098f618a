"""A meeting is laid out, moves online and back, is moved, cancelled, and ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.contracts import meetings as said
from shared.contracts.base import Mode
from shared.contracts.errors import AlreadyDone, Stale
from tests.component.meetings.conftest import House, offers
from tests.support.world import OPERATOR, coordinator


def test_a_series_is_laid_out_eight_weeks_ahead_at_once(house: House) -> None:
    """Each meeting is told of with its whole state, and can be found."""
    meetings = house.schedule()
    assert [meeting.starts_at for meeting in meetings[:2]] == [
        datetime(2026, 11, 3, 19, tzinfo=UTC),
        datetime(2026, 11, 10, 19, tzinfo=UTC),
    ]
    assert len(meetings) == 8
    told = house.world.published(said.MeetingScheduled)
    assert [event.meeting_id for event in told] == [meeting.meeting_id for meeting in meetings]
    assert told[0].place is not None
    assert told[0].place.name == "Library"
    assert (told[0].capacity(Mode.IN_PERSON), told[0].capacity(Mode.ONLINE), told[0].revision) == (12, 60, 1)
    assert house.find() == meetings


def test_a_series_goes_on_by_itself(house: House) -> None:
    """Day by day the ninth week comes into sight; no date comes twice."""
    house.schedule()
    house.world.tick(days=7)
    house.world.tick()
    told = house.world.published(said.MeetingScheduled)
    assert len(told) == len({event.starts_at for event in told}) == 9


def test_a_clock_that_jumps_lays_out_no_past_meetings(house: House) -> None:
    """After half a year of standstill only coming meetings appear."""
    house.schedule()
    house.world.tick(days=180)
    coming = [e for e in house.world.published(said.MeetingScheduled) if e.starts_at > house.world.clock.now()]
    assert len(coming) == 8
    assert len(house.world.published(said.MeetingScheduled)) == 16


def test_a_counted_series_ends(house: House) -> None:
    """COUNT=3 gives three meetings, however long one waits."""
    assert len(house.schedule("FREQ=WEEKLY;BYDAY=TU;COUNT=3")) == 3
    house.world.tick(days=60)
    assert len(house.world.published(said.MeetingScheduled)) == 3


def test_the_venue_is_shut_and_all_meet_online(house: House) -> None:
    """in_person goes, online holds both; the place is kept; back again it is as before."""
    meeting = house.schedule()[0]
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), coordinator(house.chapter))
    moved = house.page(meeting.meeting_id)
    assert (moved.revision, moved.online_instead, moved.offers) == (2, True, offers(online=72))
    assert moved.place == meeting.place
    house.world.send(said.MoveBack(meeting_id=meeting.meeting_id, revision=2), coordinator(house.chapter))
    back = house.page(meeting.meeting_id)
    assert (back.revision, back.online_instead, back.offers) == (3, False, meeting.offers)
    assert [e.revision for e in house.world.published(said.MeetingMovedOnline)] == [2]
    assert [e.revision for e in house.world.published(said.MeetingMovedBack)] == [3]


def test_a_meeting_in_a_room_needs_an_online_room_to_move_to(house: House) -> None:
    """The refusal says so; a room that the series knows, though it offers no online places, is enough."""
    without = house.schedule(offers=offers(in_person=12), room_id=None)[0]
    with pytest.raises(said.NoRoomOnline):
        house.world.send(said.MoveOnline(meeting_id=without.meeting_id, revision=1), OPERATOR)
    in_reserve = house.schedule(offers=offers(in_person=12))[0]
    assert in_reserve.has_room
    house.world.send(said.MoveOnline(meeting_id=in_reserve.meeting_id, revision=1), OPERATOR)
    assert house.page(in_reserve.meeting_id).offers == offers(online=12)


def test_nobody_changes_what_they_have_not_seen(house: House) -> None:
    """Two people press the button; the second is told that the meeting changed."""
    meeting = house.schedule()[0]
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    with pytest.raises(Stale) as refused:
        house.world.send(said.CancelMeeting(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    assert refused.value.facts == {"revision": 2}


def test_what_was_done_is_not_done_again(house: House) -> None:
    """Moved online already; held as planned."""
    meeting = house.schedule()[0]
    with pytest.raises(AlreadyDone):
        house.world.send(said.MoveBack(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    with pytest.raises(AlreadyDone):
        house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=2), OPERATOR)


def test_a_meeting_moves_to_another_hour_and_venue(house: House) -> None:
    """Local time in the chapter's zone; the length stays; the event carries the new place."""
    meeting, other = house.schedule()[0], house.add_venue(name="Town hall")
    wall = datetime(2026, 11, 4, 18, 30)
    command = said.MoveMeeting(meeting_id=meeting.meeting_id, revision=1, starts_local=wall, venue_id=other)
    house.world.send(command, OPERATOR)
    (event,) = house.world.published(said.MeetingMoved)
    assert event.starts_at == datetime(2026, 11, 4, 18, 30, tzinfo=UTC)
    assert event.ends_at == datetime(2026, 11, 4, 20, 0, tzinfo=UTC)
    assert event.place is not None
    assert event.place.name == "Town hall"
    assert house.find(weekday=2)[0].meeting_id == meeting.meeting_id


def test_a_move_to_where_it_is_says_nothing(house: House) -> None:
    """No event, no revision: nobody is told of a change that is none."""
    meeting = house.schedule()[0]
    house.world.send(said.MoveMeeting(meeting_id=meeting.meeting_id, revision=1, minutes=90), OPERATOR)
    assert house.world.published(said.MeetingMoved) == []


def test_a_new_venue_ends_online_instead(house: House) -> None:
    """The library is shut, the town hall is found: people meet in person again."""
    meeting, other = house.schedule()[0], house.add_venue(name="Town hall")
    house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    house.world.send(said.MoveMeeting(meeting_id=meeting.meeting_id, revision=2, venue_id=other), OPERATOR)
    page = house.page(meeting.meeting_id)
    assert (page.online_instead, page.offers) == (False, meeting.offers)


def test_a_cancelled_meeting_is_over_and_never_ends(house: House) -> None:
    """It is shown as cancelled, changes no more, and is not told of as ended."""
    meeting = house.schedule("FREQ=WEEKLY;BYDAY=TU;COUNT=1")[0]
    house.world.send(said.CancelMeeting(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    assert house.page(meeting.meeting_id).status == said.MeetingStatus.CANCELLED
    for command in (said.MoveOnline, said.MoveBack, said.CancelMeeting):
        with pytest.raises(said.MeetingIsOver):
            house.world.send(command(meeting_id=meeting.meeting_id, revision=2), OPERATOR)
    house.world.tick(days=3)
    assert house.world.published(said.MeetingEnded) == []


def test_a_meeting_ends_once_when_its_time_has_passed(house: House) -> None:
    """Not a minute before its end, and not twice."""
    meeting = house.schedule()[0]
    house.world.tick(hours=35, minutes=29)
    assert house.world.published(said.MeetingEnded) == []
    house.world.tick(minutes=1)
    house.world.tick(minutes=1)
    (event,) = house.world.published(said.MeetingEnded)
    assert (event.meeting_id, event.status, event.revision) == (meeting.meeting_id, said.MeetingStatus.ENDED, 1)
    with pytest.raises(said.MeetingIsOver):
        house.world.send(said.MoveOnline(meeting_id=meeting.meeting_id, revision=1), OPERATOR)


def test_a_meeting_past_its_end_is_over_before_the_timer_comes(house: House) -> None:
    """The rule holds by the clock, not by the timer."""
    meeting = house.schedule()[0]
    house.world.clock.step(hours=36)
    with pytest.raises(said.MeetingIsOver):
        house.world.send(said.CancelMeeting(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
