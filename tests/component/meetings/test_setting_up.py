"""Who may set up what, and what a wrong field is answered with."""

from __future__ import annotations

from datetime import date, time

import pytest
from sqlalchemy import inspect, text

from shared.contracts import meetings as said
from shared.contracts.base import Actor, Command, Query, Role
from shared.contracts.errors import AlreadyDone, Forbidden, NotFound
from tests.component.meetings.conftest import House, field_refused, offers
from tests.support.world import OPERATOR, REGIONAL, SERVICE, VISITOR, coordinator, member, ring


def test_founding_the_same_again_answers_the_same(house: House) -> None:
    """The first run may be run again; another region is refused."""
    again = house.world.send(said.FoundRegion(name="Another name", slug="north-shore"), OPERATOR)
    assert again.region_id == house.region
    with pytest.raises(AlreadyDone):
        house.world.send(said.FoundRegion(name="South Shore", slug="south-shore"), OPERATOR)
    opening = said.OpenChapter(region_id=house.region, name="Hill", slug="hill", time_zone="Europe/London")
    first, second = house.world.send(opening, REGIONAL), house.world.send(opening, OPERATOR)
    assert first == second
    assert len(house.world.published(said.ChapterOpened)) == 2
    assert [c.name for c in house.world.ask(said.ListChapters(), VISITOR).chapters] == ["Harbour", "Hill"]


def _acts(house: House) -> list[Command | Query]:
    """Everything that a chapter's coordinator may do, for the house's own chapter."""
    meeting = house.schedule()[0].meeting_id
    series = house.series()
    return [
        said.FoundGroup(chapter_id=house.chapter, name="Late group", purpose="Rest"),
        said.AddVenue(chapter_id=house.chapter, name="Hall", address="2 Quay Street", city="London"),
        said.AddRoom(chapter_id=house.chapter, name="Room", link=house.world.seal("https://meet.example.org/x")),
        said.ScheduleSeries(**series),
        said.MoveMeeting(meeting_id=meeting, revision=1, minutes=60),
        said.MoveOnline(meeting_id=meeting, revision=2),
        said.MoveBack(meeting_id=meeting, revision=3),
        said.CancelMeeting(meeting_id=meeting, revision=4),
        said.ImportMeetings(chapter_id=house.chapter, first_row=1, rows_json="[]"),
        said.ChapterPage(chapter_id=house.chapter),
        said.PreviewSeries(chapter_id=house.chapter, rule=series["rule"]),
    ]


def _do(house: House, act: Command | Query, actor: Actor) -> object:
    return (house.world.send if isinstance(act, Command) else house.world.ask)(act, actor)


def test_a_coordinator_may_run_their_own_chapter(house: House) -> None:
    """Every act, in order."""
    for act in _acts(house):
        _do(house, act, coordinator(house.chapter))


def test_nobody_else_may_and_unknown_is_told_as_foreign(house: House) -> None:
    """A coordinator of another chapter hears what they would hear of a chapter that does not exist."""
    other = house.open_chapter(name="Hill")
    for act in _acts(house):
        for actor in (VISITOR, member("m-1"), REGIONAL, SERVICE):
            with pytest.raises(Forbidden):
                _do(house, act, actor)
        key = next(name for name in ("chapter_id", "group_id", "meeting_id") if hasattr(act, name))
        unknown = act.model_copy(update={key: "no-such-thing"})
        told = []
        for asked in (act, unknown):
            with pytest.raises(NotFound) as refused:
                _do(house, asked, coordinator(other))
            told.append((refused.value.message, refused.value.field))
        assert told[0] == told[1]


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.REGIONAL, Role.MEMBER, Role.VISITOR])
def test_only_the_operator_founds_a_region(house: House, role: Role) -> None:
    """And neither members nor coordinators open chapters."""
    actor = Actor(role=role, id="someone", chapters=(house.chapter,))
    with pytest.raises(Forbidden):
        house.world.send(said.FoundRegion(name="North Shore", slug="north-shore"), actor)
    if role != Role.REGIONAL:
        with pytest.raises(Forbidden):
            house.world.send(said.OpenChapter(region_id=house.region, name="H", slug="h", time_zone="UTC"), actor)


def test_what_lets_one_in_is_given_to_services_only_and_only_they_can_open_it(house: House) -> None:
    """Sealed to the service that asks; nobody else may ask."""
    meeting = house.schedule()[0]
    query = said.AskJoinLink(meeting_id=meeting.meeting_id)
    answer = house.world.ask(query, SERVICE)
    opened = [ring("notifications").unseal(one) for one in (answer.link, answer.dial_in, answer.passcode) if one]
    assert opened == ["https://meet.example.org/quiet-harbour", "+44 20 7946 0000,,123#", "open-sesame-99"]
    for actor in (VISITOR, member("m-1"), coordinator(house.chapter), REGIONAL, OPERATOR):
        with pytest.raises(Forbidden):
            house.world.ask(query, actor)
    with pytest.raises(Forbidden):
        house.world.ask(query, Actor(role=Role.SERVICE, id="somebody"))


def test_no_link_is_given_where_nobody_may_use_it(house: House) -> None:
    """In a room only; cancelled."""
    meeting = house.schedule(offers=offers(in_person=12))[0]
    query = said.AskJoinLink(meeting_id=meeting.meeting_id)
    with pytest.raises(said.NoRoomOnline):
        house.world.ask(query, SERVICE)
    house.world.send(said.CancelMeeting(meeting_id=meeting.meeting_id, revision=1), OPERATOR)
    with pytest.raises(said.MeetingIsOver):
        house.world.ask(query, SERVICE)


def test_no_column_and_no_event_holds_a_link_in_the_clear(house: House) -> None:
    """Sealed with the room's own key, in every table, the outbox among them."""
    house.schedule()
    with house.world.store.reading() as work:
        found = ""
        for table in inspect(work.connection).get_table_names():
            rows = work.connection.execute(text(f'SELECT * FROM "{table}"')).all()  # noqa: S608
            found += "".join(
                bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for row in rows for v in row
            )
    assert "Tuesday circle" in found
    for secret in ("quiet-harbour", "7946", "sesame"):
        assert secret not in found


def test_a_preview_shows_the_dates_and_writes_nothing(house: House) -> None:
    """What has passed is said; the zone's change is said."""
    rule = said.SeriesRule(rrule="FREQ=MONTHLY;BYDAY=1TU", starts_on=date(2026, 10, 1), starts=time(19, 0), minutes=90)
    preview = house.world.ask(said.PreviewSeries(chapter_id=house.chapter, rule=rule, most=6), OPERATOR)
    assert [start.astimezone().strftime("%Y-%m") for start in preview.starts] == [
        "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04",
    ]  # fmt: skip
    assert preview.time_zone == "Europe/London"
    assert preview.notes == (
        "1 date has passed and will not be laid out.",
        "On 28 March 2027 the clocks change; the meeting stays at 7:00 pm.",
    )
    assert house.find() == []


def test_a_chapter_page_shows_what_one_can_schedule_with(house: House) -> None:
    """And no secret."""
    page = house.world.ask(said.ChapterPage(chapter_id=house.chapter), coordinator(house.chapter))
    assert [group.name for group in page.groups] == ["Tuesday circle"]
    assert [venue.name for venue in page.venues] == ["Library"]
    assert [(room.name, room.has_link, room.has_dial_in) for room in page.rooms] == [("Video room", True, True)]


def test_the_finder_narrows_by_day_mode_chapter_and_words(house: House) -> None:
    """Weekday is the local one; words are found whatever their case, and taken as they are."""
    house.schedule(starts=time(0, 30))
    auckland = house.open_chapter("Pacific/Auckland", "Auckland")
    group = house.found_group(auckland, "Früh am Morgen 100%", audience="Seniors")
    house.schedule(
        "FREQ=WEEKLY;BYDAY=WE", group_id=group, offers=offers(online=9), room_id=house.add_room(auckland),
        venue_id=None, starts=time(7, 0),
    )  # fmt: skip
    assert {m.chapter_name for m in house.find(weekday=2)} == {"Auckland"}
    assert {m.chapter_name for m in house.find(weekday=1)} == {"Harbour"}
    assert {m.chapter_name for m in house.find(mode="in_person")} == {"Harbour"}
    assert {m.chapter_name for m in house.find(chapter_ids=(auckland,))} == {"Auckland"}
    assert {m.chapter_name for m in house.find(text="FRÜH seniors")} == {"Auckland"}
    assert {m.chapter_name for m in house.find(text="100%")} == {"Auckland"}
    assert house.find(text="%") == house.find(text="100%")
    assert house.find(text="_arly") == []
    assert len(house.find(limit=3)) == 3
    one = house.find(limit=1)[0]
    assert house.find(meeting_ids=(one.meeting_id,)) == [one]


def test_an_unknown_meeting_is_not_found(house: House) -> None:
    """For anyone."""
    with pytest.raises(NotFound):
        house.world.ask(said.MeetingPage(meeting_id="nothing"), VISITOR)


def test_a_name_that_cannot_be_shown_is_refused(house: House) -> None:
    """The databases do not keep such characters alike; joiners and accents are letters like any."""
    assert field_refused(lambda: house.found_group(name="Quiet\x00hour")) == "name"
    assert house.found_group(name="Ça va, क्षि, \U0001f469\u200d\U0001f469")
    assert field_refused(lambda: house.find(text="\x00")) == "text"
