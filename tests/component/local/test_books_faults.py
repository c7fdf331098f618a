"""What faults leave behind is no fault of the books: strangers' events, and texts of which nobody can tell."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from services.local.books.hearing import _heard
from services.local.books.notices import _arrived
from services.local.books.reading import Database

STRANGER = "01a21cc1-0000-7000-8000-000000000001"
HEARD = "01a21cc1-0000-7000-8000-000000000002"


def database(folder: Path, *statements: str) -> Database:
    """A database of these tables and rows."""
    file = folder / "one.db"
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return Database("one", f"sqlite:///{file}")


def parking(folder: Path) -> Database:
    """One event was heard, and one is parked that nobody said."""
    return database(
        folder,
        "CREATE TABLE inbox (event_id TEXT)",
        "CREATE TABLE parked (event_id TEXT)",
        f"INSERT INTO inbox VALUES ('{HEARD}')",  # noqa: S608 - an id of ours
        f"INSERT INTO parked VALUES ('{STRANGER}')",  # noqa: S608 - an id of ours
    )


def test_a_strangers_event_was_heard_by_nobody(tmp_path: Path) -> None:
    """It lies in the parking lot; the line is about what was said."""
    said = {HEARD: "a.b.v1"}
    line = _heard("one", frozenset({"a.b.v1"}), said, parking(tmp_path), frozenset({STRANGER}))
    assert line.balances


def test_an_event_that_nobody_said_is_named(tmp_path: Path) -> None:
    """Unless it is known to be a stranger's."""
    line = _heard("one", frozenset({"a.b.v1"}), {HEARD: "a.b.v1"}, parking(tmp_path), frozenset())
    assert not line.balances
    assert STRANGER in line.wrong[0]


def deliveries(folder: Path, reason: str) -> Database:
    """One text was tried, and the provider did not take it, for this reason."""
    return database(
        folder,
        "CREATE TABLE deliveries (notice_id TEXT, provider_id TEXT, outcome TEXT, reason TEXT, channel TEXT)",
        f"INSERT INTO deliveries VALUES ('n', '', 'transient', '{reason}', 'sms')",  # noqa: S608 - a word of ours
    )


def test_a_text_may_have_arrived_whose_provider_failed(tmp_path: Path) -> None:
    """With an HTTP 500 it may have been taken before; the line says how many there were."""
    line = _arrived("Texts", "sms", deliveries(tmp_path, "http_500"), Counter({"SM1": 1}))
    assert line.balances
    assert "1 of 1 unknown" in line.right


def test_a_text_cannot_have_arrived_that_was_refused_at_the_door(tmp_path: Path) -> None:
    """There was no connection, and one arrived."""
    line = _arrived("Texts", "sms", deliveries(tmp_path, "no_connection"), Counter({"SM1": 1}))
    assert line.wrong == ("only arrived: SM1",)
