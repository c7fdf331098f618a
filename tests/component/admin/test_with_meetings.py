"""The pages over the meetings service itself: from an empty chapter to a meeting that moved online."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from services.meetings.service import MeetingsService
from services.meetings.store import MeetingsWork, metadata
from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import ChapterId, Role
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.component.admin.scene import NOW, Browser
from tests.support.world import OPERATOR, World, key_folder, ring

OWN = (
    m.MeetingPage, m.ListChapters, m.FindMeetings, m.ChapterPage, m.PreviewSeries, m.ScheduleSeries, m.FoundGroup,
    m.AddVenue, m.AddRoom, m.OpenChapter, m.MoveOnline, m.MoveBack, m.CancelMeeting,
)  # fmt: skip


@pytest.fixture
def world(browser: Browser) -> Iterator[World]:
    """A region, and nothing else."""
    engine, clock = make_engine("sqlite://"), SteppedClock(NOW)
    metadata.create_all(engine)
    store = Store(engine, MeetingsWork, ring("meetings"), clock)

    def nobody(request: object) -> object:
        raise AssertionError(request)

    parts = Parts(settings=Settings(keys=key_folder()), keys=store.keys, clock=clock, store=store, ask=nobody)
    world = World(MeetingsService(parts), store, clock)
    browser.asking.use(world, *OWN)
    browser.asking.answer(r.CountSeats, r.MeetingFigures(meetings=()))
    browser.asking.answer(r.ListMeetingSeats, lambda query, _: r.MeetingSeats(meeting_id=query.meeting_id, counts=(), seats=(), guests=(), attendance_closed=False))  # fmt: skip
    yield world
    engine.dispose()


def chapter(world: World) -> ChapterId:
    region = world.send(m.FoundRegion(name="Lakeside", slug="lakeside"), OPERATOR)
    opening = m.OpenChapter(region_id=region.region_id, name="North", slug="north", time_zone="America/Chicago")
    return world.send(opening, OPERATOR).chapter_id


def test_an_empty_chapter_becomes_a_meeting_that_moves_online(browser: Browser, world: World) -> None:
    """Group, venue, room, series, list, change: each page as a coordinator would go."""
    here = chapter(world)
    browser.sign_in(Role.COORDINATOR, here)
    at = f"/chapters/{here}"
    browser.get(f"{at}/groups/new")
    browser.post(f"{at}/groups/new", name="Circle", purpose="To listen", kind="peer", format="topic", policy="open")
    browser.get(f"{at}/venues/new")
    browser.post(f"{at}/venues/new", name="Library", address="1 River Rd", city="Evanston", country="US")
    browser.get(f"{at}/rooms/new")
    assert "kept sealed" in browser.post(f"{at}/rooms/new", name="Room", link="https://meet.example/secret")
    page = browser.get(f"{at}/series/new")
    chosen = {name: re.findall(rf'name="{name}".*?value="([\w-]+)" selected', page, re.DOTALL)[0] for name in ("group_id", "venue_id", "room_id")}  # fmt: skip
    form = {
        **chosen, "repeats": "weekly", "weekday": "1", "starts_on": "2026-11-24", "starts": "19:00", "minutes": "90",
        "modes": ["in_person", "online"], "in_person_capacity": "12", "online_capacity": "60",
    }  # fmt: skip
    page = browser.post(f"{at}/series/new", **form, step="preview")
    assert "Tuesday 24 November 2026, 7:00 pm" in page
    assert "Tuesday 1 December 2026, 7:00 pm" in page
    assert "The series is scheduled" in browser.post(f"{at}/series/new", **form, step="schedule")
    page = browser.get("/meetings")
    meeting = re.findall(r'href="(/meetings/[\w-]+)"', page)[0]
    assert "7:00 pm" in page
    browser.get(f"{meeting}/change/online")
    browser.post(f"{meeting}/change/online", people=0, revision=1)
    assert browser.url.endswith("/told/2?done=online")
    assert "the venue is shut" in browser.get(meeting).lower()
    browser.get(f"{meeting}/change/back")
    browser.post(f"{meeting}/change/back", people=0, revision=2)
    assert len(world.published(m.MeetingMovedOnline)) == len(world.published(m.MeetingMovedBack)) == 1


def test_regional_staff_open_a_chapter_once(browser: Browser, world: World) -> None:
    """However often the form is sent; and a name that was lengthened beyond reason is refused beside its field."""
    chapter(world)
    browser.sign_in(Role.REGIONAL)
    browser.get("/region/chapters/new")
    for _ in range(2):
        page = browser.post("/region/chapters/new", name="East", slug="east", time_zone="Europe/Oslo")
        browser.get("/region/chapters/new")
    assert "The chapter is open" in page
    assert page.count('scope="row">East<') == 1
    assert '<a href="#name">' in browser.post(
        "/region/chapters/new", status=422, name="E" * 201, slug="e", time_zone="Europe/Oslo"
    )


def test_a_meeting_list_is_imported_row_by_row(browser: Browser, world: World) -> None:
    """The totals add up to the rows of the file; the refused row says which field."""
    here = chapter(world)
    browser.sign_in(Role.COORDINATOR, here)
    rows = [
        {
            "slug": f"group-{at}",
            "name": f"Group {at}",
            "day": 2,
            "time": "18:30",
            "end_time": "19:30",
            "location": "Library",
            "formatted_address": "1 River Rd, Evanston, IL 60201, USA",
            "types": [],
        }
        for at in range(3)
    ]
    rows[1]["time"] = "half past six"
    url = f"/chapters/{here}/import"
    browser.get(url)
    browser.post(url, files={"file": ("list.json", json.dumps(rows).encode())})
    page = browser.get(browser.url)
    totals = {name: int(count) for name, count in re.findall(r"<dt>([\w ]+)</dt><dd[^>]*>(\d+)</dd>", page)}
    whole = totals.pop("rows in all")
    assert whole == sum(totals.values()) == 3
    assert totals["refused"] >= 1
    assert re.search(r'scope="row">Row 2</th>.*?time', page, re.DOTALL)
