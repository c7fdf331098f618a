"""Notices: who is to be told is in the ledger, every notice has an end, and what was sent is what arrived."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.local.books.line import Line, equal, none
from services.local.books.reading import Database, moment, said
from services.local.books.where import Unreadable

FAILED = "http_5"
"""How the reason begins where the provider failed: it may have taken the text before it did."""
ENDS = ("sent", "refused", "expired", "held")
_SEAT_NEWS = frozenset({"seat_confirmed", "seat_promoted", "seat_waitlisted", "seat_released"})
_CHANGES = frozenset({"meeting_changed", "meeting_cancelled"})
_SEAT_SAID = frozenset({f"registration.seat_{state}.v1" for state in ("confirmed", "waitlisted", "released")})
_CHANGE_SAID = {
    "meetings.meeting_moved.v1": False,
    "meetings.meeting_moved_online.v1": False,
    "meetings.meeting_moved_back.v1": False,
    "meetings.meeting_cancelled.v1": True,
}


@dataclass(frozen=True)
class Arrived:
    """The sink's log. Message-IDs (without brackets) and sids, each as often as it came."""

    mails: Counter[str]
    texts: Counter[str]
    inbound: frozenset[str]
    records: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, log: Path) -> Arrived:
        """From the sink's JSON lines; no file is an empty one. A line that is being written is not read."""
        try:
            content = log.read_bytes() if log.exists() else b""
            records = tuple(json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines())
        except (OSError, ValueError) as error:
            raise Unreadable(f"{log}: the sink's log cannot be read ({type(error).__name__})") from error
        mails = [str(each["message_id"] or f"none, as {each['id']}") for each in records if each["kind"] == "mail"]
        return cls(
            Counter(message_id.strip("<> ") for message_id in mails),
            Counter(each["sid"] for each in records if each["kind"] == "text"),
            frozenset(each["sid"] for each in records if each["kind"] == "inbound"),
            records,
        )


def unsettled(database: Database, now: datetime) -> list[str]:
    """Notices that are being sent, or that wait and are due."""
    waiting = database.rows(
        "SELECT notice_id, state, not_before FROM notices WHERE state NOT IN ('sent', 'refused', 'expired', 'held')"
    )
    return [f"notice {row[0]} is {row[1]}" for row in waiting if not _later(row[1], row[2], now)]


def _later(state: str, not_before: object, now: datetime) -> bool:
    due = moment(not_before)
    return state == "waiting" and due is not None and due > now


def lines(databases: Mapping[str, Database], arrived: Arrived, now: datetime) -> Iterator[Line]:
    """Due = sent + refused + expired + held; sent = the sink's log."""
    database = databases["notifications"]
    yield _in_the_ledger(databases)
    yield _ended(database, now)
    yield _told(database)
    yield _tried(database)
    yield _arrived("Mails accepted have arrived", "email", database, arrived.mails)
    yield _arrived("Texts accepted have arrived", "sms", database, arrived.texts)
    yield _once(database, arrived)
    yield equal(
        "Texts from people were heard",
        ("in the sink", arrived.inbound),
        ("answered", database.column("SELECT provider_id FROM answers")),
    )


def _in_the_ledger(databases: Mapping[str, Database]) -> Line:
    """Every news of a seat that registration said is a notice to its member, or a refusal with its reason."""
    unheard = set(
        databases["notifications"].column("SELECT event_id FROM parked WHERE settled IS NULL OR settled = 'discarded'")
    )
    changes: set[tuple[str, str]] = set()
    for event in said(databases["meetings"]):
        if event["type"] in _CHANGE_SAID:
            data = event["data"]
            changes.add((data["meeting_id"], "cancelled" if _CHANGE_SAID[event["type"]] else str(data["revision"])))
    due = set()
    for event in said(databases["registration"]):
        if event["type"] in _SEAT_SAID and event["id"] not in unheard:
            due.add(_news(event["data"]))
    held = set()
    for kind, member, meeting, version in databases["notifications"].rows(
        "SELECT kind, member_id, meeting_id, version FROM notices WHERE meeting_id IS NOT NULL"
    ):
        news = f"{member} {meeting} {version}"
        if kind in _SEAT_NEWS or (kind in _CHANGES and (news in due or (meeting, version) not in changes)):
            held.add(news)
    return equal("Everyone with news is in the ledger", ("news said", due), ("noticed", held))


def _news(seat: Mapping[str, Any]) -> str:
    """The member, the meeting and the version under which a notice tells of it."""
    version = {"moved": str(seat["meeting_revision"]), "meeting_cancelled": "cancelled"}.get(
        seat["reason"], f"seat {seat['change']}"
    )
    return f"{seat['member_id']} {seat['meeting_id']} {version}"


def _ended(database: Database, now: datetime) -> Line:
    """Due = sent + refused + expired + held, by the notices' ids."""
    due: set[str] = set()
    ended: dict[str, set[str]] = {end: set() for end in ENDS}
    for notice_id, state, not_before, settled_at in database.rows(
        "SELECT notice_id, state, not_before, settled_at FROM notices"
    ):
        if not _later(state, not_before, now):
            due.add(notice_id)
        if state in ENDS and settled_at is not None:
            ended[state].add(notice_id)
    line = equal("Every notice due has an end", ("due", due), ("ended", set().union(*ended.values())))
    sums = " + ".join(f"{end} {len(ids)}" for end, ids in ended.items())
    return Line(line.what, line.left, sums, line.wrong, line.count)


def _told(database: Database) -> Line:
    """The last word that others heard of a notice about a meeting is where it stands."""
    heard: dict[str, str] = {}
    for event in said(database):
        if event["type"] == "notifications.notice_settled.v1":
            heard[event["data"]["notice_id"]] = event["data"]["state"]
    stands = database.rows(
        "SELECT notice_id, state FROM notices WHERE meeting_id IS NOT NULL AND chapter_id IS NOT NULL"
        " AND state IN ('sent', 'refused', 'expired', 'held')"
    )
    # One that was held and is sent again at a person's word is waiting now; its last word is still in the outbox.
    again = set(database.column("SELECT notice_id FROM notices WHERE state IN ('waiting', 'sending')"))
    return equal(
        "What was told of notices stands",
        ("told", {f"{notice} {state}" for notice, state in heard.items() if notice not in again}),
        ("in the ledger", {f"{notice} {state}" for notice, state in stands}),
    )


def _tried(database: Database) -> Line:
    """As many deliveries as attempts; a sent notice has one that was accepted, or was unknown and a person said so."""
    notices = database.rows("SELECT notice_id, state, attempts FROM notices")
    tries: dict[str, list[str]] = {}
    for notice_id, outcome in database.rows("SELECT notice_id, outcome FROM deliveries"):
        tries.setdefault(notice_id, []).append(outcome)
    faults = [f"a delivery of no notice: {each}" for each in set(tries) - {row[0] for row in notices}]
    for notice_id, state, attempts in notices:
        outcomes = tries.get(notice_id, [])
        if len(outcomes) != attempts:
            faults.append(f"{len(outcomes)} deliveries, not {attempts}: {notice_id}")
        if state == "sent" and not {"accepted", "unknown"} & set(outcomes):
            faults.append(f"sent, but nobody accepted it: {notice_id}")
        if state != "sending" and "sending" in outcomes:
            faults.append(f"a delivery without an end: {notice_id}")
    return none("Every attempt is written down", f"notices {len(notices)}", faults)


def _arrived(what: str, channel: str, database: Database, arrived: Counter[str]) -> Line:
    """What a server accepted = what arrived, by Message-ID or sid.

    An attempt whose outcome nobody could tell may have arrived; of these, no more than there were may be in the
    sink beyond what was accepted. A mail bears the same Message-ID at every attempt, and counts once.
    """
    accepted: set[str] = set()
    certain: set[str] = set()
    doubtful: list[str] = []
    for notice, provider_id, outcome, reason, how in database.rows(
        "SELECT notice_id, provider_id, outcome, reason, channel FROM deliveries"
    ):
        if how == channel and outcome == "accepted":
            accepted.add(provider_id or f"no id, notice {notice}")
            certain.add(notice)
        elif how == channel and (outcome in ("unknown", "sending") or (how == "sms" and reason.startswith(FAILED))):
            doubtful.append(notice)
    unknown = len(set(doubtful) - certain) if channel == "email" else len(doubtful)
    beyond = set(arrived) - accepted
    allowed = set(sorted(beyond)[:unknown])
    right = "arrived" if not unknown else f"arrived ({len(allowed)} of {unknown} unknown)"
    return equal(what, ("accepted", accepted | allowed), (right, set(arrived)))


def _once(database: Database, arrived: Arrived) -> Line:
    """Nothing arrived twice, but a mail whose first outcome was unknown."""
    accepted = set(database.column("SELECT provider_id FROM deliveries WHERE outcome = 'accepted'"))
    doubtful = database.column(
        "SELECT provider_id FROM deliveries WHERE outcome = 'accepted' AND notice_id IN"
        " (SELECT notice_id FROM deliveries WHERE outcome IN ('unknown', 'sending'))"
    )
    sure = accepted - set(doubtful)
    twice = [each for each, times in arrived.mails.items() if times > 1 and each in sure]
    twice += [each for each, times in arrived.texts.items() if times > 1]
    return none(
        "Nothing arrived twice",
        f"mails and texts {sum(arrived.mails.values()) + sum(arrived.texts.values())}",
        (f"arrived more than once: {each}" for each in twice),
    )
