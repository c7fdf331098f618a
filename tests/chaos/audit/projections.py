"""What each service keeps of another's facts equals a rebuild from what was said. Ids and states, never a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from services.local.books.line import Line, equal
from services.local.books.reading import Database, moment, said
from services.local.books.where import SERVICES

Data = Mapping[str, Any]
MEETING = "meetings.meeting_"
SEAT = "registration.seat_"


def lines(databases: Mapping[str, Database]) -> Iterator[Line]:
    """One line a projection."""
    told = {service: said(databases[service]) for service in SERVICES}
    meetings = _newest(
        _of(told["meetings"], MEETING), "meeting_id", lambda d: (d["revision"], d["status"] != "scheduled")
    )
    registration, notifications, feedback = (databases[name] for name in ("registration", "notifications", "feedback"))
    yield _rebuilt("Registration's meetings", map(_meeting, meetings), registration, "meetings")
    yield equal(
        "Registration's places",
        ("rebuilt", {f"{d['meeting_id']} {o['mode']} {o['capacity']}" for d in meetings for o in d["offers"]}),
        ("kept", _joined(registration, "SELECT meeting_id, mode, capacity FROM modes WHERE capacity IS NOT NULL")),
    )
    yield _rebuilt("Notifications' meetings", map(_meeting, meetings), notifications, "meetings")
    yield equal(
        "Notifications' seats",
        (
            "rebuilt",
            {
                _words(d, "seat_id", "change", "mode", "state", "reason", "member_id")
                for d in _of(told["registration"], SEAT)
            },
        ),
        ("kept", _joined(notifications, "SELECT seat_id, change, mode, state, reason, member_id FROM seats")),
    )
    yield _consents(told["registration"], notifications)
    verified = _of(told["notifications"], "notifications.contact_verified.v1")
    left = {d["member_id"] for d in _of(told["registration"], "registration.member_left.v1")}
    joined = {d["member_id"] for d in _of(told["registration"], "registration.member_joined.v1")}
    yield equal(
        "Notifications' members",
        ("rebuilt", joined | left | {d["member_id"] for d in verified}),
        ("kept", notifications.column("SELECT member_id FROM members")),
    )
    yield _chapters(told["meetings"], notifications, feedback)
    yield equal(
        "Registration's contacts",
        (
            "rebuilt",
            {_words(d, "contact_point_id", "member_id", "channel") for d in verified if d["member_id"] not in left},
        ),
        ("kept", _joined(registration, "SELECT contact_point_id, member_id, channel FROM contacts")),
    )
    yield _attendance(told["registration"], meetings, notifications, feedback, left)


def _of(events: Iterable[Mapping[str, Any]], kind: str) -> list[Data]:
    return [event["data"] for event in events if event["type"].startswith(kind)]


def _newest(facts: Iterable[Data], subject: str, age: Callable[[Data], Any]) -> list[Data]:
    newest: dict[str, Data] = {}
    for each in facts:
        known = newest.get(each[subject])
        if known is None or age(each) > age(known):
            newest[each[subject]] = each
    return list(newest.values())


def _words(data: Data, *names: str) -> str:
    return " ".join(str(data[name]) for name in names)


def _joined(database: Database, statement: str) -> set[str]:
    return {" ".join(str(value) for value in row) for row in database.rows(statement)}


def _meeting(data: Data) -> str:
    return f"{data['meeting_id']} {data['revision']} {data['status']} {moment(data['starts_at'])} {moment(data['ends_at'])}"


def _rebuilt(what: str, rebuilt: Iterable[str], database: Database, table: str) -> Line:
    rows = database.rows(f"SELECT meeting_id, revision, status, starts_at, ends_at FROM {table}")  # noqa: S608 - one of two
    kept = {f"{row[0]} {row[1]} {row[2]} {moment(row[3])} {moment(row[4])}" for row in rows}
    return equal(what, ("rebuilt", rebuilt), ("kept", kept))


def _consents(told: list[dict[str, Any]], notifications: Database) -> Line:
    newest: dict[tuple[str, ...], Data] = {}
    for each in _of(told, "registration.consent_decided.v1"):
        pair = (each["member_id"], each["purpose"], each["channel"])
        newest[pair] = max(newest.get(pair, each), each, key=lambda data: data["decided"])
    rows = notifications.rows("SELECT member_id, purpose, channel, granted, decided FROM consents")
    return equal(
        "Notifications' consents",
        ("rebuilt", {f"{' '.join(pair)} {bool(data['granted'])} {data['decided']}" for pair, data in newest.items()}),
        ("kept", {f"{row[0]} {row[1]} {row[2]} {bool(row[3])} {row[4]}" for row in rows}),
    )


def _chapters(told: list[dict[str, Any]], notifications: Database, feedback: Database) -> Line:
    opened = {data["chapter_id"] for data in _of(told, "meetings.chapter_opened.v1")}
    kept = {f"{name} {each}" for name, database in (("notifications", notifications), ("feedback", feedback))
            for each in database.column("SELECT chapter_id FROM chapters")}  # fmt: skip
    return equal(
        "Everybody's chapters",
        ("rebuilt", {f"{name} {each}" for name in ("notifications", "feedback") for each in opened}),
        ("kept", kept),
    )


def _attendance(
    told: list[dict[str, Any]], meetings: Iterable[Data], notifications: Database, feedback: Database, left: set[str]
) -> Line:
    """Notifications forgets who came to a meeting once the windows that cover it have closed, or who came has left."""
    spans = notifications.rows("SELECT opens_at, closes_at FROM windows WHERE closed")
    closed = [(moment(opens), moment(closes)) for opens, closes in spans if opens is not None]
    began = {data["meeting_id"]: moment(data["starts_at"]) for data in meetings}
    marks = _newest(_of(told, "registration.attendance_recorded.v1"), "seat_id", lambda data: data["change"])
    counts = _newest(_of(told, "registration.attendance_counted.v1"), "meeting_id", lambda data: data["change"])
    kept = _joined(notifications, "SELECT seat_id, outcome, change FROM attendances")
    over = {
        _words(data, "seat_id", "outcome", "change")
        for data in marks
        if data["member_id"] in left or any(opens <= began[data["meeting_id"]] < closes for opens, closes in closed)  # type: ignore[operator]
    }
    return equal(
        "Attendance as others keep it",
        (
            "rebuilt",
            {_words(data, "seat_id", "outcome", "change") for data in marks} - (over - kept)
            | {_words(data, "meeting_id", "members", "change") for data in counts},
        ),
        ("kept", kept | _joined(feedback, "SELECT meeting_id, members, change FROM attendance")),
    )
