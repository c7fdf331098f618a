"""A series is changed from a day on, or stopped: what is laid out already follows, and who must hear of it does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from shared.contracts import meetings as said
from shared.contracts.errors import Invalid, NotFound, Stale
from tests.component.meetings.conftest import House, field_refused, offers
from tests.support.world import OPERATOR, coordinator

WED = date(2026, 11, 18)
"""In the middle of the eight weeks; the series meets on Tuesdays at 19:00 from 3 November on."""


def plan(house: House, series_id: str | None) -> said.SeriesPlan:
    assert series_id is not None
    return house.world.ask(said.SeriesPage(series_id=series_id), coordinator(house.chapter))


def change(house: House, **more: Any) -> said.SeriesChange:
    """The series as it is, but for this."""
    given: dict[str, Any] = {
        "starts": time(19, 0),
        "minutes": 90,
        "offers": offers(in_person=12, online=60),
        "venue_id": house.venue,
        "room_id": house.room,
    }
    return said.SeriesChange(**given | more)


def changed(house: House, series_id: str | None, *, from_date: date = WED, **more: Any) -> list[said.MeetingView]:
    """Preview the change, make it, and check that the preview told the truth; the coming meetings, by start."""
    before = plan(house, series_id)
    asked = change(house, **more)
    query = said.PreviewSeriesChange(series_id=before.series_id, from_date=from_date, change=asked)
    preview = house.world.ask(query, coordinator(house.chapter))
    command = said.ChangeSeries(series_id=before.series_id, as_of=before.as_of, from_date=from_date, change=asked)
    house.world.send(command, coordinator(house.chapter))
    after = plan(house, series_id)
    held = [each for each in after.meetings if each.status is said.MeetingStatus.SCHEDULED]
    promised = sorted(each.after for each in preview.dates if each.after)
    assert [each.starts_at for each in held if each.starts_at.date() >= from_date] == promised
    return held


def test_another_hour_moves_what_is_laid_out_from_the_day_on(house: House) -> None:
    """Each meeting keeps its id, and so its seats; earlier ones stay; later ones are laid out by the new rule."""
    meetings = house.schedule()
    held = changed(house, meetings[0].series_id, starts=time(18, 0))
    assert [each.meeting_id for each in held] == [each.meeting_id for each in meetings]
    assert [each.starts_at.hour for each in held] == [19, 19, 19, 18, 18, 18, 18, 18]
    assert len(house.world.published(said.MeetingMoved)) == 5
    house.world.tick(days=8)
    assert house.find()[-1].starts_at == datetime(2026, 12, 29, 18, tzinfo=UTC)


def test_another_day_of_the_week_keeps_the_seats(house: House) -> None:
    """The Tuesday's meeting becomes the Thursday's of its week, also where it was Tuesday's again before."""
    meetings = house.schedule()
    held = changed(house, meetings[0].series_id, rrule="FREQ=WEEKLY;BYDAY=TH")
    assert [each.meeting_id for each in held[:3]] == [each.meeting_id for each in meetings[:3]]
    assert [each.starts_at.weekday() for each in held] == [1, 1, 1, 3, 3, 3, 3, 3, 3]
    assert held[4].meeting_id == meetings[3].meeting_id  # 24 November became 26 November
    back = changed(house, meetings[0].series_id, rrule="FREQ=WEEKLY;BYDAY=TU")
    assert {each.meeting_id for each in back} >= {each.meeting_id for each in meetings[3:]}


def test_a_date_that_is_given_up_is_cancelled_and_can_come_back(house: House) -> None:
    """Every second week, then every week again: the dates between are new meetings."""
    meetings = house.schedule()
    held = changed(house, meetings[0].series_id, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")
    assert [each.starts_at.day for each in held] == [3, 10, 17, 24, 8, 22]
    gone = house.world.published(said.MeetingCancelled)
    assert [event.starts_at.day for event in gone] == [1, 15]
    again = changed(house, meetings[0].series_id, rrule="FREQ=WEEKLY;BYDAY=TU")
    assert [each.starts_at.day for each in again] == [3, 10, 17, 24, 1, 8, 15, 22]
    assert not {each.meeting_id for each in again} & {event.meeting_id for event in gone}


def test_the_same_days_go_on_as_they_were_counted(house: House) -> None:
    """Every second week stays on its weeks when only the hour changes, from whatever day."""
    meetings = house.schedule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")
    held = changed(house, meetings[0].series_id, from_date=date(2026, 11, 4), starts=time(18, 0))
    assert [each.starts_at.day for each in held] == [3, 17, 1, 15]


def test_more_places_are_told_to_the_services_and_to_nobody_else(house: House) -> None:
    """An event of its own: a change of time or place is written to people."""
    meetings = house.schedule()
    held = changed(house, meetings[0].series_id, offers=offers(in_person=20, online=60))
    assert [each.offers[0].capacity for each in held] == [12, 12, 12, 20, 20, 20, 20, 20]
    assert len(house.world.published(said.MeetingResized)) == 5
    assert house.world.published(said.MeetingMoved) == []


def test_what_a_person_changed_by_hand_stays(house: House) -> None:
    """One evening was moved, another is online tonight, a third was cancelled: the series' change leaves them so."""
    meetings, other = house.schedule(), house.add_venue(name="Town hall")
    by_hand = datetime(2026, 11, 25, 17, 0)
    actor = coordinator(house.chapter)
    house.world.send(said.MoveMeeting(meeting_id=meetings[3].meeting_id, revision=1, starts_local=by_hand), actor)
    house.world.send(said.MoveOnline(meeting_id=meetings[4].meeting_id, revision=1), actor)
    house.world.send(said.CancelMeeting(meeting_id=meetings[5].meeting_id, revision=1), actor)
    held = changed(house, meetings[0].series_id, starts=time(18, 0), venue_id=other)
    assert [each.starts_at.day for each in held] == [3, 10, 17, 25, 1, 15, 22]
    assert (held[3].starts_at.hour, held[3].place and held[3].place.name) == (17, "Town hall")
    assert (held[4].online_instead, held[4].starts_at.hour) == (True, 18)


def test_two_changes_ahead_are_both_kept(house: House) -> None:
    """From December at six; then from the 18th on at five: no meeting is left at an hour that nobody chose."""
    meetings = house.schedule()
    changed(house, meetings[0].series_id, from_date=date(2026, 12, 1), starts=time(18, 0))
    held = changed(house, meetings[0].series_id, starts=time(17, 0))
    assert [each.starts_at.hour for each in held] == [19, 19, 19, 17, 17, 17, 17, 17]


def test_a_series_stops_on_a_day(house: House) -> None:
    """What lies before it is held, what is laid out after it is cancelled, and nothing more is laid out."""
    meetings = house.schedule()
    before = plan(house, meetings[0].series_id)
    query = said.PreviewSeriesChange(series_id=before.series_id, from_date=WED)
    preview = house.world.ask(query, OPERATOR)
    assert [each.outcome for each in preview.dates] == [said.DateOutcome.CANCELLED] * 5
    command = said.StopSeries(series_id=before.series_id, as_of=before.as_of, from_date=WED)
    house.world.send(command, coordinator(house.chapter))
    assert [event.meeting_id for event in house.world.published(said.MeetingCancelled)] == [
        each.meeting_id for each in meetings[3:]
    ]
    house.world.tick(days=14)
    assert len(house.world.published(said.MeetingScheduled)) == 8
    house.world.tick(days=7)
    assert plan(house, before.series_id).over
    with pytest.raises(said.SeriesIsOver):
        house.world.ask(query, OPERATOR)


def test_nobody_changes_a_series_that_they_have_not_seen(house: House) -> None:
    """The second of two people is told that it was changed meanwhile."""
    series_id = house.schedule()[0].series_id
    seen = plan(house, series_id).as_of
    house.world.clock.step(minutes=1)
    changed(house, series_id, starts=time(18, 0))
    with pytest.raises(Stale):
        house.world.send(said.StopSeries(series_id=series_id, as_of=seen, from_date=WED), OPERATOR)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"from_date": date(2026, 11, 2)}, "from_date"),  # today
        ({"from_date": date(2027, 3, 1)}, "from_date"),
        ({"venue_id": None}, "venue_id"),
        ({"venue_id": "foreign"}, "venue_id"),
        ({"room_id": None}, "room_id"),
        ({"rrule": "FREQ=DAILY"}, "rrule"),
        ({"offers": offers(online=5) + offers(online=6)}, "offers"),
    ],
)
def test_a_change_that_cannot_be_names_its_field(house: House, more: dict[str, Any], field: str) -> None:
    """The preview refuses what the command would."""
    series_id = house.schedule()[0].series_id
    if more.get("venue_id") == "foreign":
        more = more | {"venue_id": house.add_venue(house.open_chapter())}
    from_date = more.get("from_date", WED)
    asked = change(house, **{name: value for name, value in more.items() if name != "from_date"})
    query = said.PreviewSeriesChange(series_id=series_id, from_date=from_date, change=asked)
    assert field_refused(lambda: house.world.ask(query, OPERATOR)) == field
    assert house.world.published(said.MeetingMoved) == []


def test_a_series_of_another_chapter_does_not_exist(house: House) -> None:
    """Neither to look at, nor to change, nor to stop."""
    series_id = house.schedule()[0].series_id
    seen, elsewhere = plan(house, series_id).as_of, coordinator(house.open_chapter())
    for request in (
        said.SeriesPage(series_id=series_id),
        said.PreviewSeriesChange(series_id=series_id, from_date=WED),
    ):
        with pytest.raises(NotFound):
            house.world.ask(request, elsewhere)
    for command in (
        said.StopSeries(series_id=series_id, as_of=seen, from_date=WED),
        said.ChangeSeries(series_id=series_id, as_of=seen, from_date=WED, change=change(house)),
    ):
        with pytest.raises(NotFound):
            house.world.send(command, elsewhere)


def test_a_stop_after_the_end_is_refused(house: House) -> None:
    """A counted series that ends before by itself would else go on for longer."""
    series_id = house.schedule("FREQ=WEEKLY;BYDAY=TU;COUNT=2")[0].series_id
    with pytest.raises(Invalid):
        house.world.ask(said.PreviewSeriesChange(series_id=series_id, from_date=WED), OPERATOR)


def test_a_meeting_moves_to_another_online_room(house: House) -> None:
    """The room must let in whom the meeting's modes need; who holds a seat is told."""
    meeting, other = house.schedule()[0], house.add_room(link="https://meet.example.org/other")
    no_link = house.add_room(link=None)
    wrong = said.MoveMeeting(meeting_id=meeting.meeting_id, revision=1, room_id=no_link)
    assert field_refused(lambda: house.world.send(wrong, OPERATOR)) == "room_id"
    house.world.send(said.MoveMeeting(meeting_id=meeting.meeting_id, revision=1, room_id=other), OPERATOR)
    assert [event.revision for event in house.world.published(said.MeetingMoved)] == [2]


def test_a_chapters_page_lists_its_series(house: House) -> None:
    """By the days in words; one that has come to its end is not among them."""
    series_id = house.schedule()[0].series_id
    page = house.world.ask(said.ChapterPage(chapter_id=house.chapter), OPERATOR)
    assert [(each.series_id, each.days) for each in page.series] == [(series_id, "every week on Tuesday")]
