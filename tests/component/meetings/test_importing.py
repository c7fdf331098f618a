"""Lists as they are found: each row is added, updated, left, or refused alone."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from shared.contracts import meetings as said
from shared.contracts.base import Mode
from shared.contracts.meetings import RowOutcome
from shared.gateway.meeting_lists import next_slice
from tests.component.meetings.conftest import House, offers
from tests.support.world import OPERATOR, SERVICE, VISITOR, ring

ROW = {
    "slug": 5202,
    "name": "Touch &amp; Soul",
    "day": 2,
    "time": "12:00",
    "types": "[open]",
    "address": "107 North Hughes Street",
    "city": "Amarillo",
    "state": "TX",
    "postal_code": 79107,
    "country": "USA",
    "location": "",
    "location_notes": None,
    "notes": "",
}
ONLINE = {
    "slug": "evening",
    "name": "Evening",
    "day": "3",
    "time": "7:30 pm",
    "types": ["C", "W", "ONL", "S"],
    "conference_url": "https://zoom.example.org/j/123",
    "conference_url_notes": "passcode: hunter2",
    "formatted_address": "Concord, MA 01742, USA",
    "approximate": "yes",
    "contact_1_name": "Mary",
    "contact_1_phone": "+15555550100",
}
HYBRID = ROW | {
    "slug": "both",
    "conference_url": "https://zoom.example.org/j/9",
    "conference_phone": "+1 (555) 555-0100",
}


def send(house: House, *rows: Any, **more: Any) -> list[said.RowReport]:
    command = said.ImportMeetings(chapter_id=house.chapter, first_row=1, rows_json=json.dumps(rows), **more)
    return list(house.world.send(command, OPERATOR).rows)


def outcome(house: House, row: Any, **more: Any) -> said.RowReport:
    (report,) = send(house, row, **more)
    return report


def test_a_row_becomes_a_group_that_meets(house: House) -> None:
    """Integer slug, types as text, empty strings and nulls, no zone: the chapter's, with a note."""
    report = outcome(house, ROW)
    assert (report.row, report.name, report.outcome) == (1, "Touch & Soul", RowOutcome.ADDED)
    assert report.notes == ("time zone taken from the chapter: Europe/London",)
    meetings = house.find()
    assert len(meetings) == 8
    assert meetings[0].starts_at.strftime("%A %H:%M") == "Tuesday 12:00"
    assert meetings[0].ends_at - meetings[0].starts_at == timedelta(minutes=60)
    assert meetings[0].offers == offers(in_person=20)
    assert meetings[0].place is not None
    place = meetings[0].place
    assert (place.name, place.city, place.postal_code, place.country) == (
        "107 North Hughes Street", "Amarillo, TX", "79107", "US",
    )  # fmt: skip


def test_an_online_row_keeps_its_link_sealed_and_no_person(house: House) -> None:
    """The link and how to enter go to the room; who to call goes nowhere."""
    report = outcome(house, ONLINE, online_capacity=30)
    assert report.outcome == RowOutcome.ADDED
    assert "time read as 19:30" in report.notes
    meeting = house.find()[0]
    assert (meeting.place, meeting.offers, meeting.languages) == (None, offers(online=30), ("es",))
    assert (meeting.audience, meeting.policy) == ("women", said.MembershipPolicy.BY_AGREEMENT)
    link = house.world.ask(said.AskJoinLink(meeting_id=meeting.meeting_id), SERVICE)
    assert ring("notifications").unseal(link.link or "") == ONLINE["conference_url"]
    assert ring("notifications").unseal(link.passcode or "") == "passcode: hunter2"
    told = "".join(event.model_dump_json() for event in house.world.said()) + meeting.model_dump_json()
    assert not any(secret in told for secret in ("zoom.example", "hunter2", "Mary", "5555550100", "555-0100"))


def test_a_row_with_place_and_link_is_hybrid(house: House) -> None:
    """With a number it can be joined by phone too."""
    outcome(house, HYBRID)
    assert house.find()[0].offers == offers(in_person=20, online=100, phone=100)


def test_a_row_with_many_days_is_a_series_a_weekday(house: House) -> None:
    """Sunday is 0 in the format."""
    report = outcome(house, ROW | {"day": [0, "3", 5]})
    assert "laid out as 3 weekly series, one a weekday" in report.notes
    week = house.find(before=house.world.clock.now() + timedelta(days=7))
    assert [m.starts_at.strftime("%a") for m in week] == ["Wed", "Fri", "Sun"]
    assert len({m.series_id for m in week}) == 3


def test_a_shut_venue_with_a_link_meets_online_for_now_and_goes_back(house: House) -> None:
    """TC with a link: laid out online; when TC goes, everybody is told that the venue is open."""
    report = outcome(house, HYBRID | {"types": ["O", "TC"]})
    assert report.outcome == RowOutcome.ADDED
    meeting = house.find()[0]
    assert (meeting.online_instead, meeting.offers) == (True, offers(online=120, phone=100))
    assert outcome(house, HYBRID | {"types": ["O"]}).outcome == RowOutcome.UPDATED
    assert len(house.world.published(said.MeetingMovedBack)) == 8
    assert outcome(house, HYBRID | {"types": ["O", "TC"]}).outcome == RowOutcome.UPDATED
    assert len(house.world.published(said.MeetingMovedOnline)) == 8
    assert house.page(meeting.meeting_id).revision == 3


def test_a_closed_group_is_not_laid_out_until_it_opens(house: House) -> None:
    """TC without a link; those that stood are cancelled; it begins afresh."""
    closed = ROW | {"types": ["TC"]}
    assert outcome(house, closed).outcome == RowOutcome.ADDED
    assert house.find() == []
    house.world.tick(days=2)
    assert house.find() == []
    assert outcome(house, ROW).outcome == RowOutcome.UPDATED
    assert len(house.find()) == 8
    assert outcome(house, closed).outcome == RowOutcome.UPDATED
    assert len(house.world.published(said.MeetingCancelled)) == 8
    assert outcome(house, ROW).outcome == RowOutcome.UPDATED
    assert len(house.find()) == 8


def test_the_same_slug_again_is_unchanged_or_updated(house: House) -> None:
    """Nothing is told when nothing changed; a new hour moves what is coming; a new day replaces it."""
    outcome(house, ROW)
    before = len(house.world.said())
    assert outcome(house, dict(reversed(ROW.items())) | {"updated": "2026-11-01 00:00:00"}).outcome == "unchanged"
    assert len(house.world.said()) == before
    assert outcome(house, ROW | {"time": "18:00"}).outcome == RowOutcome.UPDATED
    moved = house.world.published(said.MeetingMoved)
    assert len(moved) == 8
    assert {event.starts_at.strftime("%a %H:%M") for event in moved} == {"Tue 18:00"}
    assert outcome(house, ROW | {"time": "18:00", "day": 4}).outcome == RowOutcome.UPDATED
    assert len(house.world.published(said.MeetingCancelled)) == 8
    assert {m.starts_at.strftime("%a %H:%M") for m in house.find()} == {"Thu 18:00"}
    house.world.tick(days=7)
    assert {m.starts_at.strftime("%a") for m in house.find()} == {"Thu"}


def test_what_a_coordinator_changed_stays(house: House) -> None:
    """A meeting moved by hand keeps its hour when the list gives another."""
    outcome(house, ROW)
    by_hand = house.find()[0]
    house.world.send(said.MoveMeeting(meeting_id=by_hand.meeting_id, revision=1, minutes=45), OPERATOR)
    outcome(house, ROW | {"time": "18:00"})
    assert house.page(by_hand.meeting_id).ends_at - by_hand.starts_at == timedelta(minutes=45)


def test_a_new_name_is_told_of(house: House) -> None:
    """The group's facts are said again; the meetings stay as they are."""
    outcome(house, ROW)
    outcome(house, ROW | {"name": "Soul"})
    assert [event.name for event in house.world.published(said.GroupFounded)][-2:] == ["Touch & Soul", "Soul"]
    assert house.world.published(said.MeetingMoved) == []


def test_two_rows_with_one_slug_are_told_apart(house: House) -> None:
    """The second is refused, and names the first."""
    reports = send(house, ROW, ONLINE, ROW | {"name": "Another"})
    assert reports[2].why == "row 1 has the same slug; each row needs its own"


def test_a_slug_of_an_earlier_slice_is_refused_like_one_of_its_own(house: House) -> None:
    """So that a long list with a slug twice, imported again, changes nothing."""
    rows = [ROW | {"slug": f"row-{at % 50}", "name": f"Name {at}"} for at in range(52)]
    for counts in ({RowOutcome.ADDED: 50, RowOutcome.REFUSED: 2}, {RowOutcome.UNCHANGED: 50, RowOutcome.REFUSED: 2}):
        reports: list[said.RowReport] = []
        while len(reports) < len(rows):
            reports += house.world.send(next_slice(rows, reports, house.chapter), OPERATOR).rows
        assert Counter(report.outcome for report in reports) == counts
        assert (reports[50].row, reports[50].why) == (51, "row 1 has the same slug; each row needs its own")


def test_a_row_of_a_bmlt_server_is_told_where_its_list_for_meeting_guide_is(house: House) -> None:
    """Its rows look like meetings and have other names for everything."""
    report = outcome(
        house, {"id_bigint": "7", "meeting_name": "Noon", "weekday_tinyint": "2", "start_time": "12:00:00"}
    )
    assert report.why is not None
    assert "client_interface/tsml" in report.why


def test_odd_characters_do_no_harm(house: House) -> None:
    """Control characters, a lone surrogate, markup: a name is one line of text."""
    assert outcome(house, ROW | {"name": "A\u0000B\ud800C\n<b>D</b>"}).name == "A B C <b>D</b>"


def test_rows_are_numbered_from_the_first_of_the_slice(house: House) -> None:
    """So that a report of many slices adds up."""
    command = said.ImportMeetings(chapter_id=house.chapter, first_row=51, rows_json=json.dumps([ROW, ONLINE]))
    assert [report.row for report in house.world.send(command, OPERATOR).rows] == [51, 52]


def test_the_same_request_again_answers_the_same(house: House) -> None:
    """A slice sent twice, since the answer was lost, is imported once."""
    command = said.ImportMeetings(chapter_id=house.chapter, first_row=1, rows_json=json.dumps([ROW]))
    first = house.world.send(command, OPERATOR, request_id="slice-1")
    assert house.world.send(command, OPERATOR, request_id="slice-1") == first
    assert first.rows[0].outcome == RowOutcome.ADDED
    assert len(house.find()) == 8


def test_an_imported_meeting_is_found_by_anyone(house: House) -> None:
    """By its words and mode."""
    send(house, ROW, ONLINE)
    now = house.world.clock.now()
    query = said.FindMeetings(after=now, before=now + timedelta(days=7), mode=Mode.ONLINE)
    assert [m.group_name for m in house.world.ask(query, VISITOR).meetings] == ["Evening"]
