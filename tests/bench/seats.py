"""64 people at once take seats: all at one meeting, and spread over a thousand. Each claim is answered after its commit.

One process of registration. The limit is the same 64 asking a question that needs no claim. A figure is only told where
the books are right: as many confirmed as there are places, everybody else in line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Engine, func, select

from services.registration.store.tables import modes, seats
from shared.contracts.registration import SeatState
from tests.bench import people
from tests.bench.claimants import Claims, finish, start
from tests.bench.ground import Ground, Row, database_of, percentile

AT_ONCE = 64
MEETINGS = 1000


def rows(ground: Ground) -> Iterator[Row]:
    """Two lines a database."""
    for kind in ground.kinds:
        yield from _on(ground, kind)


def _on(ground: Ground, kind: str) -> Iterator[Row]:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    names = [f"m{number}" for number in range(ground.many(4_000, least=200))]
    places = len(names) // 2
    each = max(1, places // MEETINGS)
    spread = [f"meeting-{number}" for number in range(MEETINGS)]
    people.registration(
        engine, names, [people.meeting("one", places), *(people.meeting(name, each) for name in spread)]
    )
    one = [(name, "one") for name in names]
    many = [(name, spread[number % MEETINGS]) for number, name in enumerate(names)]
    with ground.serving("registration", url, database):
        asked = _run(ground, url, [("", "")] * len(names))
        limit = f"{asked.rate:,.0f} questions/s, p99 {percentile(asked.seconds, 0.99):.0f} ms"
        for what, claims in (("one meeting", one), ("a thousand meetings", many)):
            done = _run(ground, url, claims)
            sold = _checked(engine, claims)
            figure = f"{done.rate:,.0f} claims/s, p99 {percentile(done.seconds, 0.99):.0f} ms"
            yield Row(
                f"{kind}: {AT_ONCE} at once on {what}, {sold:,} of {sold:,} places sold, none twice",
                figure,
                limit,
                done.rate / asked.rate,
                "1,000/s a process, p99 < 100 ms",
            )


def _run(ground: Ground, url: str, claims: Sequence[tuple[str, str]]) -> Claims:
    done = finish(start(url, ground.keys, claims, at_once=AT_ONCE))
    if done.failed:
        raise RuntimeError(f"{done.failed} claims failed")
    return done


def _checked(engine: Engine, claims: Sequence[tuple[str, str]]) -> int:
    """How many places were sold. Raises RuntimeError where one was sold twice, or stayed free beside a line."""
    wanted = Counter(where for _, where in claims)
    with engine.connect() as connection:
        held = connection.execute(
            select(seats.c.meeting_id, func.count())
            .where(seats.c.state == SeatState.CONFIRMED.value)
            .group_by(seats.c.meeting_id)
        )
        confirmed = {row[0]: row[1] for row in held}
        capacity = {row.meeting_id: row.capacity for row in connection.execute(select(modes)) if row.capacity}
    wrong = [name for name, count in wanted.items() if confirmed.get(name, 0) != min(count, capacity[name])]
    if wrong:
        raise RuntimeError(f"the seats of {len(wrong)} meetings are not what was claimed")
    return sum(confirmed[name] for name in wanted)
