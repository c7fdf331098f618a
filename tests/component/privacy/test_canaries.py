"""Planted names, addresses, numbers, links and codes stand nowhere but sealed: a life is lived, failures and all, and
then everything that is kept, said, logged, answered or raised is searched for them.
"""

from __future__ import annotations

import io
import logging
import smtplib
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import date, datetime
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from services.notifications.messages import Permanent
from services.registration.service import RegistrationService
from shared.contracts import feedback as f
from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import Mode
from shared.contracts.errors import Fault, Refused
from shared.messaging.dispatch import Delivery, Dispatcher
from shared.runtime.logging import configure
from tests.support.region import Region, region
from tests.support.world import REGIONAL, VISITOR, member

ALIAS, WALK_IN = "Quillonaut", "Zephyrine"
EMAIL, NUMBER = "brambleqx@canary.example", "+447400987654"
LINK, DIAL_IN, PASSCODE = "https://meet.example.org/quiet", "7946 0000", "sesame-99"
CANARIES = (
    ALIAS,
    WALK_IN,
    "brambleqx",
    "canary.example",
    "7400987654",
    "987654",
    "meet.example.org",
    DIAL_IN,
    PASSCODE,
)


@contextmanager
def overheard() -> Iterator[io.StringIO]:
    """All that a process writes at DEBUG, set up as it really is; afterwards the test run's own logging again."""
    heard = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    real, threads = sys.stderr, threading.excepthook
    try:
        with redirect_stderr(heard), warnings.catch_warnings():
            configure("test", "DEBUG")
            structlog.configure(cache_logger_on_first_use=False)
            yield heard
    finally:
        sys.stderr, threading.excepthook = real, threads
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        structlog.configure(**before[2])


def kept(network: Region) -> Iterator[tuple[str, bytes]]:
    """(where, what) of every cell of every table of every service."""
    for name, world in network.worlds.items():
        with world.store.reading() as work:
            for table in world.service.metadata.sorted_tables:
                for row in work.connection.execute(select(table)).mappings():
                    for column, value in row.items():
                        cell = value if isinstance(value, bytes) else str(value).encode()
                        yield f"{name}.{table.name}.{column}", cell


def search(found: list[str], where: str, text: bytes | str, *more: str) -> None:
    plain = (text if isinstance(text, bytes) else text.encode()).lower()
    found += [f"{where}: {canary}" for canary in (*CANARIES, *more) if canary.lower().encode() in plain]


def life(network: Region) -> tuple[list[str], list[Exception]]:
    """Join, seats, a move, a STOP, attendance, a walk-in, a slip; the codes that were sent, and what was raised."""
    raised: list[Exception] = []
    place = network.found()
    (meeting,) = place.schedule(date(2026, 11, 5))
    ana = network.join("ana", alias=ALIAS, email=EMAIL, sms=NUMBER)
    network.feedback.send(
        f.OpenWindow(
            region_id=place.region,
            name="November",
            opens_at=network.clock.now(),
            closes_at=datetime.fromisoformat("2026-11-20T00:00:00Z"),
        ),
        REGIONAL,
    )
    network.settle()
    network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.ONLINE), ana)
    network.mail.answers = [smtplib.SMTPRecipientsRefused({EMAIL: (550, f"no such user {EMAIL}".encode())})]
    network.settle()
    network.sms.answers = [RuntimeError(f"the provider says: {NUMBER} is {ALIAS}"), Permanent("blocked")]
    place.change(m.MoveMeeting, meeting, starts_local=datetime(2026, 11, 5, 18, 30))
    network.step(minutes=5)
    _provoke(network, meeting, raised)
    network.step(days=2, hours=9)
    world = network.registration
    network.step(hours=24 - 9 + 9, minutes=45)
    network.text(NUMBER, f"STOP, I am {ALIAS}")
    world.send(r.AddWalkIn(meeting_id=meeting, alias=world.seal(WALK_IN)), place.host)
    seats = world.ask(r.ListMeetingSeats(meeting_id=meeting), place.host)
    world.send(
        r.MarkAttendance(meeting_id=meeting, seat_id=seats.seats[0].seat_id, outcome=r.Outcome.ATTENDED), place.host
    )
    world.send(r.CloseAttendance(meeting_id=meeting), place.host)
    network.step(hours=6)
    sent = [message.words.text for message in (*network.mail.tried, *network.sms.tried)]
    codes = [word for text in sent for word in text.replace(".", " ").split() if word.isdigit() and len(word) == 6]
    asks = [message for message in network.mail.taken if "/f" in message.words.text]
    assert len(asks) == 1, "the feedback ask went out"
    return codes, raised


def _provoke(network: Region, meeting: str, raised: list[Exception]) -> None:
    """Refusals and faults that had a canary in their hands."""
    from shared.contracts import notifications as n  # noqa: PLC0415
    from shared.contracts.base import Channel  # noqa: PLC0415

    def attempt(world: Any, command: Any, actor: Any) -> None:
        try:
            world.send(command, actor)
        except (Refused, Fault) as error:
            raised.append(error)

    registration, notifications = network.registration, network.notifications
    for alias in (f"{ALIAS} {EMAIL}", f"{ALIAS}\0", ALIAS * 9, NUMBER):
        join = r.Join(alias=registration.seal(alias), role_in_attending=r.RoleInAttending.FAMILY, agreement_version=1)
        attempt(registration, join, member("ben"))
    for channel, contact in (
        (Channel.EMAIL, f"{EMAIL}@x"),
        (Channel.SMS, f"{NUMBER}99"),
        (Channel.EMAIL, f"\n{EMAIL}\r\n:"),
    ):
        attempt(notifications, n.StartVerification(channel=channel, contact=notifications.seal(contact)), VISITOR)
    attempt(network.meetings, m.AddRoom(chapter_id="x", name="x", link=network.meetings.seal(f"ftp://{LINK}")), VISITOR)

    def broken(_self: object, *_: object) -> None:
        raise RuntimeError(f"cannot handle {ALIAS} <{EMAIL}> {NUMBER}")

    parks: Dispatcher[Any] = Dispatcher(registration.service, registration.store, attempts=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RegistrationService, "join", broken)
        patch.setattr(RegistrationService, "note_contact", broken)
        join = r.Join(alias=registration.seal(ALIAS), role_in_attending=r.RoleInAttending.FAMILY, agreement_version=1)
        attempt(registration, join, member("zoe"))
        event = n.ContactVerified(member_id="ana", contact_point_id="c", channel=Channel.SMS)
        parks.events([Delivery(registration.bytes_of(event))])
        parks.events([Delivery(b"{not json")])
    logging.getLogger("a.library").warning("it went wrong", exc_info=RuntimeError(f"{ALIAS} {EMAIL}"))
    try:
        raise smtplib.SMTPRecipientsRefused({EMAIL: (550, EMAIL.encode())})
    except smtplib.SMTPException:
        logging.getLogger("a.library").exception("it went wrong")
        structlog.get_logger().exception("it went wrong")


def test_canaries_stand_nowhere_in_the_clear() -> None:
    """Tables, outboxes, parked rows, remembered answers, logs at DEBUG, refusals, faults: not one canary, not one code."""
    found: list[str] = []
    with overheard() as heard, region() as network:
        codes, raised = life(network)
        assert codes
        assert len(raised) >= 8
        assert {reason for _, _, reason in network.parked()} >= {"RuntimeError"}
        for where, cell in kept(network):
            search(found, where, cell)
            if len(cell) < 100:
                found += [f"{where}: a code" for code in codes if cell.decode("latin-1") == code]
        for error in raised:
            search(found, f"raised {type(error).__name__}", f"{error} {vars(error)}")
        for world in network.worlds.values():
            for event in world.said():
                search(found, type(event).__name__, event.model_dump_json())
    log = heard.getvalue()
    assert "notice_settled" in log, "the log was overheard"
    assert "RuntimeError" in log, "the log was overheard"
    for line in log.splitlines():
        search(found, f"log: {line[:160]}", line, *(f'"{code}"' for code in codes))
    assert not found, "\n".join(sorted(set(found))[:30])


def test_the_texts_of_database_errors_hold_no_values() -> None:
    """SQLAlchemy puts a statement's values into its errors, unless told otherwise: wherever one is printed, they are."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    with region() as network, network.registration.store.reading() as work:
        table = RegistrationService.metadata.tables["members"]
        with pytest.raises(SQLAlchemyError) as caught:
            work.connection.execute(
                table.insert().values(dict.fromkeys(table.columns.keys(), None) | {table.columns.keys()[0]: ALIAS})
            )
        assert ALIAS not in str(caught.value)


def test_no_person_stands_in_an_address_of_the_portal_or_in_a_mails_headers() -> None:
    """Subjects, senders, ids, file names and links of every mail: neither alias, nor number, nor group at the default level."""
    found: list[str] = []
    with region() as network:
        life(network)
        for message in network.mail.tried:
            for where, text in (
                ("subject", message.words.subject or ""),
                ("message id", message.message_id),
                ("unsubscribe", message.unsubscribe_url or ""),
            ):
                search(found, where, text, "Evening circle", "Harbour", "North Shore", "ana")
            calendar = message.calendar.body.replace("\r\n ", "") if message.calendar else ""
            for line in calendar.splitlines():
                if not line.startswith("ATTENDEE"):
                    search(
                        found, f"calendar {line}", line, "Evening circle", "Harbour", "North Shore", "Library", "Quay"
                    )
    assert not found, sorted(set(found))
