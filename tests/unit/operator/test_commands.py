"""The command line answers a mistake with a sentence, never with a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import select

from services.admin.accounts import Book
from services.cli import main
from services.registration.model.members import Member
from services.registration.store import RegistrationStoreWork
from shared.contracts.base import ChapterId, MemberId, Role
from shared.contracts.registration import RoleInAttending
from shared.runtime.ids import new_id
from shared.runtime.keys import load_keys
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.work import Store


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder without network, keys or database."""
    logging_before = structlog.get_config()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAPTERHOUSE_BROKER_URL", "amqp://guest:guest@127.0.0.1:1//")
    monkeypatch.setenv("CHAPTERHOUSE_DATA", str(tmp_path))
    (tmp_path / "list.json").write_text('[{"name": "A"}]')
    yield tmp_path
    structlog.configure(**logging_before)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("chapter open Elm --slug Elm --time-zone America/New_York", "keys"),
        ("invite regional", "keys"),
        ("account close robin", "keys"),
        ("parked list", "the database cannot be used"),
        ("status", "broker cannot be reached"),
        ("import nowhere.json --chapter elm", "does not exist"),
        ("import list.json --chapter elm --report no/where.jsonl", "No such file"),
        ("import list.json --chapter elm", "keys"),
        ("migrate everything", "everything is none of"),
    ],
)
def test_what_is_missing_is_said(alone: Path, typed: str, words: str) -> None:
    """And what would be right."""
    told = CliRunner().invoke(main, typed.split())
    assert isinstance(told.exception, SystemExit)
    assert words in told.output


def test_an_account_is_listed_and_closed_without_a_broker(alone: Path) -> None:
    """A stolen laptop waits for nothing; who is not there is said, with where to look."""
    keys = alone / "keys"
    assert CliRunner().invoke(main, ["keys", "make"], env={"CHAPTERHOUSE_KEYS": str(keys)}).exit_code == 0
    book = Book.open(f"sqlite:///{alone}/admin.db", load_keys(keys, "admin"))
    token = book.create_invitation(Role.COORDINATOR, ["chapter-1"])
    words = "four quiet words here"
    account_id = book.accept(token, shown_name="Robin [red]", user_name="robin", password=words)
    book.sessions(timedelta(minutes=30), timedelta(hours=8)).begin(account_id)

    def said(*typed: str) -> str:
        return CliRunner().invoke(main, ["account", *typed], env={"CHAPTERHOUSE_KEYS": str(keys)}).output

    assert "Robin [red]" in said("list")
    assert "chapter-1" in said("list")
    assert said("close", "robin") == "robin: closed. 1 session ended at once. The user name is free again.\n"
    assert "closed" in said("list")
    assert "no open account called robin" in said("reset", "robin")
    again = book.accept(book.create_invitation(Role.REGIONAL), shown_name="Robin", user_name="robin", password=words)
    assert "/invitation/" in said("reset", "robin")
    assert book.get(again) is None


def test_chapters_are_given_and_taken_by_their_slugs(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the last one stays, with what to do instead."""
    monkeypatch.setenv("CHAPTERHOUSE_KEYS", str(alone / "keys"))
    assert CliRunner().invoke(main, ["keys", "make"]).exit_code == 0
    book = Book.open(f"sqlite:///{alone}/admin.db", load_keys(alone / "keys", "admin"))
    token = book.create_invitation(Role.COORDINATOR, ["id of elm"])
    account_id = book.accept(token, shown_name="Robin", user_name="robin", password="four quiet words here")

    def said(act: str, slug: str) -> str:
        monkeypatch.setattr("services.operator.accounts.talk", lambda _say: [ChapterId(f"id of {slug}")])
        return CliRunner().invoke(main, ["account", act, "robin", "--chapter", slug]).output

    assert said("give", "oak") == "robin looks after oak too.\n"
    assert said("take", "elm") == "robin no longer looks after elm.\n"
    account = book.get(account_id)
    assert account
    assert account.chapters == ("id of oak",)
    assert "`chapterhouse account close` ends the account" in said("take", "oak")


def test_an_input_that_cannot_even_be_asked_for_names_its_field(alone: Path) -> None:
    """Checked where it is typed: nothing is sent."""
    assert CliRunner().invoke(main, ["keys", "make"]).exit_code == 0
    told = CliRunner().invoke(main, ["region", "found", "North Side", "--slug", "North Side"])
    assert told.output == "Error: slug: write it with lower-case letters, digits and dashes, 63 at most\n"
    told = CliRunner().invoke(main, ["region", "found", " ", "--slug", "x"])
    assert told.output == "Error: name: say something here; it is blank\n"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CHAPTERHOUSE_FOLDER", "list.json/below", "cannot be written to (Not a directory)"),
        ("CHAPTERHOUSE_FOLDER", "/proc/below", "cannot be written to"),
        ("CHAPTERHOUSE_ADMIN_PORT", "99999", "CHAPTERHOUSE_ADMIN_PORT is '99999'; a port is a number from 1 to 65535"),
        ("CHAPTERHOUSE_SMTP_PORT", "25x", "CHAPTERHOUSE_SMTP_PORT is '25x'"),
        ("CHAPTERHOUSE_PORTAL_PORT", "8080", "each needs a port of its own"),
    ],
)
def test_a_network_that_cannot_begin_says_why(
    alone: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    """Before anything is started."""
    monkeypatch.setenv(variable, value)
    told = CliRunner().invoke(main, ["run"])
    assert isinstance(told.exception, SystemExit)
    assert words in " ".join(told.output.split())


def test_a_wrong_setting_is_named_as_its_variable(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the operator has to write it."""
    monkeypatch.setenv("CHAPTERHOUSE_BATCH", "many")
    told = CliRunner().invoke(main, ["status"])
    assert told.output.startswith("Error: CHAPTERHOUSE_BATCH: input should be a valid integer")


def test_who_left_is_listed_and_forgotten_again_after_a_restore(alone: Path) -> None:
    """An older copy knows their name; with the list of ids it does not any more, and the others hear of it."""
    keys, ids = {"CHAPTERHOUSE_KEYS": str(alone / "keys")}, [new_id(), new_id()]
    for typed in ("keys make", "migrate registration"):
        assert CliRunner().invoke(main, typed.split(), env=keys).exit_code == 0
    engine = make_engine(f"sqlite:///{alone}/registration.db")
    store = Store(engine, RegistrationStoreWork, load_keys(alone / "keys", "registration"))
    for member_id in ids:
        with store.writing() as work:
            member = Member(MemberId(member_id), 1)
            work.members.add(member, alias="Ana", role=RoleInAttending.FAMILY, at=work.now)
    assert CliRunner().invoke(main, ["left", "list"], env=keys).output == ""
    (alone / "left.txt").write_text(f"{ids[0]}\n\n")
    for _ in range(2):
        assert "1 are forgotten" in CliRunner().invoke(main, ["left", "again", "left.txt"], env=keys).output
    assert CliRunner().invoke(main, ["left", "list"], env=keys).output == f"{ids[0]}\n"
    with store.reading() as work:
        assert [work.members.alias(MemberId(each)) for each in ids] == ["", "Ana"]
        assert work.connection.scalars(select(core.outbox.c.type)).all() == ["registration.member_left.v1"]
    (alone / "left.txt").write_text(f"{ids[1]}\nAna\n")
    told = CliRunner().invoke(main, ["left", "again", "left.txt"], env=keys)
    assert (told.exit_code, "line 2 is no id" in told.output, "Ana" in told.output) == (1, True, False)
    engine.dispose()
