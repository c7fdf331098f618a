"""Who may do and see what. The gateways are not believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.registration.service import RegistrationService
from shared.contracts.base import REQUESTS, Actor, Role
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.registration import (
    AcceptAgreement,
    AddWalkIn,
    CloseAttendance,
    CountSeats,
    CurrentAgreement,
    DecideConsents,
    GiveUpSeat,
    Join,
    Leave,
    ListMeetingSeats,
    ListMySeats,
    MarkAttendance,
    Membership,
    MyMembership,
    Openings,
    Outcome,
    RoleInAttending,
    SwitchMode,
    TakeSeat,
)
from shared.messaging.entrypoints import entrypoints_of
from shared.runtime.ids import new_id
from tests.component.registration.acts import HOST, ONLINE, ROOM, STARTS, cancelled, facts, figures, join, sheet, take
from tests.support.world import OPERATOR, REGIONAL, SERVICE, VISITOR, World, coordinator, member

MEMBERS_ONLY = [
    Join(alias="x", role_in_attending=RoleInAttending.FAMILY, agreement_version=1),
    AcceptAgreement(version=1),
    DecideConsents(choices=()),
    TakeSeat(meeting_id="meeting-1", mode=ROOM),
    SwitchMode(meeting_id="meeting-1", mode=ONLINE),
    GiveUpSeat(meeting_id="meeting-1"),
    Leave(),
    MyMembership(),
    ListMySeats(),
]
COORDINATORS_ONLY = [
    MarkAttendance(meeting_id="meeting-1", seat_id="seat-1", outcome=Outcome.ATTENDED),
    AddWalkIn(meeting_id="meeting-1"),
    CloseAttendance(meeting_id="meeting-1"),
    ListMeetingSeats(meeting_id="meeting-1"),
]
NOBODY = Actor(role=Role.MEMBER)
FOREIGN = coordinator("chapter-2")


@pytest.fixture
def evening(world: World) -> World:
    """Ana and Ben at a meeting that has just begun."""
    world.deliver(facts(room=1))
    join(world, "ana", "ben")
    take(world, "ana")
    take(world, "ben")
    world.tick(days=3)
    return world


def ask(world: World, request: object, actor: Actor) -> object:
    """Send or ask, whichever it is."""
    return world._request(request, actor, new_id())


def test_only_a_member_acts_for_a_member(evening: World) -> None:
    """No other role, and no member without an id; nothing is said of the attempt."""
    before = len(evening.said())
    for actor in (VISITOR, HOST, REGIONAL, OPERATOR, SERVICE, NOBODY):
        for request in MEMBERS_ONLY:
            with pytest.raises(Forbidden):
                ask(evening, request, actor)
    assert len(evening.said()) == before


def test_only_a_coordinator_sees_and_marks_people(evening: World) -> None:
    """Regional staff see no person, nor figures of one meeting."""
    for actor in (VISITOR, member("ana"), REGIONAL, OPERATOR, SERVICE):
        for request in (*COORDINATORS_ONLY, CountSeats(meeting_ids=())):
            with pytest.raises(Forbidden):
                ask(evening, request, actor)


def test_a_meeting_of_another_chapter_is_as_if_it_were_not_there(evening: World) -> None:
    """The refusal is the same as for no meeting at all."""
    for request in COORDINATORS_ONLY:
        with pytest.raises(NotFound) as foreign:
            ask(evening, request, FOREIGN)
        unknown = request.model_copy(update={"meeting_id": "meeting-9"})
        with pytest.raises(NotFound) as nothing:
            ask(evening, unknown, HOST)
        assert str(foreign.value) == str(nothing.value)


def test_every_request_is_in_one_of_the_lists_above() -> None:
    """A new entrypoint is not let in by being forgotten here."""
    entrypoints = entrypoints_of(RegistrationService)
    listed = {type(request) for request in (*MEMBERS_ONLY, *COORDINATORS_ONLY)} | {
        CountSeats,
        Openings,
        CurrentAgreement,
    }
    assert {*entrypoints.commands, *entrypoints.queries} == listed
    assert listed == {model for name, model in REQUESTS.items() if name.startswith("registration.")}


def test_figures_of_other_chapters_are_left_out(evening: World) -> None:
    """Those asked for come in the order asked."""
    evening.deliver(facts(meeting_id="meeting-2", chapter_id="chapter-2"), facts(meeting_id="meeting-0"))
    asked = CountSeats(meeting_ids=("meeting-2", "meeting-1", "meeting-9", "meeting-0"))
    view = evening.ask(asked, HOST)
    assert [each.meeting_id for each in view.meetings] == ["meeting-1", "meeting-0"]
    assert figures(evening)[ROOM] == (1, 1, 1)


def test_the_world_hears_whether_there_is_a_place_and_never_how_many_come(world: World) -> None:
    """A yes or no for each mode; a meeting that is over has no place; an unknown one is left out."""
    world.deliver(facts(room=1, online=1), facts(meeting_id="meeting-2", room=0, online=None))
    join(world, "ana")
    asked = Openings(meeting_ids=("meeting-1", "meeting-2", "meeting-9"))

    def free() -> dict[str, dict[str, bool]]:
        view = world.ask(asked, VISITOR)
        return {each.meeting_id: {mode.mode.value: mode.free for mode in each.modes} for each in view.meetings}

    assert free() == {"meeting-1": {"in_person": True, "online": True}, "meeting-2": {"in_person": False}}
    take(world, "ana")
    assert free()["meeting-1"] == {"in_person": False, "online": True}
    world.tick(days=4)
    assert free()["meeting-1"] == {"in_person": False, "online": False}


def test_the_coordinator_sees_the_confirmed_by_name_and_then_the_lines_in_their_order(world: World) -> None:
    """The released are left out."""
    world.deliver(facts(room=2, online=1))
    join(world, "zoe", "ana", "ben", "cat", "dan", "eve")
    for name in ("zoe", "ana", "cat", "ben"):
        take(world, name)
    take(world, "dan", ONLINE)
    take(world, "eve", ONLINE)
    world.send(GiveUpSeat(meeting_id="meeting-1"), member("dan"))
    assert [(row.alias, row.mode, row.place_in_line) for row in sheet(world).seats] == [
        ("Ana", ROOM, None),
        ("Eve", ONLINE, None),
        ("Zoe", ROOM, None),
        ("Cat", ROOM, 1),
        ("Ben", ROOM, 2),
    ]


def test_a_member_sees_their_own_coming_seats_by_start(world: World) -> None:
    """Not those of others, nor those given up, cancelled or over."""
    for number, days in ((1, 2), (2, 0), (3, 1), (4, 3)):
        world.deliver(facts(meeting_id=f"meeting-{number}", starts_at=STARTS + timedelta(days=days)))
    join(world, "ana", "ben")
    for number in (1, 2, 3, 4):
        take(world, "ana", meeting_id=f"meeting-{number}")
    take(world, "ben")
    world.send(GiveUpSeat(meeting_id="meeting-3"), member("ana"))
    world.deliver(cancelled(meeting_id="meeting-4"))
    assert [seat.meeting_id for seat in world.ask(ListMySeats(), member("ana")).seats] == ["meeting-2", "meeting-1"]
    world.tick(days=3, hours=2)
    assert [seat.meeting_id for seat in world.ask(ListMySeats(), member("ana")).seats] == ["meeting-1"]


def test_a_member_whose_key_is_gone_has_no_name_left(evening: World) -> None:
    """The sheet still opens."""
    with evening.store.writing() as work:
        work.vault.forget("ana")
    assert [row.alias for row in sheet(evening).seats] == ["", "Ben"]
    assert evening.ask(MyMembership(), member("ana")) == Membership(joined=True, agreement_current=True)
