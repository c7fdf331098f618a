"""An attacker who has everything: all databases, every file, the broker's files; and wants to know who said what.

They know who was asked (notices about a window), and try to lay the slips of a window and chapter beside these people
in order: slips in each order in which they lie anywhere (key, physical row, transaction, place in every file), people
in each order that anything suggests (every column of every table that names them, places in every file). The k-th slip
is then taken to be the k-th person's. The driver alone knows the truth, and counts the hits.

Of n slips laid in an order that tells nothing, about n/m are hit where m people were asked. The best of many orders is
hit more often by luck alone; so the bound is the binomial distribution's, for so many tries at once.
"""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.local.books.line import Line
from services.local.books.reading import Database, as_bytes
from services.local.books.where import Where

LUCK = 0.001
"""The chance of a false alarm in a whole run."""
LONGEST_FILE = 64 * 2**20


@dataclass(frozen=True)
class Truth:
    """Who handed in which answers."""

    member_id: str
    answers: Mapping[str, int]


@dataclass
class Urn:
    """One window and chapter: the slips that lie there, and who was asked."""

    slips: list[str]  # ids
    people: list[str]  # member ids
    owner: dict[str, str]  # slip and member, as far as the truth is unmistakable


@dataclass(frozen=True)
class Attack:
    """What the best order came to."""

    tries: int
    slips: int
    hits: int
    chance: float
    how: str

    @property
    def bound(self) -> int:
        """Hits that luck alone does not reach, but once in a thousand runs, in so many tries."""
        return bound(self.slips, self.chance, LUCK / max(1, self.tries))


def line(where: Where, databases: Mapping[str, Database], truths: Sequence[Truth]) -> Line:
    """No order of slips beside people hits better than chance."""
    urns = list(_urns(databases, truths))
    attack = best(urns, _orders(where, databases, urns))
    wrong = () if attack.hits < attack.bound else (f"{attack.hits} of {attack.slips} by {attack.how}",)
    return Line(
        "Slips lead to members no better than chance",
        f"best of {attack.tries} attacks: {attack.hits} of {attack.slips}",
        f"by chance {attack.slips * attack.chance:.1f}, luck ends at {attack.bound}",
        wrong,
        len(wrong),
    )


def bound(slips: int, chance: float, luck: float) -> int:
    """The least number of hits that so many slips reach by luck with a probability below ``luck``."""
    tail = 1.0
    for hits in range(slips + 1):
        if tail < luck:
            return hits
        tail -= math.comb(slips, hits) * chance**hits * (1 - chance) ** (slips - hits)
    return slips + 1


def best(urns: Sequence[Urn], orders: Iterable[tuple[str, Mapping[str, float], Mapping[str, float]]]) -> Attack:
    """The pair of orders that hits most: each is a key for slips and one for people, by which they are sorted."""
    slips = sum(len(urn.owner) for urn in urns)
    chance = sum(len(urn.owner) / len(urn.people) for urn in urns) / slips if slips else 0.0
    tries, found = 0, (-1, "")
    for how, of_slips, of_people in orders:
        tries += 1
        hits = sum(_hits(urn, of_slips, of_people) for urn in urns)
        found = max(found, (hits, how))
    return Attack(tries, slips, max(0, found[0]), chance, found[1])


def _hits(urn: Urn, of_slips: Mapping[str, float], of_people: Mapping[str, float]) -> int:
    nowhere = math.inf
    slips = sorted(urn.slips, key=lambda each: (of_slips.get(each, nowhere), each))
    people = sorted(urn.people, key=lambda each: (of_people.get(each, nowhere), each))
    return sum(urn.owner.get(slip) == member for slip, member in zip(slips, people, strict=False))


def _urns(databases: Mapping[str, Database], truths: Sequence[Truth]) -> Iterator[Urn]:
    """Whose a slip is, is unmistakable where nobody else in the whole run gave the same answers."""
    givers: dict[str, set[str]] = defaultdict(set)
    for truth in truths:
        givers[_key(truth.answers)].add(truth.member_id)
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for window, chapter, member in databases["notifications"].rows(
        "SELECT window_id, chapter_id, member_id FROM notices WHERE window_id IS NOT NULL AND state = 'sent'"
    ):
        asked[window, chapter].add(member)
    urns: dict[tuple[str, str], Urn] = {}
    for slip_id, window, chapter, answers in databases["feedback"].rows(
        "SELECT slip_id, window_id, chapter_id, answers FROM slips"
    ):
        place = (window, chapter)
        urn = urns.setdefault(place, Urn([], sorted(asked[place]), {}))
        urn.slips.append(slip_id)
        owners = givers[_key(json.loads(answers))]
        if len(owners) == 1 and next(iter(owners)) in asked[place]:
            urn.owner[slip_id] = next(iter(owners))
    yield from (urn for urn in urns.values() if urn.owner)


def _key(answers: Mapping[str, int]) -> str:
    return json.dumps(dict(sorted(answers.items())))


def _orders(
    where: Where, databases: Mapping[str, Database], urns: Sequence[Urn]
) -> Iterator[tuple[str, dict[str, float], dict[str, float]]]:
    """Every order of slips beside every order of people, forwards and backwards."""
    slips = {each for urn in urns for each in urn.slips}
    people = {each for urn in urns for each in urn.people}
    of_slips = dict(_of_slips(databases["feedback"], slips))
    of_people: dict[str, dict[str, float]] = {}
    for name, database in databases.items():
        of_people.update(_of_people(name, database, people))
    for file in _files(where):
        places = _places(file, slips, people)
        of_slips |= {name: order for name, order in places.items() if slips & order.keys()}
        of_people |= {name: order for name, order in places.items() if people & order.keys()}
    for slip_name, slip_order in of_slips.items():
        for name, order in of_people.items():
            yield f"{slip_name} beside {name}", slip_order, order
            yield f"{slip_name} beside {name} backwards", slip_order, {each: -at for each, at in order.items()}


def _of_slips(feedback: Database, slips: set[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """By key, by size of the answers, and as the database hands them out without being asked for an order."""
    columns = ["slip_id", "answers", "length(answers)"]
    columns += ["ctid::text", "xmin::text::bigint"] if feedback.kind == "postgresql" else []
    for column in columns:
        rows = feedback.rows(f"SELECT slip_id FROM slips ORDER BY {column}")  # noqa: S608 - from the list above
        yield f"slips by {column}", {row[0]: float(at) for at, row in enumerate(rows) if row[0] in slips}
    rows = feedback.rows("SELECT slip_id FROM slips")
    yield "slips as they lie", {row[0]: float(at) for at, row in enumerate(rows)}


def _of_people(name: str, database: Database, people: set[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """By every column of every table that has a member's id in one; first and last rows, as they lie too."""
    for table, columns in database.tables().items():
        if "member_id" not in columns:
            continue
        rows = database.rows(f'SELECT * FROM "{table}"')  # noqa: S608 - the name comes from the database itself
        member = columns.index("member_id")
        ours = [row for row in rows if row[member] in people]
        for at, column in enumerate(columns):
            ranked = sorted(ours, key=_by(at))
            yield f"{name}.{table}.{column} last", {row[member]: float(rank) for rank, row in enumerate(ranked)}
            ranked.reverse()  # of several rows of one person the first now counts
            yield f"{name}.{table}.{column} first", {row[member]: float(-rank) for rank, row in enumerate(ranked)}
        yield f"{name}.{table} as it lies", {row[member]: float(at) for at, row in enumerate(ours)}


def _by(at: int) -> Callable[[Sequence[object]], bytes]:
    """A key by which rows are sorted: one column's value, whatever its type."""
    return lambda row: as_bytes("" if row[at] is None else row[at])


def _files(where: Where) -> Iterator[Path]:
    out = {where.sink_log.parent.resolve(), where.planted.resolve()}
    for folder, folders, names in os.walk(where.folder):
        folders[:] = [each for each in folders if (Path(folder) / each).resolve() not in out]
        for name in names:
            file = Path(folder) / name
            if file.resolve() not in out and file.is_file() and file.stat().st_size < LONGEST_FILE:
                yield file


def _places(file: Path, slips: set[str], people: set[str]) -> dict[str, dict[str, float]]:
    """Where each id stands first, and last, in one file."""
    try:
        content = file.read_bytes()
    except OSError:
        return {}
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for each in (*slips, *people):
        at = content.find(each.encode())
        if at >= 0:
            first[each], last[each] = float(at), float(content.rfind(each.encode()))
    return {f"{file.name} first": first, f"{file.name} last": last} if len(first) > 1 else {}
