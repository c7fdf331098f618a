"""The command line answers a mistake with a sentence, never with a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from services.cli import main


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
