"""Who hears what, written down by hand from docs/asyncapi.yaml, and the lines of promise 1."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from services.local.books.line import Line, equal, none
from services.local.books.reading import UNSENT, Database
from services.local.books.where import SERVICES

_MEETING = frozenset(
    {
        "meetings.meeting_scheduled.v1",
        "meetings.meeting_moved.v1",
        "meetings.meeting_resized.v1",
        "meetings.meeting_moved_online.v1",
        "meetings.meeting_moved_back.v1",
        "meetings.meeting_cancelled.v1",
        "meetings.meeting_ended.v1",
    }
)
HEARS: dict[str, frozenset[str]] = {
    "meetings": frozenset(),
    "registration": _MEETING
    | {
        "notifications.contact_verified.v1",
        "notifications.contact_suppressed.v1",
    },
    "notifications": _MEETING
    | {
        "meetings.chapter_opened.v1",
        "registration.member_joined.v1",
        "registration.member_left.v1",
        "registration.consent_decided.v1",
        "registration.seat_confirmed.v1",
        "registration.seat_waitlisted.v1",
        "registration.seat_released.v1",
        "registration.attendance_recorded.v1",
        "feedback.window_opened.v1",
        "feedback.window_closed.v1",
    },
    "feedback": frozenset({"meetings.chapter_opened.v1", "registration.attendance_counted.v1"}),
}
_ID = 36
"""The length of an event's id. What could not be read at all is parked under the 64 digits of its body's hash."""


def lines(databases: Mapping[str, Database], strangers: frozenset[str] = frozenset()) -> Iterator[Line]:
    """Said = inbox and parked, for each who hears; every outbox sent, and numbered without a gap."""
    spoken: dict[str, str] = {
        event_id: kind
        for service in SERVICES
        for event_id, kind in databases[service].rows("SELECT event_id, type FROM outbox")
    }
    for service, types in HEARS.items():
        if types or databases[service].column("SELECT event_id FROM inbox"):
            yield _heard(service, types, spoken, databases[service], strangers)
    yield _sent(databases)
    yield _numbered(databases)


def _heard(
    service: str, types: frozenset[str], spoken: Mapping[str, str], database: Database, strangers: frozenset[str]
) -> Line:
    due = {event_id for event_id, kind in spoken.items() if kind in types}
    inbox = set(database.column("SELECT event_id FROM inbox"))
    parked = {each for each in database.column("SELECT event_id FROM parked") if len(each) == _ID} - strangers
    return equal(f"What {service} hears", ("said", due), (f"inbox or parked ({len(parked)})", inbox | parked))


def _sent(databases: Mapping[str, Database]) -> Line:
    every: set[str] = set()
    gone: set[str] = set()
    for service in SERVICES:
        said = set(databases[service].column("SELECT event_id FROM outbox"))
        every |= said
        gone |= said - set(databases[service].column(UNSENT))
    return equal("Every event has left", ("in outboxes", every), ("sent", gone))


def _numbered(databases: Mapping[str, Database]) -> Line:
    """Each subject's events are 1, 2, 3 …, and each row says what its bytes say."""
    faults, subjects = [], 0
    for service in SERVICES:
        numbers: dict[str, list[int]] = {}
        for event_id, kind, subject, sequence, body in databases[service].rows(
            "SELECT event_id, type, subject, sequence, body FROM outbox"
        ):
            numbers.setdefault(subject, []).append(sequence)
            inside = json.loads(bytes(body))
            if (inside["id"], inside["type"], inside["subject"], inside["sequence"]) != (
                event_id,
                kind,
                subject,
                sequence,
            ):
                faults.append(f"its bytes say otherwise: {event_id}")
        subjects += len(numbers)
        faults += [
            f"a number is missing or doubled: {service} {subject}"
            for subject, found in numbers.items()
            if sorted(found) != list(range(1, len(found) + 1))
        ]
    return none("Events are numbered without a gap", f"subjects {subjects}", faults)
