"""Who left: an id and a day, in two databases, and nothing by which they could be reached, called or told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.local.books.line import Line, none
from services.local.books.reading import Database, moment, said

_KEPT = {
    "registration": {
        "a name": "SELECT member_id FROM members WHERE length(alias) > 0 OR length(role) > 0",
        "a key": "SELECT member_id FROM member_keys",
        "a contact": "SELECT member_id FROM contacts",
    },
    "notifications": {
        "an address": "SELECT member_id FROM contact_points",
        "a wish": "SELECT member_id FROM preferences",
        "a key": "SELECT member_id FROM member_keys",
        "a notice without an end": ("SELECT member_id FROM notices WHERE state NOT IN ('sent', 'refused', 'expired')"),
    },
}
"""What may be kept of nobody who left, and whose it is."""


def lines(databases: Mapping[str, Database]) -> Iterator[Line]:
    """One line: for everyone who was said to have left there is a tombstone and nothing else."""
    left = {
        event["data"]["member_id"]
        for event in said(databases["registration"])
        if event["type"] == "registration.member_left.v1"
    }
    faults = [
        f"{what} is kept in {service}: {member}"
        for service, statements in _KEPT.items()
        for what, statement in statements.items()
        for member in left.intersection(databases[service].column(statement))
    ]
    for service in _KEPT:
        known = set(databases[service].column("SELECT member_id FROM members WHERE left_at IS NOT NULL"))
        faults += [f"{service} does not know it: {member}" for member in left - known]
        faults += [f"{service} knows what was not said: {member}" for member in known - left]
    faults += [f"{what}: {member}" for what, member in _standing(databases["registration"], left)]
    yield none("Who left is forgotten", f"left {len(left)}", faults)


def _standing(registration: Database, left: set[str]) -> Iterator[tuple[str, str]]:
    """A consent that stands, or a place at a meeting that ended after they left and of which no sheet tells."""
    consents = registration.rows("SELECT member_id, purpose, channel, decided, granted FROM consents")
    newest = {tuple(row[:3]): row for row in sorted(consents, key=lambda row: row[3])}
    yield from (("a consent stands", row[0]) for row in newest.values() if row[4] and row[0] in left)
    held = registration.rows(
        "SELECT s.member_id, m.ends_at, p.left_at FROM seats s JOIN meetings m ON m.meeting_id = s.meeting_id"
        " JOIN members p ON p.member_id = s.member_id LEFT JOIN marks k ON k.seat_id = s.seat_id"
        " WHERE s.state <> 'released' AND p.left_at IS NOT NULL AND m.status = 'scheduled'"
        " AND k.outcome IS NULL"  # who was there when they left may be marked otherwise since
    )
    for member, ends, gone in held:
        ended, since = moment(ends), moment(gone)
        if member in left and ended is not None and since is not None and ended > since:
            yield "a place is held", member
