"""The parking lots: what can be replayed was handled on replay; the rest is what was malformed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from services.local.books.line import Line, equal, none
from services.local.books.reading import Database
from services.local.books.where import SERVICES


def lines(databases: Mapping[str, Database], malformed: AbstractSet[tuple[str, str]]) -> Iterator[Line]:
    """``malformed``: service and id (or hash of the bytes) of everything that was put into a queue to be parked."""
    spoken = {each for service in SERVICES for each in databases[service].column("SELECT event_id FROM outbox")}
    parked = [
        (service, *row)
        for service in SERVICES
        for row in databases[service].rows("SELECT event_id, settled FROM parked")
    ]
    inbox = {
        (service, each) for service in SERVICES for each in databases[service].column("SELECT event_id FROM inbox")
    }
    good = [row for row in parked if row[1] in spoken]
    yield none(
        "What was parked was handled on replay",
        f"parked {len(good)}",
        (
            f"{settled or 'waits'}: {service} {event_id}"
            for service, event_id, settled in good
            if settled != "replayed" or (service, event_id) not in inbox
        ),
    )
    yield equal(
        "Parked for good is what was malformed",
        ("malformed", {f"{service} {event_id} discarded" for service, event_id in malformed}),
        (
            "parked",
            {f"{service} {event_id} {settled}" for service, event_id, settled in parked if event_id not in spoken},
        ),
    )
