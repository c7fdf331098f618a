"""Every accepted request's effect is there exactly once: the driver's log against outboxes and tables, as sets of ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from services.local.books.line import Line, equal, none
from services.local.books.reading import Database, said
from services.local.books.where import SERVICES
from tests.chaos.audit.record import Asked

FORGETFUL = frozenset({"feedback.submit_slip.v1", "stop"})
"""Kinds that leave no remembered request: a slip by design; a STOP comes through the provider."""

LEFT = "registration.member_left.v1"
ONE_EVENT = {
    "meetings.open_chapter.v1": "meetings.chapter_opened.v1",
    "meetings.found_group.v1": "meetings.group_founded.v1",
    "meetings.move_online.v1": "meetings.meeting_moved_online.v1",
    "meetings.move_back.v1": "meetings.meeting_moved_back.v1",
    "meetings.cancel_meeting.v1": "meetings.meeting_cancelled.v1",
    "registration.join.v1": "registration.member_joined.v1",
    "registration.leave.v1": LEFT,
    "registration.close_attendance.v1": "registration.attendance_counted.v1",
    "feedback.open_window.v1": "feedback.window_opened.v1",
}
"""Kinds of which each accepted request says this event once, and nobody else says it with a request as its cause."""

SEAT_REASONS = {"taken": "registration.take_seat.v1", "switched": "registration.switch_mode.v1",
                "given_up": "registration.give_up_seat.v1"}  # fmt: skip
GIVING_UP = ("registration.give_up_seat.v1", "registration.leave.v1")
"""Whoever leaves gives up a seat at each coming meeting, all by one request."""

ROWS = {
    "meetings.add_venue.v1": ("meetings", "venues", "venue_id"),
    "meetings.add_room.v1": ("meetings", "rooms", "room_id"),
    "meetings.schedule_series.v1": ("meetings", "series", "series_id"),
    "meetings.found_region.v1": ("meetings", "regions", "region_id"),
    "notifications.start_verification.v1": ("notifications", "notices", "verification_id"),
}
"""Kinds that answer the id of what they made: one row bears it."""


def lines(databases: Mapping[str, Database], asked: Sequence[Asked]) -> Iterator[Line]:
    """Promise 1, as the one who asked sees it."""
    events = {service: said(databases[service]) for service in SERVICES}
    yield none(
        "Every request has an end",
        f"asked {len(asked)}, of these {sum(bool(each.unknowns) for each in asked)} unknown for a time",
        (f"{each.kind} {each.request_id}" for each in asked if each.end is None),
    )
    yield _remembered(databases, asked)
    yield _one_event(events, asked)
    yield _seats(events["registration"], asked)
    yield _rows(databases, events["meetings"], asked)
    left = left_in(events["registration"])
    yield _contacts(databases["notifications"], events["notifications"], asked, left)
    yield _sheets(databases["registration"], asked)
    yield _slips(databases["feedback"], asked)


def _remembered(databases: Mapping[str, Database], asked: Sequence[Asked]) -> Line:
    """Accepted is committed and refused is not: whatever was killed between the effect and the answer."""
    ours = {each.request_id for each in asked}
    kept = {row for service in SERVICES for row in databases[service].column("SELECT request_id FROM requests")}
    told = {each.request_id for each in asked if each.accepted and each.kind not in FORGETFUL}
    return equal("Accepted is what was committed", ("accepted", told), ("committed", kept & ours))


def _caused(events: Sequence[Mapping[str, Any]], kind: str) -> Counter[str]:
    return Counter(str(each.get("causationid")) for each in events if each["type"] == kind)


def _one_event(events: Mapping[str, Sequence[Mapping[str, Any]]], asked: Sequence[Asked]) -> Line:
    every = [event for service in events.values() for event in service]
    left: set[str] = set()
    right: set[str] = set()
    kinds = {each.request_id: each.kind for each in asked}
    for kind, event in ONE_EVENT.items():
        left |= {f"{kind} {each.request_id} 1" for each in asked if each.kind == kind and each.accepted}
        found = _caused(every, event)
        # Closing a sheet is told as counts, and so is a correction after it.
        unasked = kind != "registration.close_attendance.v1"
        right |= {
            f"{kind} {cause} {times}"
            for cause, times in found.items()
            if kinds.get(cause) == kind or (unasked and cause not in kinds)
        }
    return equal("Accepted is said once", ("accepted", left), ("events", right))


def left_in(events: Sequence[Mapping[str, Any]]) -> set[str]:
    """Who was said to have left for good."""
    return {event["data"]["member_id"] for event in events if event["type"] == LEFT}


def seat_events(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """News of seats, in the order of the outbox."""
    return [each for each in events if each["type"].startswith("registration.seat_")]


def _seats(events: Sequence[Mapping[str, Any]], asked: Sequence[Asked]) -> Line:
    """Each news of a seat that a person brought about was asked for once; each who asked for a seat has had one."""
    accepted = {each.request_id: each for each in asked if each.accepted}
    begun = {each.request_id for each in asked}
    caused: dict[str, int] = defaultdict(int)
    there: Counter[tuple[str, str]] = Counter()
    faults = []
    for event in seat_events(events):
        reason = event["data"]["reason"]
        kind = SEAT_REASONS.get(reason)
        if kind is None:
            continue
        cause = str(event.get("causationid"))
        caused[cause] += 1
        there[cause, event["data"]["meeting_id"]] += 1
        # A seat that a page took beside another form has an id made from that form's: nobody asked for it by itself.
        known = accepted.get(cause)
        if known is not None and known.kind != kind and not (reason == "given_up" and known.kind in GIVING_UP):
            faults.append(f"{known.kind} said that a seat was {reason}: {cause}")
        if known is None and cause in begun:
            faults.append(f"it was refused, and a seat was {reason}: {cause}")
    faults += [f"{times} times: {cause}" for (cause, _), times in there.items() if times > 1]
    leaving = {each for each, asked_for in accepted.items() if asked_for.kind == "registration.leave.v1"}
    faults += [
        f"at {meetings} meetings: {cause}"
        for cause, meetings in Counter(cause for cause, _ in there).items()
        if meetings > 1 and cause not in leaving
    ]
    left = left_in(events)
    gone = {each.facts["meeting_id"] for each in asked if each.kind == "meetings.cancel_meeting.v1"}
    for kind in ("registration.take_seat.v1", "registration.give_up_seat.v1"):
        claims: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in accepted.values():
            if each.kind == kind and "member_id" in each.facts:
                claims[each.facts["member_id"], each.facts["meeting_id"]].append(each.request_id)
        faults += [
            f"{kind} left no trace: {member} {meeting}"
            for (member, meeting), ids in claims.items()
            if not any(caused[each] for each in ids)
            and not (kind.endswith("give_up_seat.v1") and (meeting in gone or member in left))
        ]
    seats = sum(each.kind in SEAT_REASONS.values() for each in accepted.values())
    return none(
        "A seat is taken, changed and given up once", f"accepted {seats}, events {sum(caused.values())}", faults
    )


def _rows(databases: Mapping[str, Database], meetings: Sequence[Mapping[str, Any]], asked: Sequence[Asked]) -> Line:
    left: set[str] = set()
    right: set[str] = set()
    for kind, (service, table, column) in ROWS.items():
        told = {str(each.told[column]) for each in asked if each.kind == kind and each.accepted and column in each.told}
        found = Counter(
            str(each)
            for each in databases[service].column(f"SELECT {column} FROM {table}")  # noqa: S608 - from the table above
        )
        left |= {f"{column} {each} 1" for each in told}
        right |= {f"{column} {each} {found[each]}" for each in told if found[each]}
    laid_out = _caused(meetings, "meetings.meeting_scheduled.v1")
    for each in asked:
        if each.kind == "meetings.schedule_series.v1" and each.accepted and each.told.get("meetings"):
            left.add(f"meetings {each.request_id} {each.told['meetings']}")
            right.add(f"meetings {each.request_id} {laid_out[each.request_id]}")
    return equal("What was answered is there", ("told", left), ("found", right))


def _contacts(
    database: Database, events: Sequence[Mapping[str, Any]], asked: Sequence[Asked], left: AbstractSet[str]
) -> Line:
    """Each code that was right proves one contact point once; each STOP is remembered; each preference is kept, while
    its member stays.
    """
    confirmed = {each.request_id: each for each in asked if each.kind == "notifications.confirm_code.v1"}
    proved = _caused(events, "notifications.contact_verified.v1")
    faults = [f"{times} contact points proved: {cause}" for cause, times in proved.items() if times != 1]
    faults += [
        f"proved without a code: {each}" for each in proved if each not in confirmed or not confirmed[each].accepted
    ]
    faults += [
        f"the code was right, and proved nothing: {each.request_id}"
        for each in confirmed.values()
        if each.accepted and each.told.get("known") is False and not proved[each.request_id]
    ]
    answered = set(database.column("SELECT provider_id FROM answers"))
    preferring = set(database.column("SELECT member_id FROM preferences"))
    for each in asked:
        if each.accepted and each.kind == "stop" and each.told["sid"] not in answered:
            faults.append(f"STOP was not heard: {each.told['sid']}")
        if (
            each.accepted
            and each.kind == "notifications.set_preferences.v1"
            and each.facts["member_id"] not in preferring | left
        ):
            faults.append(f"a preference was not kept: {each.facts['member_id']}")
    return none("Contacts are proved, and silenced, once", f"codes {len(confirmed)}, proved {len(proved)}", faults)


def _sheets(database: Database, asked: Sequence[Asked]) -> Line:
    """As many guests as walk-ins were added; a mark for each that was made, and as it was made where it was made once."""
    added = Counter(
        each.facts["meeting_id"] for each in asked if each.kind == "registration.add_walk_in.v1" and each.accepted
    )
    here: Counter[str] = Counter(database.column("SELECT meeting_id FROM guests"))
    for meeting, gone in database.rows("SELECT meeting_id, guests_gone FROM modes"):
        here[meeting] += gone
    faults = [
        f"{added[each]} walk-ins added, {here[each]} guests: {each}"
        for each in {*added, *here}
        if added[each] != here[each]
    ]
    marks = {row[0]: row[1] for row in database.rows("SELECT seat_id, outcome FROM marks")}
    made: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        if each.kind == "registration.mark_attendance.v1" and each.end != "refused":
            made[each.facts["seat_id"]].append(each)
    for seat, several in made.items():
        if any(each.accepted for each in several) and seat not in marks:
            faults.append(f"a mark is not there: {seat}")
        if len(several) == 1 and several[0].accepted and marks.get(seat) not in (several[0].facts["outcome"], None):
            faults.append(f"another mark than was made: {seat}")
    return none("Sheets hold what was marked", f"walk-ins {added.total()}, marks {len(made)}", faults)


def _slips(feedback: Database, asked: Sequence[Asked]) -> Line:
    """As many slips as thanks. One whose code ran out before anybody knew may count or not."""
    thanked = sum(each.kind == "feedback.submit_slip.v1" and each.accepted for each in asked)
    open_ = sum(each.kind == "feedback.submit_slip.v1" and not each.accepted and bool(each.unknowns) for each in asked)
    slips = len(feedback.column("SELECT slip_id FROM slips"))
    wrong = () if thanked <= slips <= thanked + open_ else (f"thanked for {thanked}, {open_} unknown, slips {slips}",)
    return Line("Thanked is counted", f"thanked {thanked}", f"slips {slips}", wrong, len(wrong))
