"""The waitlist, replayed from what was said: whoever asked first moves up first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from services.local.books.line import Line, none
from services.local.books.reading import Database, said
from tests.chaos.audit.record import Asked
from tests.chaos.audit.requests import seat_events

Event = Mapping[str, Any]
ASKING = ("taken", "switched")


@dataclass(frozen=True)
class Claim:
    """One seat as the events so far tell it; ``at`` is the number of the event by which its mode was asked for."""

    mode: str
    state: str
    at: int


def lines(databases: Mapping[str, Database], asked: Sequence[Asked]) -> Iterator[Line]:
    """Promise 2, as those who wait see it."""
    events = seat_events(said(databases["registration"]))
    yield _never_too_many(events, said(databases["meetings"]))
    yield _in_order(events)
    yield _as_told(events, asked)


def _never_too_many(events: Sequence[Event], meetings: Sequence[Event]) -> Line:
    """The books see how it ends: the next change of a meeting takes from the last who came what was given twice."""
    places: Counter[tuple[str, str]] = Counter()
    for event in meetings:
        for offer in event["data"].get("offers", ()):
            key = (event["data"]["meeting_id"], offer["mode"])
            places[key] = max(places[key], offer["capacity"])
    return none("No place was given twice in between", f"modes {len(places)}", crowded(events, places))


def crowded(events: Sequence[Event], places: Mapping[tuple[str, str], int]) -> list[str]:
    """Where more people had been told of a place than there ever were; what one request changed counts as one change.

    Meeting by meeting: whoever changes one keeps others from it, so that its events lie in the order of the changes.
    """
    meetings: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        meetings[event["data"]["meeting_id"]].append(event)
    faults: dict[tuple[str, str], str] = {}
    for meeting, its in meetings.items():
        modes: dict[str, str] = {}
        for _, change in groupby(its, key=lambda event: event.get("causationid")):
            for data in (event["data"] for event in change):
                modes[data["seat_id"]] = data["mode"] if data["state"] == "confirmed" else ""
            for mode, held in Counter(filter(None, modes.values())).items():
                if held > places.get((meeting, mode), 0):
                    faults[meeting, mode] = f"{held} told of {places.get((meeting, mode), 0)} places: {meeting} {mode}"
    return list(faults.values())


def _in_order(events: Sequence[Event]) -> Line:
    """Whenever a person's leaving freed a place, the first of the line got it."""
    promoted, faults = overtaken(events)
    return none("The line moves up in its order", f"promoted {promoted}", faults)


def overtaken(events: Sequence[Event]) -> tuple[int, list[str]]:
    """How many moved up because somebody left, and those who passed another."""
    meetings: dict[str, dict[str, Claim]] = defaultdict(dict)
    promoted, faults = 0, []
    for number, event in enumerate(events):
        data = event["data"]
        seats = meetings[data["meeting_id"]]
        before = seats.get(data["seat_id"])
        if (
            data["reason"] == "promoted"
            and before is not None
            and before.mode == data["mode"]
            and _by_leaving(events, number)
        ):
            promoted += 1
            line = {
                seat: claim
                for seat, claim in seats.items()
                if (claim.mode, claim.state) == (data["mode"], "waitlisted")
            }
            first = min(line, key=lambda seat: line[seat].at, default=None)
            if first != data["seat_id"]:
                faults.append(f"{data['seat_id']} passed {first}: {data['meeting_id']}")
        fresh = Claim(data["mode"], data["state"], number)
        asking = data["reason"] in ASKING or before is None
        seats[data["seat_id"]] = fresh if asking else replace(fresh, at=before.at)  # type: ignore[union-attr]
    return promoted, faults


def _by_leaving(events: Sequence[Event], number: int) -> bool:
    """Whether the same request said before it that a seat was given up or switched; a moved meeting has rules of its own."""
    cause = events[number].get("causationid")
    for earlier in reversed(events[max(0, number - 3) : number]):
        if earlier.get("causationid") == cause:
            return earlier["data"]["reason"] in ("given_up", "switched")
    return False


def _as_told(events: Sequence[Event], asked: Sequence[Asked]) -> Line:
    """Who was told of a place in line before another asked stands before them."""
    number_of = {
        str(event.get("causationid")): number
        for number, event in enumerate(events)
        if event["data"]["reason"] in ASKING
    }
    lines_: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for each in asked:
        if each.accepted and each.told.get("state") == "waitlisted" and each.request_id in number_of:
            lines_[each.facts["meeting_id"], each.told["mode"]].append(each)
    pairs, faults = 0, []
    for waits in lines_.values():
        for earlier in waits:
            for later in waits:
                if earlier.ended < later.began:
                    pairs += 1
                    if number_of[earlier.request_id] > number_of[later.request_id]:
                        faults.append(f"{earlier.request_id} was told first and stands behind {later.request_id}")
    return none("Who was told first stands first", f"pairs {pairs}", faults)
