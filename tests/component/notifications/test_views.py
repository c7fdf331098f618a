"""What members and coordinators may look at: their own, and nothing of the link before its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.contracts.base import Mode
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.meetings import MeetingCancelled, MeetingMovedOnline, MeetingStatus, Place
from shared.contracts.notifications import (
    AskCalendarFile,
    AskJoinDetails,
    Discretion,
    PreviewChange,
    PreviewLockScreen,
)
from shared.contracts.registration import SeatReason, SeatState
from tests.component.notifications.fakes import MEETING, ONLINE, STARTS, Town, chapter, meeting, seat
from tests.support.world import VISITOR, coordinator, member, ring


def until_start(town: Town, before: timedelta) -> None:
    town.clock.step(seconds=(STARTS - before - town.clock.now()).total_seconds())


def test_who_comes_to_the_room_is_told_where_it_is(town: Town) -> None:
    """The address and how one gets in; never a link."""
    town.deliver(chapter(), meeting(), seat("ana"))
    until_start(town, timedelta(minutes=10))
    details = town.ask(AskJoinDetails(meeting_id=MEETING), member("ana"))
    assert "12 Elm Street" in (details.place or "")
    assert (details.link, details.dial_in, details.passcode) == (None, None, None)
    assert town.neighbours.asked == []


@pytest.mark.parametrize(("mode", "shown"), [(Mode.ONLINE, "https://room.example/abc"), (Mode.PHONE, "+13125550100")])
def test_the_way_in_is_shown_half_an_hour_before_sealed_to_the_portal(town: Town, mode: Mode, shown: str) -> None:
    """Before that only when it will be; and to who has a confirmed seat in that mode alone."""
    town.deliver(chapter(), meeting(), seat("ana", mode=mode), seat("ben", mode=mode, state=SeatState.WAITLISTED))
    until_start(town, timedelta(minutes=31))
    early = town.ask(AskJoinDetails(meeting_id=MEETING), member("ana"))
    assert (early.link, early.dial_in, early.link_from) == (None, None, STARTS - timedelta(minutes=30))
    assert town.neighbours.asked == []
    until_start(town, timedelta(minutes=30))
    details = town.ask(AskJoinDetails(meeting_id=MEETING), member("ana"))
    sealed = details.link if mode is Mode.ONLINE else details.dial_in
    other = details.dial_in if mode is Mode.ONLINE else details.link
    assert sealed is not None
    assert ring("portal").unseal(sealed) == shown
    assert other is None
    assert details.place is None
    with pytest.raises(NotFound):
        town.ask(AskJoinDetails(meeting_id=MEETING), member("ben"))


def test_who_has_no_seat_learns_nothing(town: Town) -> None:
    """No seat, a seat given up, another's meeting, a cancelled one: the same answer."""
    town.deliver(chapter(), meeting(), seat("ana"))
    town.deliver(seat("ben"), seat("ben", 2, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP))
    for who, which in (("cleo", MEETING), ("ben", MEETING), ("ana", "no-such-meeting")):
        for query in (AskJoinDetails(meeting_id=which), AskCalendarFile(meeting_id=which)):
            with pytest.raises(NotFound):
                town.ask(query, member(who))
    with pytest.raises(Forbidden):
        town.ask(AskJoinDetails(meeting_id=MEETING), VISITOR)
    town.deliver(meeting(MeetingCancelled, 2, status=MeetingStatus.CANCELLED))
    with pytest.raises(NotFound):
        town.ask(AskJoinDetails(meeting_id=MEETING), member("ana"))


def test_moved_online_the_room_is_not_told_any_more(town: Town) -> None:
    """Even before registration has said in which mode one attends now."""
    town.deliver(chapter(), meeting(), seat("ana"), meeting(MeetingMovedOnline, 2, offers=ONLINE))
    until_start(town, timedelta(minutes=20))
    details = town.ask(AskJoinDetails(meeting_id=MEETING), member("ana"))
    assert details.place is None
    assert details.link is not None


def test_the_calendar_file_has_no_link(town: Town) -> None:
    """It lies in other people's clouds; it is worded discreetly by default."""
    town.deliver(chapter(), meeting(), seat("ana", mode=Mode.ONLINE))
    until_start(town, timedelta(minutes=10))
    body = town.ask(AskCalendarFile(meeting_id=MEETING), member("ana")).body
    assert "discreet" in body
    assert "room.example" not in body


def test_a_coordinator_previews_what_a_change_would_say(town: Town) -> None:
    """For each change, at the default level; for their chapter alone."""
    town.deliver(chapter(), meeting())
    online = town.ask(PreviewChange(meeting_id=MEETING, change="moved_online"), coordinator("chapter-1"))
    assert "moved_online" in online.email_text
    assert "Library" not in online.email_text
    back = town.ask(PreviewChange(meeting_id=MEETING, change="moved_back"), coordinator("chapter-1"))
    assert "Library" in back.sms_text
    assert back.sms_parts == 1
    later = STARTS + timedelta(days=1)
    hall = Place(venue_id="venue-2", name="Town Hall", address="2 Main Street", city="Chicago")
    moved = PreviewChange(meeting_id=MEETING, change="moved", starts_at=later, ends_at=later, place=hall)
    assert "Town Hall" in town.ask(moved, coordinator("chapter-1")).email_text
    gone = town.ask(PreviewChange(meeting_id=MEETING, change="cancelled"), coordinator("chapter-1"))
    assert gone.subject == "meeting_cancelled"
    with pytest.raises(NotFound):
        town.ask(PreviewChange(meeting_id=MEETING, change="cancelled"), coordinator("chapter-2"))


def test_anyone_sees_what_a_lock_screen_would_show(town: Town) -> None:
    """Before they choose."""
    shown = town.ask(PreviewLockScreen(discretion=Discretion.SILENT), VISITOR)
    assert shown.previews[0].line == "silent"
