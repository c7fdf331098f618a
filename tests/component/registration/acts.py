"""The life of a meeting in short words: facts of it, people who join, and what they do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.contracts.base import Actor, Mode
from shared.contracts.meetings import (
    MeetingCancelled,
    MeetingEnded,
    MeetingFacts,
    MeetingMovedBack,
    MeetingMovedOnline,
    MeetingScheduled,
    MeetingStatus,
    ModeOffer,
)
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    ConsentChoice,
    CountSeats,
    GiveUpSeat,
    Join,
    ListMeetingSeats,
    MarkAttendance,
    MeetingSeats,
    Outcome,
    RoleInAttending,
    SeatFacts,
    SeatState,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from tests.support.world import START, World, coordinator, member

ROOM, ONLINE, PHONE = Mode.IN_PERSON, Mode.ONLINE, Mode.PHONE
STARTS = START + timedelta(days=3)
ENDS = STARTS + timedelta(minutes=90)
CHAPTER = "chapter-1"
HOST = coordinator(CHAPTER)


def facts(
    kind: type[MeetingFacts] = MeetingScheduled,
    *,
    room: int | None = 2,
    online: int | None = 3,
    phone: int | None = None,
    revision: int = 1,
    status: MeetingStatus = MeetingStatus.SCHEDULED,
    meeting_id: str = "meeting-1",
    chapter_id: str = CHAPTER,
    group_id: str = "group-1",
    starts_at: datetime = STARTS,
    **more: Any,
) -> Any:
    """An event of a hybrid meeting with these places."""
    capacities = {ROOM: room, ONLINE: online, PHONE: phone}
    return kind(
        meeting_id=meeting_id,
        series_id=None,
        group_id=group_id,
        group_name="Tuesday circle",
        chapter_id=chapter_id,
        region_id="region-1",
        revision=revision,
        status=status,
        starts_at=starts_at,
        ends_at=starts_at + (ENDS - STARTS),
        time_zone="Europe/London",
        place=None,
        offers=tuple(
            ModeOffer(mode=mode, capacity=places) for mode, places in capacities.items() if places is not None
        ),
        **more,
    )


def moved_online(*, revision: int = 2, online: int = 5, **more: Any) -> MeetingMovedOnline:
    """The venue is shut; online holds both."""
    return facts(MeetingMovedOnline, room=None, online=online, revision=revision, online_instead=True, **more)


def moved_back(*, revision: int = 3, **more: Any) -> MeetingMovedBack:
    """The venue is open after all."""
    return facts(MeetingMovedBack, revision=revision, **more)


def cancelled(*, revision: int = 1, **more: Any) -> MeetingCancelled:
    """The meeting does not take place."""
    return facts(MeetingCancelled, revision=revision, status=MeetingStatus.CANCELLED, **more)


def ended(*, revision: int = 1, **more: Any) -> MeetingEnded:
    """The meeting's end has passed."""
    return facts(MeetingEnded, revision=revision, status=MeetingStatus.ENDED, **more)


def join(world: World, *names: str, consents: tuple[ConsentChoice, ...] = ()) -> None:
    """These people join; each is called as their member id, with a capital."""
    for name in names:
        command = Join(
            alias=world.seal(name.capitalize()),
            role_in_attending=RoleInAttending.LIVED_EXPERIENCE,
            agreement_version=1,
            consents=consents,
        )
        world.send(command, member(name))


def take(world: World, name: str, mode: Mode = ROOM, meeting_id: str = "meeting-1") -> SeatView:
    """A seat for this member."""
    return world.send(TakeSeat(meeting_id=meeting_id, mode=mode), member(name))


def switch(world: World, name: str, mode: Mode, *, or_wait: bool = False) -> SeatView:
    """They attend otherwise."""
    return world.send(SwitchMode(meeting_id="meeting-1", mode=mode, or_wait=or_wait), member(name))


def give_up(world: World, name: str) -> None:
    """They give up their seat."""
    world.send(GiveUpSeat(meeting_id="meeting-1"), member(name))


def mark(world: World, name: str, outcome: Outcome | None, mode: Mode | None = None, actor: Actor = HOST) -> None:
    """One tap on the sheet."""
    seat = next(row for row in sheet(world).seats if row.member_id == name)
    world.send(MarkAttendance(meeting_id="meeting-1", seat_id=seat.seat_id, outcome=outcome, mode=mode), actor)


def walk_in(world: World, alias: str | None = None, *, online: bool = False) -> str:
    """A guest, in the room unless said otherwise."""
    sealed = None if alias is None else world.seal(alias)
    return world.send(AddWalkIn(meeting_id="meeting-1", alias=sealed, mode=ONLINE if online else ROOM), HOST).guest_id


def close(world: World) -> None:
    """The sheet is done."""
    world.send(CloseAttendance(meeting_id="meeting-1"), HOST)


def sheet(world: World, actor: Actor = HOST) -> MeetingSeats:
    """What the coordinator sees."""
    return world.ask(ListMeetingSeats(meeting_id="meeting-1"), actor)


def standing(world: World) -> dict[str, str]:
    """Who holds what: ``{"ana": "in_person", "ben": "in_person, 1st in line"}`` as ``mode`` or ``mode#place``."""
    return {
        row.member_id: row.mode.value + (f"#{row.place_in_line}" if row.place_in_line else "")
        for row in sheet(world).seats
    }


def figures(world: World) -> dict[Mode, tuple[int, int, int]]:
    """Capacity, confirmed and waiting by mode."""
    view = world.ask(CountSeats(meeting_ids=("meeting-1",)), HOST)
    return {count.mode: (count.capacity, count.confirmed, count.waiting) for count in view.meetings[0].counts}


def told(world: World, since: int = 0) -> list[str]:
    """What was said of seats: ``"ana confirmed in_person: taken"``."""
    return [
        f"{event.member_id} {event.state.value} {event.mode.value}: {event.reason.value}"
        for event in list(world.said())[since:]
        if isinstance(event, SeatFacts)
    ]


def is_sound(world: World) -> None:
    """Never oversold; no free place while someone waits; the counters say what the seats say."""
    view = sheet(world)
    for count in view.counts:
        rows = [row for row in view.seats if row.mode is count.mode]
        assert count.confirmed == sum(row.state is SeatState.CONFIRMED for row in rows)
        assert count.waiting == sum(row.state is SeatState.WAITLISTED for row in rows)
        assert count.confirmed <= count.capacity
        assert count.confirmed == count.capacity or count.waiting == 0
