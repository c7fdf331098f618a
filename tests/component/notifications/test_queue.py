"""Which notices are sent next: looked up by turns, it is the order that sorting all of them would give."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from services.notifications.store import queue
from services.notifications.store.tables import notices
from shared.contracts.base import Channel, NoticeId
from shared.contracts.notifications import NoticeKind
from shared.runtime.clock import real_now
from tests.component.notifications.fakes import NOW, Town

LEASE = timedelta(minutes=5)


def notice(number: int, dice: random.Random, chapters: int) -> dict[str, Any]:
    """Due or not, leased or not, of a chapter or of none, waiting or being sent or sent."""
    chapter = dice.randrange(chapters + 1)
    leased = dice.choice([None, None, None, timedelta(minutes=-1), LEASE, timedelta(hours=1)])
    return {
        "notice_id": f"{dice.getrandbits(64):064x}",
        "kind": NoticeKind.REMINDER.value,
        "channel": Channel.EMAIL.value,
        "chapter_id": f"chapter-{chapter}" if chapter else None,
        "version": str(number),
        "urgency": dice.choice([1, 4, 4, 4, 7]),
        "created_at": NOW,
        "due_at": NOW,
        "not_before": NOW + timedelta(minutes=dice.choice([-9, -9, -9, -8, -1, 1])),
        "state": dice.choice(["waiting"] * 8 + ["sending", "sent"]),
        "reason": "",
        "attempts": 0,
        "unknowns": 0,
        "doubtful": False,
        "leased_by": "someone" if leased else None,
        "leased_until": real_now() + leased if leased else None,
        "words": "",
    }


def in_order(rows: list[dict[str, Any]]) -> list[NoticeId]:
    """By sorting everything: urgency, then what was left behind, then turn, then time."""
    now = real_now()  # and what is leased for an hour was leased before the clock was set back
    lapsed = [
        row for row in rows if row["leased_until"] is not None and not now < row["leased_until"] < now + 2 * LEASE
    ]
    free = [row for row in rows if row["leased_until"] is None] + lapsed
    keys: list[tuple[Any, ...]] = [
        (row["urgency"], 0, 0, row["not_before"], row["notice_id"]) for row in lapsed if row["state"] == "sending"
    ]
    taken: dict[tuple[int, str | None], int] = {}
    for row in sorted(free, key=lambda row: (row["not_before"], row["notice_id"])):
        if row["state"] == "waiting" and row["not_before"] <= NOW:
            turn = taken[row["urgency"], row["chapter_id"]] = taken.get((row["urgency"], row["chapter_id"]), 0) + 1
            keys.append((row["urgency"], 1, turn, row["not_before"], row["notice_id"]))
    return [key[-1] for key in sorted(keys)]


@pytest.mark.parametrize(("chapters", "most"), [(0, 5), (1, 20), (3, 7), (3, 1000), (12, 5), (40, 20)])
def test_the_next_are_those_that_sorting_all_would_put_first(town: Town, chapters: int, most: int) -> None:
    """Whether there are more chapters than notices wanted, or fewer, or none."""
    dice = random.Random(chapters * 1000 + most)
    rows = [notice(number, dice, chapters) for number in range(300)]
    with town.store.writing() as work:
        work.connection.execute(insert(notices), rows)
    with town.store.reading() as work:
        found = work.notices.next(Channel.EMAIL, most, until=real_now() + LEASE)
    expected = in_order(rows)
    assert found == expected[: len(found)]
    assert len(found) >= min(len(expected), most // 2), "some chapters have fewer than their share"


def test_all_come_in_the_end(town: Town) -> None:
    """Looked up and leased again and again: each once, nothing is left."""
    dice = random.Random(7)
    rows = [notice(number, dice, 5) for number in range(200)]
    with town.store.writing() as work:
        work.connection.execute(insert(notices), rows)
        met: list[NoticeId] = []
        while found := work.notices.next(Channel.EMAIL, 9, until=real_now() + LEASE):
            met += [each.notice_id for each in work.notices.claim("lane", real_now() + LEASE, found)]
    assert len(met) == len(set(met))
    assert set(met) == set(in_order(rows))


def test_nothing_is_sorted_to_find_them() -> None:
    """A hundred thousand may be waiting: each statement follows the index of open notices."""
    town = Town()
    times = {"now": NOW, "machine_now": NOW, "farthest": NOW, "urgency": 4, "last": 1, "most": 50}
    times |= {"channel": "email", "chapter_id": "chapter-1"}
    with town.store.reading() as work:
        for statement in (queue._URGENCY, queue._CHAPTERS, queue._FIRST_OF_CHAPTER, queue._FIRST_OF_NONE):
            sql = statement.compile(work.connection)
            values = [times.get(name, "waiting") for name in sql.positiontup or ()]
            plan = work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", tuple(map(str, values))).all()
            said = " ".join(row.detail for row in plan)
            assert "ix_notices_open" in said
            assert "TEMP B-TREE" not in said
            assert "SCAN notices" not in said
