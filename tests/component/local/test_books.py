"""The books balance after a whole evening, and each of their lines can fail: one thing broken, one line red."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from kombu import Connection
from rich.console import Console

from services.local.books import Where, keep
from services.local.books.keeping import lines
from shared.messaging.topology import declare
from shared.runtime.ids import new_id
from shared.runtime.settings import Settings
from tests.component.local.books_story import ALL, Story
from tests.support.database import TestPostgres


@dataclass(frozen=True)
class Scene:
    """The evening, over; ``where`` it lies and the moment at which it ended."""

    where: Where
    story: Story

    def red(self) -> list[str]:
        """The lines that do not balance."""
        return [line.what for line in lines(self.where, self.story.clock.now) if not line.balances]

    def sql(self, service: str, statement: str, *values: object) -> None:
        """Change a database behind everyone's back; SQLite's checks are off."""
        url = self.where.database(service)
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.split("///", 1)[1])) as connection, connection:
                connection.execute("PRAGMA ignore_check_constraints = ON")
                connection.execute(statement, values)
            return
        with (
            closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.replace("?", "%s"), values)

    def one(self, service: str, query: str, *values: object) -> Any:
        """The first value of the first row."""
        url = self.where.database(service)
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.split("///", 1)[1])) as connection:
                return connection.execute(query, values).fetchone()[0]
        with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
            cursor.execute(query.replace("?", "%s"), values)
            row = cursor.fetchone()
            assert row is not None
            return row[0]

    def body(self, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the bytes of the newest event of this kind in registration's outbox."""
        newest = self.one("registration", "SELECT max(position) FROM outbox WHERE type = ?", kind)
        event = json.loads(bytes(self.one("registration", "SELECT body FROM outbox WHERE position = ?", newest)))
        change(event["data"])
        self.sql("registration", "UPDATE outbox SET body = ? WHERE position = ?", json.dumps(event).encode(), newest)

    def arrived(self) -> list[dict[str, Any]]:
        """The sink's log."""
        return [json.loads(line) for line in self.where.sink_log.read_text().splitlines()]

    def arrive(self, records: list[dict[str, Any]]) -> None:
        """Write the sink's log anew."""
        self.where.sink_log.write_text("".join(json.dumps(each) + "\n" for each in records))

    def plant(self, **more: Any) -> None:
        """Change what was planted."""
        self.where.planted.write_text(json.dumps(json.loads(self.where.planted.read_text()) | more))


@pytest.fixture(scope="module")
def queues(module_vhost: str) -> str:
    """A virtual host with the whole topology in it, and no message."""
    with Connection(module_vhost) as connection:
        declare(connection, Settings().ladder)
    return module_vhost


def at(folder: Path, url: str, queues: str) -> Where:
    """The books' view of a folder."""
    return Where(
        folder=folder, database_url=url, broker_url=queues, sink_log=folder / "sink" / "arrived.jsonl",
        planted=folder / "run" / "planted.json", patience=0.2, again_after=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The evening, played once on SQLite."""
    folder = tmp_path_factory.mktemp("evening")
    story = Story(folder, f"sqlite:///{folder}/data/{{service}}.db")
    story.play()
    story.close()
    return story


@pytest.fixture
def scene(evening: Story, queues: str, tmp_path: Path) -> Scene:
    """A copy of the evening, to break."""
    shutil.copytree(evening.folder, tmp_path / "var")
    return Scene(at(tmp_path / "var", "sqlite:///{data}/{service}.db", queues), evening)


@pytest.fixture(scope="module")
def on_postgres(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory, queues: str) -> Iterator[Scene]:
    """The evening, played on PostgreSQL."""
    folder, pattern = tmp_path_factory.mktemp("evening"), postgres.url_pattern(ALL)
    story = Story(folder, pattern)
    story.play()
    story.close()
    yield Scene(at(folder, pattern, queues), story)
    for name in ALL:
        postgres.drop(pattern.format(service=name))


def _hit(data: dict[str, Any], **figures: Any) -> None:
    data.update(figures)


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
        lambda it: it.sql("meetings", "UPDATE outbox SET sent_at = NULL WHERE position = 1"),
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
        lambda it: it.plant(number=["+13125559999"]),
    ),
    "an alias in a table": (
        "No planted text stands in a database",
        lambda it: it.sql("admin", "INSERT INTO invitations VALUES ('t', ?, '', '2026-11-02 09:00:00')", it.story.alias(2)),
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
    return next(each for each in reversed(it.arrived()) if each["kind"] == kind)


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


def test_on_postgresql_they_balance_and_see_every_fault(on_postgres: Scene) -> None:
    """The same books on the other database; there the faults are made one upon the other."""
    assert on_postgres.red() == []
    done = set()
    for name, (line, do) in FAULTS.items():
        if name == "a seat sold twice":
            on_postgres.sql("registration", "ALTER TABLE modes DROP CONSTRAINT ck_modes_never_oversold")
        do(on_postgres)
        done.add(line)
        if line == "What was told of notices stands":
            continue
    assert set(on_postgres.red()) == done
