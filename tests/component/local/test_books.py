"""The books balance after a whole evening, and each of their lines can fail: one thing broken, one line red."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from rich.console import Console

from services.local.books import keep
from services.local.books.hearing import HEARS
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.runtime.ids import new_id
from tests.component.local.books_scene import Scene

FAULTS: dict[str, tuple[str, Callable[[Scene], None]]] = {
    "an effect without its inbox row": (
        "What registration hears",
        lambda it: it.sql("registration", "DELETE FROM inbox WHERE event_id = (SELECT min(event_id) FROM inbox)"),
    ),
    "an event that one of many did not get": (
        "What notifications hears",
        lambda it: it.sql("notifications", "DELETE FROM inbox WHERE event_id = (SELECT max(event_id) FROM inbox)"),
    ),
    "an event that nobody said": (
        "What feedback hears",
        lambda it: it.sql("feedback", "INSERT INTO inbox VALUES (?, '2026-11-02 09:00:00')", new_id()),
    ),
    "an event that did not leave": (
        "Every event has left",
        lambda it: it.sql("meetings", "INSERT INTO unsent (position) VALUES (1)"),
    ),
    "a number given twice": (
        "Events are numbered without a gap",
        lambda it: it.sql("notifications", "UPDATE outbox SET sequence = sequence + 1 WHERE position = 1"),
    ),
    "news of which nobody was told": (
        "Everyone with news is in the ledger",
        lambda it: it.sql("notifications", "UPDATE notices SET version = 'seat 9' WHERE kind = 'seat_promoted'"),
    ),
    "a notice that hangs": (
        "Every notice due has an end",
        lambda it: it.sql(
            "notifications",
            "UPDATE notices SET state = 'waiting' WHERE notice_id ="
            " (SELECT min(notice_id) FROM notices WHERE kind = 'code')",
        ),
    ),
    "a notice that ended otherwise than was told": (
        "What was told of notices stands",
        lambda it: it.sql("notifications", "UPDATE notices SET state = 'refused' WHERE kind = 'seat_promoted'"),
    ),
    "an attempt of which the notice knows nothing": (
        "Every attempt is written down",
        lambda it: it.sql(
            "notifications",
            "INSERT INTO deliveries SELECT notice_id, 7, channel, begun_at, ended_at, 'transient', '', '', '', 0"
            " FROM deliveries WHERE notice_id = (SELECT min(notice_id) FROM deliveries) AND attempt = 1",
        ),
    ),
    "a notice sent that did not arrive": (
        "Mails accepted have arrived",
        lambda it: it.arrive(_without(it.arrived(), "mail")),
    ),
    "a mail that no notice sent": (
        "Mails accepted have arrived",
        lambda it: it.arrive([*it.arrived(), _letter(it, "mail") | {"message_id": "<none@chapterhouse.example>"}]),
    ),
    "a text that no notice sent": (
        "Texts accepted have arrived",
        lambda it: it.arrive([*it.arrived(), _letter(it, "text") | {"sid": "SM00"}]),
    ),
    "a mail that came twice": (
        "Nothing arrived twice",
        lambda it: it.arrive([*it.arrived(), _letter(it, "mail")]),
    ),
    "a STOP that nobody heard": (
        "Texts from people were heard",
        lambda it: it.arrive([*it.arrived(), {"kind": "inbound", "sid": "SM01"}]),
    ),
    "a seat sold twice": (
        "No seat is sold twice",
        lambda it: it.sql("registration", "UPDATE modes SET capacity = confirmed - 1 WHERE confirmed > 5"),
    ),
    "a free place while someone waits": (
        "No place is free while someone waits",
        lambda it: it.sql("registration", "UPDATE modes SET capacity = capacity + 1 WHERE waiting > 0"),
    ),
    "a counter that has drifted": (
        "The counters are the seats",
        lambda it: it.sql("registration", "UPDATE modes SET waiting = waiting + 1 WHERE waiting > 0"),
    ),
    "a seat that others were told of otherwise": (
        "Seats stand as was said",
        lambda it: it.body("registration.seat_released.v1", lambda data: data.update(mode="phone")),
    ),
    "a seat that others know otherwise": (
        "Notifications knows them so",
        lambda it: it.sql("notifications", "UPDATE seats SET mode = 'phone' WHERE state = 'released'"),
    ),
    "a count that is not the marks": (
        "Attendance is the marks",
        lambda it: it.body("registration.attendance_counted.v1", lambda data: data.update(guests=9)),
    ),
    "a count that came otherwise": (
        "Feedback knows the counts",
        lambda it: it.sql("feedback", "UPDATE attendance SET members = members + 1"),
    ),
    "a mark that others were told of otherwise": (
        "Marks stand as was said",
        lambda it: it.sql(
            "registration", "UPDATE marks SET told_mode = 'phone' WHERE seat_id = (SELECT min(seat_id) FROM marks)"
        ),
    ),
    "an address of someone who left": (
        "Who left is forgotten",
        lambda it: it.sql("notifications", "UPDATE contact_points SET member_id = ? WHERE contact_point_id ="
                          " (SELECT min(contact_point_id) FROM contact_points)", it.story.members[7]),
    ),
    "a name of someone who left": (
        "Who left is forgotten",
        lambda it: it.sql("registration", "UPDATE members SET alias = ? WHERE member_id = ?", b"sealed", it.story.members[7]),
    ),
    "a key of someone who left": (
        "Who left is forgotten",
        lambda it: it.sql("notifications", "INSERT INTO member_keys (member_id, wrapped) VALUES (?, ?)",
                          it.story.members[7], b"key"),
    ),
    "someone who left of whom nobody heard": (
        "Who left is forgotten",
        lambda it: it.sql("notifications", "UPDATE members SET left_at = NULL WHERE member_id = ?", it.story.members[7]),
    ),
    "a consent of someone who left": (
        "Who left is forgotten",
        lambda it: it.sql("registration", "DELETE FROM consents WHERE how = 'left' AND member_id = ?", it.story.members[7]),
    ),
    "a slip that was thanked for and lost": (
        "Slips accepted are counted",
        lambda it: it.plant(slips_accepted=it.story.accepted + 1),
    ),
    "a slip without a code": (
        "One slip a code",
        lambda it: it.sql(
            "feedback", "UPDATE codes SET spent = ? WHERE code_hash = (SELECT min(code_hash) FROM codes)", False
        ),
    ),
    "codes for people who were not there": (
        "No more codes than people",
        lambda it: [
            it.sql(
                "feedback",
                "INSERT INTO codes SELECT ?, window_id, chapter_id, ? FROM codes"
                " WHERE code_hash = (SELECT min(code_hash) FROM codes)",
                hashlib.sha256(bytes([number])).hexdigest(),
                False,
            )
            for number in range(8)
        ]
        and None,
    ),
    "a report that counts otherwise": (
        "Slips counted are slips accepted",
        lambda it: it.sql("feedback", """UPDATE windows SET report = replace(report, '"persons":10', '"persons":15')"""),
    ),
    "a slip that tells when it came": (
        "Slips bear no time and no order",
        lambda it: it.sql("feedback", "ALTER TABLE slips ADD COLUMN came_at timestamp"),
    ),
    "a slip's id beside a member": (
        "No slip leads to a person",
        lambda it: it.sql(
            "registration",
            "INSERT INTO requests VALUES ('r', 'h', ?, '2026-11-02 09:00:00')",
            b'{"slip": "%s"}' % str(it.one("feedback", "SELECT min(slip_id) FROM slips")).encode(),
        ),
    ),
    "a member in feedback": (
        "No slip leads to a person",
        lambda it: it.sql("feedback", "UPDATE windows SET name = ?", f"for {it.story.members[3]}"),
    ),
    "a code that was kept": (
        "Codes sent are erased",
        lambda it: it.sql(
            "notifications",
            "UPDATE notices SET code = ? WHERE notice_id ="
            " (SELECT min(notice_id) FROM notices WHERE kind = 'feedback_ask')",
            b"sealed",
        ),
    ),
    "a canary that never flew": (
        "What was planted was used",
        lambda it: it.plant(number=[*it.planted("number"), "+13125559999"]),
    ),
    "an alias in a table": (
        "No planted text stands in a database",
        lambda it: it.sql("admin", "INSERT INTO invitations VALUES ('t', 'r', ?, '2026-11-02 09:00:00')", it.story.alias(2)),
    ),
    "an alias in a log": (
        "No planted text stands in a log",
        lambda it: _write(it, "log/portal.log", f'{{"event": "joined", "as": "{it.story.alias(4).upper()}"}}'),
    ),
    "a number in the broker's files": (
        "No planted text stands in the broker's files",
        lambda it: _write(it, "broker/00000002.segment", "RASG\0\0" + it.story.contact(3)[1]),
    ),
    "an address in some other file": (
        "No planted text stands in any other file",
        lambda it: _write(it, "run/notes.json", json.dumps({"last": it.story.contact(1)[1].title()})),
    ),
    "a mail that greets": (
        "No mail or text bears a name",
        lambda it: it.arrive(
            [each | {"text": f"Dear {it.story.alias(1)},"} if each["kind"] == "mail" else each for each in it.arrived()]
        ),
    ),
}  # fmt: skip


def _without(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    last = max(number for number, each in enumerate(records) if each["kind"] == kind)
    return records[:last] + records[last + 1 :]


def _letter(it: Scene, kind: str) -> dict[str, Any]:
    return next(each for each in it.arrived() if each["kind"] == kind)


def _write(it: Scene, name: str, text: str) -> None:
    (it.where.folder / name).write_text(text)


def test_the_books_of_a_sound_network_balance(scene: Scene) -> None:
    """After an evening in which nothing went wrong that was not put right, every line balances, and keep says so."""
    said = io.StringIO()
    assert keep(scene.where, Console(file=said, width=140), scene.story.clock.now), said.getvalue()
    assert "lines balance" in said.getvalue()


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_one_red_line(scene: Scene, name: str) -> None:
    """Each line sees its own fault, and no other line does."""
    line, do = FAULTS[name]
    do(scene)
    assert scene.red() == [line]


def test_what_was_parked_and_replayed_counts_as_heard(scene: Scene) -> None:
    """It has taken effect since; what was discarded, or still lies there, has not."""
    news = "SELECT max(event_id) FROM outbox WHERE type = 'registration.seat_confirmed.v1'"
    park = "INSERT INTO parked VALUES (?, 'seat', x'00', 'know_seat', 5, 'Error', '2026-11-02', ?, '2026-11-02')"
    scene.sql("notifications", park, scene.one("registration", news), "replayed")
    assert scene.red() == []
    scene.sql("notifications", "UPDATE parked SET settled = 'discarded'")
    assert scene.red() == ["Everyone with news is in the ledger"]


def test_on_postgresql_they_balance_and_see_every_fault(on_postgres: Scene) -> None:
    """The same books on the other database; there the faults are made one upon the other."""
    assert on_postgres.red() == []
    done = set()
    checks = "SELECT string_agg('DROP CONSTRAINT ' || conname, ', ') FROM pg_constraint WHERE contype = 'c'"
    dropped = on_postgres.one("registration", f"{checks} AND conrelid = 'modes'::regclass")
    on_postgres.sql("registration", f"ALTER TABLE modes {dropped}")
    for line, do in FAULTS.values():
        do(on_postgres)
        done.add(line)
    assert set(on_postgres.red()) == done


def test_the_auditors_own_table_is_what_services_are_bound_to() -> None:
    """It is written by hand, from docs/asyncapi.yaml; here it is held against the services' own."""
    assert {service: {event.type for event in heard} for service, heard in SUBSCRIPTIONS.items()} == HEARS


def test_what_cannot_be_read_is_said_in_a_sentence(scene: Scene) -> None:
    """A database, a file or a broker that is not there: no traceback, no balance."""
    for missing in (
        {"database_url": "sqlite:///{data}/gone/{service}.db"},
        {"planted": scene.where.folder / "gone.json"},
        {"broker_url": "amqp://guest:guest@127.0.0.1:1/none"},
    ):
        said = io.StringIO()
        assert not keep(scene.but(**missing).where, Console(file=said, width=140), scene.story.clock.now)
        assert "The books cannot be kept" in said.getvalue()


def test_what_differs_is_named_by_opaque_ids(scene: Scene) -> None:
    """Whoever reads the books over the shoulder learns no name, address or number from them."""
    for _, do in FAULTS.values():
        do(scene)
    said = io.StringIO()
    assert not keep(scene.where, Console(file=said, width=200), scene.story.clock.now)
    people = [scene.story.alias(number) for number in range(5)] + [
        scene.story.contact(number)[1] for number in range(5)
    ]
    assert not [each for each in people if each.lower() in said.getvalue().lower()]
    assert "address 1 stands in run/notes.json" in said.getvalue()


def test_what_was_erased_but_not_overwritten_is_found(scene: Scene) -> None:
    """A row that is gone may still lie on a free page: files are read byte by byte, beside the rows."""
    file = scene.where.database("registration").split("///", 1)[1]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE scratch (said TEXT)")
        connection.execute("INSERT INTO scratch VALUES (?)", (scene.story.alias(6),))
        connection.commit()
        connection.execute("DELETE FROM scratch")
    assert scene.red() == ["No planted text stands in a database"]
