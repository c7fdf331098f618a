"""A meetings service on a database of its own, with one chapter to begin with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from services.meetings.service import MeetingsService
from services.meetings.store import MeetingsWork, metadata
from shared.contracts import meetings as said
from shared.contracts.base import Mode
from shared.contracts.errors import Invalid
from shared.messaging.requests import named
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.support.world import OPERATOR, START, World, key_folder, ring


def _nobody(request: object) -> object:
    raise AssertionError(f"meetings asks nobody, but asked {request}")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An empty database of each kind, with this service's tables."""
    engine = make_engine(database)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def world(engine: Engine) -> World:
    """The service, driven by hand."""
    keys = ring("meetings")
    clock = SteppedClock(START)
    store = Store(engine=engine, work=MeetingsWork, keys=keys, clock=clock)
    parts = Parts(settings=Settings(keys=key_folder()), keys=keys, clock=clock, store=store, ask=_nobody)
    return World(MeetingsService(parts), store, clock)


@dataclass
class House:
    """A region with a chapter in London, a group, a venue and a room with link, dial-in and passcode."""

    world: World
    chapter: str = ""
    region: str = ""
    group: str = ""
    venue: str = ""
    room: str = ""
    _slugs: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open_chapter(self, zone: str = "Europe/London", name: str = "Harbour") -> str:
        slug = f"chapter-{next(self._slugs)}"
        command = said.OpenChapter(region_id=self.region, name=name, slug=slug, time_zone=zone)
        return self.world.send(command, OPERATOR).chapter_id

    def found_group(self, chapter: str | None = None, name: str = "Tuesday circle", **more: object) -> str:
        command = said.FoundGroup(chapter_id=chapter or self.chapter, name=name, purpose="Living with worry", **more)
        return self.world.send(command, OPERATOR).group_id

    def add_venue(self, chapter: str | None = None, name: str = "Library") -> str:
        command = said.AddVenue(
            chapter_id=chapter or self.chapter, name=name, address="1 Quay Street", city="London", country="GB"
        )
        return self.world.send(command, OPERATOR).venue_id

    def add_room(
        self,
        chapter: str | None = None,
        link: str | None = "https://meet.example.org/quiet-harbour",
        dial_in: str | None = "+44 20 7946 0000,,123#",
    ) -> str:
        command = said.AddRoom(
            chapter_id=chapter or self.chapter,
            name="Video room",
            link=self.world.seal(link) if link else None,
            dial_in=self.world.seal(dial_in) if dial_in else None,
            passcode=self.world.seal("open-sesame-99"),
        )
        return self.world.send(command, OPERATOR).room_id

    def schedule(self, rrule: str = "FREQ=WEEKLY;BYDAY=TU", **more: object) -> list[said.MeetingView]:
        """Schedule a series (hybrid: 12 in the room, 60 online, unless said otherwise); its meetings, by start."""
        command = said.ScheduleSeries(**self.series(rrule, **more))
        view = self.world.send(command, OPERATOR)
        return [self.page(meeting_id) for meeting_id in view.meetings]

    def series(self, rrule: str = "FREQ=WEEKLY;BYDAY=TU", **more: object) -> dict[str, object]:
        rule = said.SeriesRule(
            rrule=rrule,
            starts_on=more.pop("starts_on", date(2026, 11, 3)),
            starts=more.pop("starts", time(19, 0)),
            minutes=90,
            skip=more.pop("skip", ()),
        )
        return {
            "group_id": self.group,
            "rule": rule,
            "offers": offers(in_person=12, online=60),
            "venue_id": self.venue,
            "room_id": self.room,
        } | more

    def page(self, meeting_id: str) -> said.MeetingView:
        return self.world.ask(said.MeetingPage(meeting_id=meeting_id), OPERATOR)

    def find(self, **more: object) -> list[said.MeetingView]:
        now = self.world.clock.now()
        query = said.FindMeetings(**({"after": now, "before": now + timedelta(days=70)} | more))
        return list(self.world.ask(query, OPERATOR).meetings)


def offers(**capacities: int) -> tuple[said.ModeOffer, ...]:
    """Offers by mode: ``offers(in_person=12, online=60)``."""
    return tuple(said.ModeOffer(mode=Mode(mode), capacity=places) for mode, places in capacities.items())


@pytest.fixture
def house(world: World) -> House:
    """One chapter with all it needs."""
    house = House(world)
    house.region = world.send(said.FoundRegion(name="North Shore", slug="north-shore"), OPERATOR).region_id
    house.chapter = house.open_chapter()
    house.group = house.found_group()
    house.venue = house.add_venue()
    house.room = house.add_room()
    return house


def field_refused(act: Callable[[], object]) -> str | None:
    """The field that is refused: by the contract where it is asked, or by the service."""
    with pytest.raises((Invalid, ValidationError)) as refused:
        act()
    error = refused.value
    return named(error).field if isinstance(error, ValidationError) else error.field
