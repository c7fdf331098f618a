"""The attendance sheet: taps, walk-ins, closing, corrections, and who is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from services.registration.store.tables import guests
from shared.contracts.errors import Invalid, NotFound, TooLate
from shared.contracts.registration import (
    AddWalkIn,
    AttendanceCounted,
    AttendanceRecorded,
    CloseAttendance,
    ListMeetingSeats,
    MarkAttendance,
    MeetingNotOpen,
    ModeNotOffered,
    Outcome,
    SeatReleased,
)
from shared.storage import core
from tests.component.registration.acts import (
    HOST,
    ONLINE,
    PHONE,
    ROOM,
    cancelled,
    close,
    ended,
    facts,
    give_up,
    join,
    mark,
    sheet,
    take,
    walk_in,
)
from tests.support.world import World

ATTENDED, MISSED, EXCUSED = Outcome.ATTENDED, Outcome.MISSED, Outcome.EXCUSED


@pytest.fixture
def evening(world: World) -> World:
    """Ana and Ben hold the room's two places, Cat waits for one, Dan is online; the meeting has just begun."""
    world.deliver(facts(room=2))
    join(world, "ana", "ben", "cat", "dan")
    for name in ("ana", "ben", "cat"):
        take(world, name)
    take(world, "dan", ONLINE)
    world.tick(days=3)
    return world


def outcomes(world: World) -> dict[str, tuple[Outcome | None, object]]:
    """What the sheet says."""
    return {row.member_id: (row.outcome, row.attended_mode) for row in sheet(world).seats}


def recorded(world: World) -> list[tuple[str, Outcome, int]]:
    """What was said of members, in order."""
    return [(event.member_id, event.outcome, event.change) for event in world.published(AttendanceRecorded)]


def counted(world: World) -> tuple[int, int, int, int, int]:
    """The newest counts: members, guests, in person, online, by phone."""
    last = world.published(AttendanceCounted)[-1]
    return last.members, last.guests, last.in_person, last.online, last.phone


def test_one_tap_marks_and_the_next_takes_it_back(evening: World) -> None:
    """Nothing is told before the sheet is closed."""
    mark(evening, "ana", ATTENDED)
    assert outcomes(evening)["ana"] == (ATTENDED, ROOM)
    mark(evening, "ana", None)
    assert outcomes(evening)["ana"] == (None, None)
    assert recorded(evening) == []


def test_closing_tells_each_member_s_outcome_and_the_counts(evening: World) -> None:
    """Who held a place unmarked missed it; who waited in line and did not come is not spoken of."""
    mark(evening, "ana", ATTENDED)
    mark(evening, "dan", EXCUSED)
    walk_in(evening)
    close(evening)
    assert recorded(evening) == [("ana", ATTENDED, 1), ("ben", MISSED, 1), ("dan", EXCUSED, 1)]
    assert counted(evening) == (1, 1, 2, 0, 0)
    assert sheet(evening).attendance_closed


def test_the_counts_hold_no_hour_and_no_person(evening: World) -> None:
    """All that feedback hears is a day and numbers."""
    close(evening)
    event = evening.published(AttendanceCounted)[-1]
    assert event.meeting_day == datetime(2026, 11, 5, tzinfo=UTC)
    assert not any(name in event.model_dump_json() for name in ("ana", "ben", "09:00"))


def test_who_waited_in_line_and_came_anyway_attended(evening: World) -> None:
    """An RSVP is never an attendance, nor is its absence an absence."""
    mark(evening, "cat", ATTENDED)
    close(evening)
    assert ("cat", ATTENDED, 1) in recorded(evening)


def test_one_attends_in_another_mode_than_one_s_seat(evening: World) -> None:
    """Ana's bus did not come, so she dialled in; but not in a mode that is not held."""
    mark(evening, "ana", ATTENDED, ONLINE)
    with pytest.raises(ModeNotOffered):
        mark(evening, "ben", ATTENDED, PHONE)
    close(evening)
    assert counted(evening) == (1, 0, 0, 1, 0)


def test_a_correction_after_closing_goes_out_at_once(evening: World) -> None:
    """The newest change stands; what has not changed is not told again."""
    mark(evening, "ana", ATTENDED)
    close(evening)
    mark(evening, "ben", ATTENDED)
    assert recorded(evening)[-1] == ("ben", ATTENDED, 2)
    assert counted(evening) == (2, 0, 2, 0, 0)
    close(evening)
    assert len(recorded(evening)) == 4
    mark(evening, "ana", None)
    assert recorded(evening)[-1] == ("ana", MISSED, 2)
    mark(evening, "cat", ATTENDED)
    mark(evening, "cat", None)
    assert recorded(evening)[-1] == ("cat", EXCUSED, 2)
    assert counted(evening) == (1, 0, 1, 0, 0)
    changes = [event.change for event in evening.published(AttendanceCounted)]
    assert changes == list(range(1, len(changes) + 1)), "each count is newer than the one before"


def test_a_mark_taken_twice_is_told_once(evening: World) -> None:
    """A double tap is one tap."""
    close(evening)
    mark(evening, "ana", ATTENDED)
    mark(evening, "ana", ATTENDED)
    assert [each for each in recorded(evening) if each[0] == "ana"] == [("ana", MISSED, 1), ("ana", ATTENDED, 2)]


def test_a_walk_in_needs_no_name(evening: World) -> None:
    """Guests are numbered; a name is sealed and shown to the coordinator only."""
    first = walk_in(evening)
    walk_in(evening, "Robin")
    assert [(guest.alias, guest.outcome) for guest in sheet(evening).guests] == [
        ("Guest 1", ATTENDED),
        ("Robin", ATTENDED),
    ]
    evening.send(MarkAttendance(meeting_id="meeting-1", guest_id=first, outcome=None), HOST)
    close(evening)
    assert counted(evening) == (0, 1, 1, 0, 0)
    with pytest.raises(Invalid) as refusal:
        walk_in(evening, "robin@example.org")
    assert refusal.value.field == "alias"


def test_a_guest_is_gone_24_hours_after_the_meeting_and_still_counted(evening: World) -> None:
    """Row, name and key; a later correction does not lose them from the figures."""
    guest = walk_in(evening, "Robin")
    close(evening)
    evening.tick(hours=25, minutes=30)
    assert len(sheet(evening).guests) == 1
    evening.tick(minutes=1)
    assert sheet(evening).guests == ()
    with evening.store.reading() as work:
        assert work.connection.scalar(select(func.count()).select_from(guests)) == 0
        assert guest not in work.connection.scalars(select(core.member_keys.c.member_id)).all()
    mark(evening, "ana", ATTENDED)
    assert counted(evening) == (1, 1, 2, 0, 0)
    with pytest.raises(NotFound, match="24 hours"):
        evening.send(MarkAttendance(meeting_id="meeting-1", guest_id=guest, outcome=None), HOST)


def test_the_sheet_is_open_from_half_an_hour_before_until_14_days_after(world: World) -> None:
    """Closed only once the meeting has begun."""
    world.deliver(facts())
    join(world, "ana")
    take(world, "ana")
    world.tick(days=2, hours=23, minutes=29)
    with pytest.raises(MeetingNotOpen, match="30 minutes"):
        mark(world, "ana", ATTENDED)
    world.tick(minutes=1)
    mark(world, "ana", ATTENDED)
    with pytest.raises(MeetingNotOpen, match="not begun"):
        close(world)
    world.deliver(ended())
    world.tick(days=14, hours=2)
    close(world)
    world.tick(minutes=1)
    with pytest.raises(TooLate):
        mark(world, "ana", None)


def test_a_cancelled_meeting_has_no_sheet(evening: World) -> None:
    """Not even for a walk-in."""
    evening.deliver(cancelled())
    for command in (CloseAttendance(meeting_id="meeting-1"), AddWalkIn(meeting_id="meeting-1")):
        with pytest.raises(MeetingNotOpen):
            evening.send(command, HOST)


def test_one_tap_names_one_person(evening: World) -> None:
    """A seat or a guest; one of this meeting; not a seat that was given up."""
    for who in ({}, {"seat_id": "x", "guest_id": "y"}):
        with pytest.raises(Invalid):
            evening.send(MarkAttendance(meeting_id="meeting-1", outcome=ATTENDED, **who), HOST)
    with pytest.raises(NotFound):
        evening.send(MarkAttendance(meeting_id="meeting-1", outcome=ATTENDED, seat_id="x"), HOST)
    give_up(evening, "ben")
    gone = evening.published(SeatReleased)[-1].seat_id
    with pytest.raises(NotFound, match="walk-in"):
        evening.send(MarkAttendance(meeting_id="meeting-1", outcome=ATTENDED, seat_id=gone), HOST)


def test_first_time_is_said_of_who_never_attended_this_group(evening: World) -> None:
    """Another group's meeting, or a seat not used, does not count."""
    mark(evening, "ana", ATTENDED)
    close(evening)
    for number, group in (("2", "group-1"), ("3", "group-2")):
        evening.deliver(
            facts(meeting_id=f"meeting-{number}", group_id=group, starts_at=datetime(2026, 12, 1, tzinfo=UTC))
        )
        for name in ("ana", "ben"):
            take(evening, name, meeting_id=f"meeting-{number}")
    assert all(row.first_time for row in sheet(evening).seats)
    assert first_times(evening, "meeting-2") == {"ana": False, "ben": True}
    assert first_times(evening, "meeting-3") == {"ana": True, "ben": True}


def first_times(world: World, meeting_id: str) -> dict[str, bool]:
    """Who is new to the group."""
    view = world.ask(ListMeetingSeats(meeting_id=meeting_id), HOST)
    return {row.member_id: row.first_time for row in view.seats}
