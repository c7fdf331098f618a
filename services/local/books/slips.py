"""Slips: each counts once, the report says no more than it may, and no slip leads to a person."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.local.books.line import Line, equal, none
from services.local.books.reading import Database, moment
from services.local.books.where import Planted

STEP, MINIMUM, SMALLEST = 5, 10, 3
SPENT_KEPT = timedelta(days=30)
_COLUMNS = {
    "codes": {"code_hash", "window_id", "chapter_id", "spent"},
    "slips": {"slip_id", "window_id", "chapter_id", "answers"},
}
_TIMES = ("time", "date")
_SIZES = (36, 64)  # a UUID, a SHA-256 in hex
_RUNS = re.compile(rb"[0-9a-f-]{36,}")
Place = tuple[str, str]


def lines(databases: Mapping[str, Database], planted: Planted, now: datetime) -> Iterator[Line]:
    """Promise 3, as far as databases tell."""
    feedback = databases["feedback"]
    slips = feedback.rows("SELECT slip_id, window_id, chapter_id, answers FROM slips")
    codes = feedback.rows("SELECT code_hash, window_id, chapter_id, spent FROM codes")
    counted: Counter[Place] = Counter((row[1], row[2]) for row in slips)
    if planted.slips_accepted is not None:
        accepted = planted.slips_accepted
        yield Line(
            "Slips accepted are counted", f"thanked for {accepted}", f"slips {len(slips)}",
            () if accepted == len(slips) else (f"a difference of {abs(accepted - len(slips))}",),
            int(accepted != len(slips)),
        )  # fmt: skip
    yield _one_a_code(counted, codes, _forgotten(feedback, now))
    yield _drawn(feedback, codes)
    yield _reports(feedback, slips)
    yield _no_time(feedback, slips)
    yield _no_join(databases, slips, codes)
    yield _erased(databases["notifications"])


def _forgotten(feedback: Database, now: datetime) -> set[str]:
    """The windows whose spent codes may be forgotten: they took their last slip more than thirty days ago."""
    closed = feedback.rows("SELECT window_id, last_slip_at FROM windows WHERE state = 'closed'")
    return {window for window, last in closed if (moment(last) or now) < now - SPENT_KEPT}


def _one_a_code(counted: Counter[Place], codes: list[Any], forgotten: set[str]) -> Line:
    """In each window and chapter as many slips as spent codes: spending and putting in are one transaction."""
    spent = Counter((row[1], row[2]) for row in codes if row[3])
    known = {place: count for place, count in counted.items() if place in spent or place[0] not in forgotten}
    return equal(
        "One slip a code",
        ("slips", {f"{window} {chapter} {count}" for (window, chapter), count in known.items()}),
        ("codes spent", {f"{window} {chapter} {count}" for (window, chapter), count in spent.items()}),
    )


def _drawn(feedback: Database, codes: list[Any]) -> Line:
    """No more codes than people who attended, with a fifth (three at least) for answers that were lost."""
    windows = {row[0]: (moment(row[1]), moment(row[2])) for row in feedback.rows(
        "SELECT window_id, opens_at, closes_at FROM windows"
    )}  # fmt: skip
    attended: Counter[Place] = Counter()
    for chapter, day, members in feedback.rows("SELECT chapter_id, meeting_day, members FROM attendance"):
        began = moment(day)
        for window, (opens, closes) in windows.items():
            if began and opens and closes and opens - timedelta(days=1) < began < closes:
                attended[window, chapter] += members
    drawn: Counter[Place] = Counter((row[1], row[2]) for row in codes)
    return none(
        "No more codes than people",
        f"codes {sum(drawn.values())}",
        (
            f"{count} codes for {attended[place]} people: {place[0]} {place[1]}"
            for place, count in drawn.items()
            if count > (attended[place] + max(3, attended[place] // 5) if attended[place] else 0)
        ),
    )


def _reports(feedback: Database, slips: list[Any]) -> Line:
    """Each figure of each frozen report, computed anew from the slips; what stands there must be it, or withheld."""
    answers: dict[Place, list[dict[str, int]]] = {}
    for _, window, chapter, given in slips:
        answers.setdefault((window, chapter), []).append(json.loads(given))
    faults: list[str] = []
    blocks = 0
    closed = feedback.rows("SELECT window_id, state, report FROM windows WHERE state <> 'open' OR report IS NOT NULL")
    for window, state, text in closed:
        if state != "closed" or text is None:
            faults.append(f"closed without a report, or open with one: {window}")
            continue
        report = json.loads(text)
        of_window = {chapter: given for (at, chapter), given in answers.items() if at == window}
        named = {block["chapter_id"] for block in report["chapters"]}
        faults += [f"slips of a chapter that the report leaves out: {window} {each}" for each in set(of_window) - named]
        everywhere = [slip for given in of_window.values() for slip in given]
        for block in (report["region"], *report["chapters"]):
            blocks += 1
            chapter = block["chapter_id"]
            own = everywhere if chapter is None else of_window.get(chapter, [])
            faults += [f"{fault}: {window} {chapter or 'region'}" for fault in _block(block, own)]
    return none("Slips counted are slips accepted", f"slips {len(slips)}, report blocks {blocks}", faults)


def _block(block: Mapping[str, Any], slips: list[dict[str, int]]) -> Iterator[str]:
    persons = len(slips)
    if block["persons"] is None:
        if block["questions"] or not block["withheld"]:
            yield "withheld without a reason, or with answers"
        return
    if persons < MINIMUM:
        yield f"shown of {persons} people"
    if block["persons"] != persons // STEP * STEP:
        yield f"shows {block['persons']} for {persons} slips"
    for question in block["questions"]:
        yield from _question(question, slips)


def _question(question: Mapping[str, Any], slips: list[dict[str, int]]) -> Iterator[str]:
    key, labels = question["question_id"], len(question["labels"])
    given = Counter(slip[key] for slip in slips if key in slip)
    answered, shares = question["answered"], question["shares"]
    if answered is not None:
        if given.total() < MINIMUM:
            yield f"{key}: shown of {given.total()} answers"
        if answered != given.total() // STEP * STEP:
            yield f"{key}: shows {answered} for {given.total()} answers"
    if shares is None:
        return
    if answered is None:
        yield f"{key}: answers shown of a question that is withheld"
    rounded = [None if given[at] < SMALLEST else (given[at] + STEP // 2) // STEP * STEP for at in range(labels)]
    if list(shares) != rounded:
        yield f"{key}: the answers are not the slips'"


def _no_time(feedback: Database, slips: list[Any]) -> Line:
    """Slips and codes bear no time, no order and nothing that the books do not know."""
    faults = []
    for table, known in _COLUMNS.items():
        types = feedback.types(table)
        faults += [f"{table} has a column that the books do not know: {column}" for column in set(types) - known]
        faults += [
            f"{table}.{column} keeps a time" for column, kind in types.items() if any(word in kind for word in _TIMES)
        ]
        if feedback.kind == "sqlite":
            made = feedback.column(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")  # noqa: S608 - one of two
            if "WITHOUT ROWID" not in str(made[0]).upper():
                faults.append(f"{table} keeps the order in which rows came (rowid)")
        else:
            faults += _written_together(feedback, table)
    for slip_id, _, _, given in slips:
        if not _random(slip_id):
            faults.append(f"not a random id: {slip_id}")
        if not all(type(value) is int for value in json.loads(given).values()):
            faults.append(f"an answer that is no number: {slip_id}")
    return none("Slips bear no time and no order", f"slips {len(slips)}", faults)


def _random(slip_id: str) -> bool:
    try:
        return uuid.UUID(slip_id).version == 4
    except ValueError:
        return False


def _written_together(feedback: Database, table: str) -> list[str]:
    """On PostgreSQL all rows of an urn were written by one transaction."""
    return [
        f"{table}: rows of several transactions: {window} {chapter}"
        for window, chapter, writers in feedback.rows(
            f"SELECT window_id, chapter_id, count(DISTINCT xmin::text) FROM {table}"  # noqa: S608 - one of two
            " GROUP BY window_id, chapter_id"
        )
        if writers > 1
    ]


def _no_join(databases: Mapping[str, Database], slips: list[Any], codes: list[Any]) -> Line:
    """No value of a slip or code stands in any other table, and no id of a person in feedback."""
    ours = {row[0].encode() for row in (*slips, *codes)}
    faults = [
        f"{name} {place} holds a slip's or code's id"
        for name, database in databases.items()
        for place, value in database.values(but=frozenset(_COLUMNS) if name == "feedback" else frozenset())
        if _holds(value, ours)
    ]
    theirs = _persons(databases)
    faults += [
        f"feedback {place} holds a person's id"
        for place, value in databases["feedback"].values()
        if _holds(value, theirs)
    ]
    return none("No slip leads to a person", f"slips and codes {len(ours)}, persons' ids {len(theirs)}", faults)


def _erased(notifications: Database) -> Line:
    """Notifications forgets a feedback code once the outcome of its mail is known."""
    asked = notifications.rows("SELECT notice_id, state, code, code_until FROM notices WHERE window_id IS NOT NULL")
    return none(
        "Codes sent are erased",
        f"asked for feedback {len(asked)}",
        (
            f"{state}, and its code is kept: {notice}"
            for notice, state, code, until in asked
            if state in ("sent", "refused", "expired") and (code is not None or until is not None)
        ),
    )


_PERSONAL = {
    "registration": {
        "members": "member_id", "seats": "seat_id", "guests": "guest_id", "contacts": "contact_point_id",
    },
    "notifications": {
        "contact_points": "contact_point_id", "notices": "notice_id", "verifications": "verification_id",
        "suppressions": "contact_hash",
    },
}  # fmt: skip


def _persons(databases: Mapping[str, Database]) -> set[bytes]:
    return {
        str(each).encode()
        for name, tables in _PERSONAL.items()
        for table, column in tables.items()
        for each in databases[name].column(f"SELECT {column} FROM {table}")  # noqa: S608 - from the table above
    }


def _holds(value: bytes, ids: set[bytes]) -> bool:
    """Whether one of these ids (36 or 64 characters) stands anywhere in this value."""
    for run in _RUNS.findall(value):
        if any(run[at : at + size] in ids for size in _SIZES for at in range(len(run) - size + 1)):
            return True
    return False
