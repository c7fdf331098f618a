"""What a process costs: memory idle and loaded, processor time and disk an event, disk a member, the seconds of a start.

And how it grows with the network: meetings with ten, a hundred, a thousand and ten thousand chapters, each with a group
that meets every week: start-up, memory, disk, processor time while nothing happens, and the time that a search takes.
"""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import time as of_day
from datetime import timedelta
from typing import Any

import psutil
from sqlalchemy import Engine, text

from services.meetings.service import MeetingsService
from services.meetings.store import MeetingsWork
from shared.contracts.base import Actor, Command, Mode
from shared.contracts.meetings import (
    AddVenue,
    FindMeetings,
    FoundGroup,
    FoundRegion,
    ModeOffer,
    OpenChapter,
    ScheduleSeries,
    SeriesRule,
)
from shared.gateway.client import Client
from shared.messaging.entrypoints import entrypoints_of
from shared.runtime.clock import SystemClock, real_now
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.work import Store
from tests.bench import cancellation, people
from tests.bench.events import bodies, fill
from tests.bench.ground import Ground, Row, database_of, percentile, process, rows_in, say, until
from tests.support.probe.service import effects, metadata
from tests.support.world import OPERATOR, VISITOR, ring

SERVICES = ("meetings", "registration", "notifications", "feedback")
IDLE_SECONDS = 10.0
SEARCHES = 50
CHAPTERS_TOGETHER = 20


def rows(ground: Ground) -> Iterator[Row]:
    """SQLite, but for what an event and a member take up."""
    yield from _starts(ground)
    for kind in ground.kinds:
        yield _event(ground, kind)
        yield from _members(ground, kind)
    for chapters in (10, 100, 1_000, 10_000):
        if chapters <= 10_000 * ground.size or chapters == 10:
            yield _grown(ground, chapters)


def _starts(ground: Ground) -> Iterator[Row]:
    for service in SERVICES:
        database = ground.new_database("sqlite")
        importlib.import_module(f"services.{service}.store").metadata.create_all(database_of(database))
        with ground.serving(service, ground.broker.new_vhost(), database) as (started, seconds):
            used = _processor(started, IDLE_SECONDS * ground.size)
            figure = f"{_memory(started):.0f} MB, {100 * used:.1f} % of a core, ready after {seconds:.1f} s"
        yield Row(f"{service}: idle", figure)


def _event(ground: Ground, kind: str) -> Row:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    metadata.create_all(engine)
    empty = _bytes(engine)
    load = bodies(ground.many(10_000, least=1_000))
    fill(url, load)
    with process("-m", "tests.support.probe", env=ground.environment(broker_url=url, database_url=database)) as started:
        until(lambda: rows_in(engine, effects) > 0, what="the first event")
        before, first = _used(started), rows_in(engine, effects)
        until(lambda: rows_in(engine, effects) == len(load), what="all events")
        time.sleep(1)  # the relay's last
        each = (_used(started) - before) / (len(load) - first)
        memory = _memory(started)
    disk = (_bytes(engine) - empty) / len(load)
    figure = f"{each * 1e6:,.0f} µs of a core, {disk:,.0f} bytes on disk; {memory:.0f} MB when loaded"
    return Row(f"{kind}: an event of {len(load[0]):,} bytes, with inbox, effect and outgoing event", figure)


def _members(ground: Ground, kind: str) -> Iterator[Row]:
    names = [f"m{number}" for number in range(ground.many(2_000))]
    engine = database_of(ground.new_database(kind))
    people.registration(engine, [], [])
    empty = _bytes(engine)
    people.registration(engine, names, [])
    yield Row(f"{kind}: a member in registration", f"{(_bytes(engine) - empty) / len(names):,.0f} bytes on disk")
    engine = database_of(ground.new_database(kind))
    cancellation.town(engine, [], [])
    empty = _bytes(engine)
    cancellation.town(engine, names, [])
    yield Row(f"{kind}: a member in notifications", f"{(_bytes(engine) - empty) / len(names):,.0f} bytes on disk")


def _grown(ground: Ground, chapters: int) -> Row:
    url, database = ground.broker.new_vhost(), ground.new_database("sqlite")
    engine = database_of(database)
    _found(engine, chapters)
    size = _bytes(engine) / 2**20
    with ground.serving("meetings", url, database) as (started, seconds):
        used = _processor(started, IDLE_SECONDS)
        searches = asyncio.run(_search(url))
        figure = (
            f"ready after {seconds:.1f} s, {_memory(started):.0f} MB, {size:,.1f} MiB on disk, "
            f"idle {100 * used:.1f} % of a core, a search p50 {percentile(searches, 0.5):.0f} ms"
        )
    return Row(f"meetings with {chapters:,} chapters", figure)


async def _search(url: str) -> list[float]:
    seconds = []
    async with Client(url, ring("portal")) as client:
        for number in range(SEARCHES):
            after = real_now() + timedelta(days=number % 14)
            began = time.perf_counter()
            await client.ask(FindMeetings(after=after, before=after + timedelta(days=7)), VISITOR, seconds=30)
            seconds.append(time.perf_counter() - began)
    return seconds


def _found(engine: Engine, chapters: int) -> None:
    """A region of so many chapters, each with a group, a venue and a weekly series; what was said of it has left."""
    say(f"  {chapters} chapters")
    MeetingsService.metadata.create_all(engine)
    clock = SystemClock()
    store = Store(engine, MeetingsWork, ring("meetings"), clock)
    service = MeetingsService(Parts(settings=Settings(), keys=store.keys, clock=clock, store=store, ask=lambda _: None))
    methods = entrypoints_of(MeetingsService).commands

    def act(command: Command[Any], work: MeetingsWork, actor: Actor = OPERATOR) -> Any:
        return getattr(service, methods[type(command)])(command, actor, work)

    with store.writing() as work:
        region = act(FoundRegion(name="North", slug="north"), work).region_id
    for first in range(0, chapters, CHAPTERS_TOGETHER):
        with store.writing() as work:
            for number in range(first, min(first + CHAPTERS_TOGETHER, chapters)):
                opening = OpenChapter(
                    region_id=region, name=f"Chapter {number}", slug=f"c-{number}", time_zone="America/New_York"
                )
                _furnish(act, work, act(opening, work).chapter_id, number)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(text("DELETE FROM unsent"))


def _furnish(act: Any, work: MeetingsWork, chapter: Any, number: int) -> None:
    group = act(FoundGroup(chapter_id=chapter, name="Tuesday circle", purpose="to talk"), work).group_id
    venue = act(
        AddVenue(chapter_id=chapter, name="Library", address="12 Elm Street", city="Springfield"), work
    ).venue_id
    rule = SeriesRule(
        rrule=f"FREQ=WEEKLY;BYDAY={('MO', 'TU', 'WE', 'TH', 'FR')[number % 5]}",
        starts_on=real_now().date(),
        starts=of_day(8 + number % 12),
        minutes=90,
    )
    offers = (ModeOffer(mode=Mode.IN_PERSON, capacity=20),)
    act(ScheduleSeries(group_id=group, rule=rule, offers=offers, venue_id=venue), work)


def _memory(started: subprocess.Popen[bytes]) -> float:
    return float(psutil.Process(started.pid).memory_info().rss) / 1e6


def _used(started: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time."""
    times: Sequence[float] = psutil.Process(started.pid).cpu_times()
    return times[0] + times[1]


def _processor(started: subprocess.Popen[bytes], seconds: float) -> float:
    """The share of a core that it takes while nothing happens."""
    began, used = time.perf_counter(), _used(started)
    time.sleep(seconds)
    return (_used(started) - used) / (time.perf_counter() - began)


def _bytes(engine: Engine) -> int:
    """What the database takes up on disk."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            pages = connection.scalar(text("PRAGMA page_count")) or 0
            return int(pages * (connection.scalar(text("PRAGMA page_size")) or 0))
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
