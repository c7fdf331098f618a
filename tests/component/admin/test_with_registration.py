"""The pages over the registration service itself: what they ask, show and send is what it takes and gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from services.registration.service import RegistrationService
from services.registration.store import RegistrationStoreWork, metadata
from shared.contracts import registration as r
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.component.admin.scene import HERE, NORTH, NOW, Browser
from tests.component.registration.acts import ONLINE, facts, join, take
from tests.support.world import World, coordinator, member, ring

SHEET = f"/meetings/{HERE}/attendance"


@pytest.fixture
def world(browser: Browser) -> Iterator[World]:
    """Ana and Ben hold the two places in the room, Cleo waits for one, Dov is online."""
    engine, clock = make_engine("sqlite://"), SteppedClock(NOW)
    metadata.create_all(engine)
    store = Store(engine, RegistrationStoreWork, ring("registration"), clock)

    def nobody(request: object) -> object:
        raise AssertionError(request)

    parts = Parts(settings=Settings(), keys=store.keys, clock=clock, store=store, ask=nobody)
    world = World(RegistrationService(parts), store, clock)
    world.deliver(facts(meeting_id=HERE, chapter_id=NORTH, starts_at=NOW + timedelta(hours=10)))
    join(world, "ana", "ben", "cleo", "dov")
    for name in ("ana", "ben", "cleo"):
        take(world, name, meeting_id=HERE)
    take(world, "dov", ONLINE, meeting_id=HERE)
    browser.asking.use(world, r.ListMeetingSeats, r.CountSeats, r.MarkAttendance, r.AddWalkIn, r.CloseAttendance)
    yield world
    engine.dispose()


def test_a_coordinator_sees_the_seats_and_takes_attendance(browser: Browser, clock: SteppedClock, world: World) -> None:
    """From the filling lists to the closed sheet, and the counts that go out."""
    browser.sign_in()
    assert re.search(r"<strong[^>]*>2</strong> of 2, <span[^>]*>1</span> waiting", browser.get("/meetings"))
    page = browser.get(f"/meetings/{HERE}")
    assert re.search(r"Ana.*Ben.*Waiting, in this order.*Cleo.*Dov", page, re.DOTALL)
    assert "Tell 4 people" in browser.get(f"/meetings/{HERE}/change/cancel")
    assert "It is too early" in browser.get(SHEET)
    for each in (clock, world.clock):
        each.step(hours=10, minutes=5)
    page = browser.get(SHEET)
    seats = dict(re.findall(r'id="mark-([^"]+)".*?\u2013 (\w+)', page, re.DOTALL))
    ana = next(seat for seat, name in seats.items() if name == "Ana")
    browser.post(SHEET, seat_id=ana, outcome="attended")
    assert "Added." in browser.post(f"{SHEET}/walk-ins", alias="Sky", mode="in_person")
    page = browser.get(SHEET)
    assert "Sky" in page
    assert re.search(r"<strong[^>]*>2</strong> of <span[^>]*>4</span> here, <span[^>]*>2</span> not marked", page)
    assert "The sheet is closed" in browser.post(f"{SHEET}/close")
    counted = world.published(r.AttendanceCounted)[-1]
    assert (counted.members, counted.guests) == (1, 1)
    view = world.ask(r.ListMeetingSeats(meeting_id=HERE), coordinator(NORTH))
    assert {row.alias: row.outcome for row in view.seats if row.state is r.SeatState.CONFIRMED} == {
        "Ana": r.Outcome.ATTENDED,
        "Ben": r.Outcome.MISSED,
        "Dov": r.Outcome.MISSED,
    }


def test_who_left_has_no_name_on_any_page(browser: Browser, clock: SteppedClock, world: World) -> None:
    """Who was marked as being here stays in the count, and is called nothing else; whose place was freed is gone."""
    browser.sign_in()
    for each in (clock, world.clock):
        each.step(hours=10, minutes=5)
    page = browser.get(SHEET)
    seats = {name: seat for seat, name in re.findall(r'id="mark-([^"]+)".*?\u2013 (\w+)', page, re.DOTALL)}
    browser.post(SHEET, seat_id=seats["Ana"], outcome="attended")
    for name in ("ana", "ben"):
        world.send(r.Leave(), member(name))
    for path in (SHEET, f"/meetings/{HERE}", f"/meetings/{HERE}/sign-in-sheet"):
        page = browser.get(path)
        assert "Someone who left" in page
        assert "Cleo" in page, "she moved up"
        assert not re.search(r"\bAna\b|\bBen\b", page)
