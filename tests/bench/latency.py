"""From a command's answer to its effect in the farthest service: a seat is taken, notifications knows it, committed.

One after another, once while nothing else happens and once while others take seats at half of the rate that both
can bear. The effect is looked for in notifications' database, twice a millisecond, from the moment of the answer.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import psycopg2
from sqlalchemy import make_url

from services.notifications.store.tables import metadata, seats
from shared.contracts.base import MeetingId, Mode
from shared.contracts.registration import TakeSeat
from shared.gateway.client import Client
from shared.runtime.ids import new_id
from tests.bench import people
from tests.bench.claimants import finish, start
from tests.bench.ground import Ground, Row, database_of, percentile, rows_in, until
from tests.support.world import member, ring

PEOPLE, MEETINGS = 64, 1000
GIVE_UP = 30.0
SHARES = (0.5, 0.99, 0.999)


@dataclass(frozen=True)
class Sampled:
    """Seconds of each: until the answer, and from it until the effect."""

    answer: list[float]
    effect: list[float]


def rows(ground: Ground) -> Iterator[Row]:
    """Two lines a database."""
    for kind in ground.kinds:
        yield from _on(ground, kind)


def _on(ground: Ground, kind: str) -> Iterator[Row]:
    url = ground.broker.new_vhost()
    here, there = ground.new_database(kind), ground.new_database(kind)
    metadata.create_all(database_of(there))
    names, meetings = [f"m{number}" for number in range(PEOPLE)], [f"meeting-{number}" for number in range(MEETINGS)]
    people.registration(database_of(here), names, [people.meeting(name, 5000) for name in meetings])
    claims = product(meetings, names)  # lazily: each is taken once
    count = ground.many(1_000)
    aim = "p99 < 50 ms" if kind == "sqlite" else ""
    with ground.serving("registration", url, here), ground.serving("notifications", url, there):
        asyncio.run(_sample(url, there, claims, 20))  # connections, caches
        yield _row(f"{kind}: idle", asyncio.run(_sample(url, there, claims, count)), aim)
        most = _bears(ground, url, there, _next(claims, count * 2))
        seconds = count * 0.05
        load = start(url, ground.keys, _next(claims, int(most / 2 * seconds)), at_once=PEOPLE, rate=most / 2)
        sampled = asyncio.run(_sample(url, there, claims, count, lambda: load.poll() is None))
        yield _row(f"{kind}: at half load ({most / 2:,.0f} claims/s beside)", sampled, "")
        finish(load)


def _bears(ground: Ground, url: str, database: str, claims: list[tuple[str, str]]) -> float:
    """Claims a second that both can bear: from the first claim until notifications knows the last."""
    known, began = database_of(database), time.perf_counter()
    before = rows_in(known, seats)
    finish(start(url, ground.keys, claims, at_once=PEOPLE))
    until(lambda: rows_in(known, seats) >= before + len(claims), what="the last seat's being known")
    return len(claims) / (time.perf_counter() - began)


def _row(what: str, sampled: Sampled, aim: str) -> Row:
    def told(seconds: list[float]) -> str:
        return "p50 {:.1f}, p99 {:.1f}, p99.9 {:.1f} ms".format(*(percentile(seconds, share) for share in SHARES))

    return Row(
        f"{what}: answer to effect ({len(sampled.effect)} times)",
        told(sampled.effect),
        f"the answer itself: {told(sampled.answer)}",
        aim=aim,
    )


def _next(claims: Iterator[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    return [(who, where) for _, (where, who) in zip(range(count), claims, strict=False)]


async def _sample(
    url: str,
    database: str,
    claims: Iterator[tuple[str, str]],
    count: int,
    still: Callable[[], bool] = lambda: True,
) -> Sampled:
    known = _looking(database)
    sampled = Sampled([], [])
    async with Client(url, ring("portal")) as client:
        for who, where in _next(claims, count):
            if not still():
                break
            began = time.perf_counter()
            taking = TakeSeat(meeting_id=MeetingId(where), mode=Mode.ONLINE)
            seat = await client.send(taking, member(who), request_id=new_id(), seconds=GIVE_UP)
            answered = time.perf_counter()
            while not known(seat.seat_id):
                if time.perf_counter() - answered > GIVE_UP:
                    raise RuntimeError("the effect did not come")
                await asyncio.sleep(0.0005)
            sampled.answer.append(answered - began)
            sampled.effect.append(time.perf_counter() - answered)
    return sampled


def _looking(database: str) -> Callable[[str], bool]:
    """Whether notifications knows a seat: by the bare driver, so that looking costs little."""
    parsed = make_url(database)
    if parsed.get_backend_name() == "sqlite":
        file = sqlite3.connect(f"file:{parsed.database}?mode=ro", uri=True, isolation_level=None)
        return lambda seat: file.execute("SELECT 1 FROM seats WHERE seat_id = ?", (seat,)).fetchone() is not None
    connection = psycopg2.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False))
    connection.autocommit = True

    def look(seat: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM seats WHERE seat_id = %s", (seat,))
            return cursor.fetchone() is not None

    return look
