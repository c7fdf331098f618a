"""Seats and attendance, counted anew from the seats and marks themselves; what was said of them is how they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.local.books.line import Line, equal, none
from services.local.books.reading import Database, Row, said

_SAID = {
    "registration.seat_confirmed.v1": "confirmed",
    "registration.seat_waitlisted.v1": "waitlisted",
    "registration.seat_released.v1": "released",
}


def lines(databases: Mapping[str, Database]) -> Iterator[Line]:
    """Promise 2, and that others know it as it is."""
    database = databases["registration"]
    seats = database.rows("SELECT seat_id, meeting_id, member_id, mode, state, change FROM seats")
    modes = database.rows("SELECT meeting_id, mode, capacity, confirmed, waiting, guests_gone FROM modes")
    counted = Counter((row[1], row[3], row[4]) for row in seats)
    yield _never_oversold(modes, counted)
    yield _no_place_idle(modes, counted)
    yield _counters(modes, counted)
    yield _one_each(seats)
    events = said(database)
    yield _as_said(seats, events)
    yield _as_heard(seats, databases["notifications"])
    meetings = database.rows("SELECT meeting_id, closed_at FROM meetings")
    recount = _attendance(database, modes, {row[0] for row in meetings if row[1] is not None})
    yield _attendance_as_said(recount, events)
    yield _attendance_as_heard(recount, databases["feedback"])
    yield _marks_as_said(database, events)


def _never_oversold(modes: list[Row], counted: Counter[tuple[str, str, str]]) -> Line:
    places = {(row[0], row[1]): row[2] or 0 for row in modes}
    taken = {(meeting, mode): count for (meeting, mode, state), count in counted.items() if state == "confirmed"}
    return none(
        "No seat is sold twice",
        f"confirmed {sum(taken.values())}",
        (
            f"{count} confirmed for {places.get(key, 0)} places: {key[0]} {key[1]}"
            for key, count in taken.items()
            if count > places.get(key, 0)
        ),
    )


def _no_place_idle(modes: list[Row], counted: Counter[tuple[str, str, str]]) -> Line:
    waiting = sum(count for (_, _, state), count in counted.items() if state == "waitlisted")
    return none(
        "No place is free while someone waits",
        f"waiting {waiting}",
        (
            f"{capacity - counted[meeting, mode, 'confirmed']} free, {counted[meeting, mode, 'waitlisted']} waiting:"
            f" {meeting} {mode}"
            for meeting, mode, capacity, *_ in modes
            if capacity is not None
            and counted[meeting, mode, "confirmed"] < capacity
            and counted[meeting, mode, "waitlisted"]
        ),
    )


def _counters(modes: list[Row], counted: Counter[tuple[str, str, str]]) -> Line:
    known = {(row[0], row[1], "confirmed"): row[3] for row in modes}
    known |= {(row[0], row[1], "waitlisted"): row[4] for row in modes}
    held = {key: count for key, count in counted.items() if key[2] != "released"}
    return equal(
        "The counters are the seats",
        ("counters", {f"{' '.join(key)} {count}" for key, count in known.items() if count}),
        ("recounted", {f"{' '.join(key)} {count}" for key, count in held.items()}),
    )


def _one_each(seats: list[Row]) -> Line:
    claims = Counter((row[1], row[2]) for row in seats)
    return none(
        "One seat a member and meeting",
        f"seats {len(seats)}",
        (f"{count} seats: {meeting} {member}" for (meeting, member), count in claims.items() if count > 1),
    )


def _as_said(seats: list[Row], events: list[dict[str, Any]]) -> Line:
    """The newest event of each seat is how the seat stands."""
    newest: dict[str, tuple[int, str]] = {}
    for event in events:
        if event["type"] in _SAID:
            data = event["data"]
            stand = f"{data['seat_id']} {data['mode']} {_SAID[event['type']]}"
            newest[data["seat_id"]] = max(newest.get(data["seat_id"], (0, "")), (data["change"], stand))
    return equal(
        "Seats stand as was said",
        ("said", {f"{stand} {change}" for change, stand in newest.values()}),
        ("seats", {f"{row[0]} {row[3]} {row[4]} {row[5]}" for row in seats}),
    )


def _as_heard(seats: list[Row], notifications: Database) -> Line:
    """Notifications holds the newest state of each seat, unless that event is parked."""
    newest: dict[str, tuple[int, str]] = {}
    for seat, change, mode, state in notifications.rows("SELECT seat_id, change, mode, state FROM seats"):
        newest[seat] = max(newest.get(seat, (0, "")), (change, f"{seat} {mode} {state} {change}"))
    waiting = notifications.column("SELECT event_id FROM parked WHERE settled IS NULL")
    known = {stand for _, stand in newest.values()}
    held = {f"{row[0]} {row[3]} {row[4]} {row[5]}" for row in seats}
    return equal("Notifications knows them so", ("seats", held if not waiting else held & known), ("known", known))


def _attendance(database: Database, modes: list[Row], closed: set[str]) -> dict[str, dict[str, int]]:
    """Of each meeting whose sheet is closed: members and guests who attended, and how many in each mode."""
    members = Counter(tuple(row) for row in database.rows(
        "SELECT meeting_id, mode FROM marks WHERE outcome = 'attended'"
    ))  # fmt: skip
    guests = Counter(tuple(row) for row in database.rows(
        "SELECT meeting_id, mode FROM guests WHERE outcome = 'attended'"
    ))  # fmt: skip
    for meeting, mode, _, _, _, gone in modes:
        guests[meeting, mode] += gone
    return {
        meeting: {
            "members": sum(count for (at, _), count in members.items() if at == meeting),
            "guests": sum(count for (at, _), count in guests.items() if at == meeting),
            **{mode: members[meeting, mode] + guests[meeting, mode] for mode in ("in_person", "online", "phone")},
        }
        for meeting in closed
    }


def _attendance_as_said(recount: Mapping[str, Mapping[str, int]], events: list[dict[str, Any]]) -> Line:
    newest: dict[str, str] = {}
    for event in events:
        if event["type"] == "registration.attendance_counted.v1":
            data = event["data"]
            newest[data["meeting_id"]] = _sheet(data["meeting_id"], data)
    return equal(
        "Attendance is the marks",
        ("marks", {_sheet(meeting, counts) for meeting, counts in recount.items()}),
        ("counts said", newest.values()),
    )


def _sheet(meeting: str, counts: Mapping[str, Any]) -> str:
    figures = " ".join(f"{name} {counts[name]}" for name in ("members", "guests", "in_person", "online", "phone"))
    return f"{meeting} {figures}"


def _attendance_as_heard(recount: Mapping[str, Mapping[str, int]], feedback: Database) -> Line:
    """Feedback was told how many members came, and nothing else."""
    return equal(
        "Feedback knows the counts",
        ("marks", {f"{meeting} {counts['members']}" for meeting, counts in recount.items()}),
        ("known", {f"{row[0]} {row[1]}" for row in feedback.rows("SELECT meeting_id, members FROM attendance")}),
    )


def _marks_as_said(database: Database, events: list[dict[str, Any]]) -> Line:
    newest: dict[str, str] = {}
    for event in events:
        if event["type"] == "registration.attendance_recorded.v1":
            data = event["data"]
            newest[data["seat_id"]] = f"{data['seat_id']} {data['outcome']} {data['mode']}"
    told = database.rows("SELECT seat_id, told_outcome, told_mode FROM marks WHERE told_outcome IS NOT NULL")
    return equal(
        "Marks stand as was said",
        ("marks", {f"{row[0]} {row[1]} {row[2]}" for row in told}),
        ("said", newest.values()),
    )
