"""Clock, keys, settings, logging and the named points: what every process stands on."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from pydantic import ValidationError

from shared.runtime import logging as runtime_logging
from shared.runtime.clock import SharedClock, SystemClock, clock_for, real_now
from shared.runtime.ids import child_traceparent, new_traceparent
from shared.runtime.keys import CannotOpen, KeysMissing, load_keys, make_keys
from shared.runtime.settings import Settings
from tests.support.processes import ROOT
from tests.support.world import ring


def test_the_shared_clock_moves_all_processes_and_forward_only(tmp_path: Path) -> None:
    """Also when a file with a smaller offset takes its place."""
    file = tmp_path / "clock.json"
    one, other = SharedClock(file), SharedClock(file)
    assert one.offset == other.offset == 0
    assert one.advance(3600) == 3600
    assert other.advance(60) == one.offset == 3660
    assert timedelta(hours=1) < one.now() - real_now() < timedelta(hours=1.1)
    with pytest.raises(ValueError, match="forward"):
        one.advance(-1)
    file.write_text(json.dumps({"offset": 5}))
    assert one.offset == 3660
    file.unlink()
    assert one.offset == 3660


def test_an_acknowledgement_is_of_the_offset_that_was_settled(tmp_path: Path) -> None:
    """Not of one that came while the process looked whether it was done."""
    clock = SharedClock(tmp_path / "clock.json")
    assert clock.acknowledged() == {}
    clock.advance(10)
    clock.acknowledge("feedback-1", 10)
    clock.advance(10)
    assert clock.acknowledged() == {"feedback-1": 10.0}
    clock.acknowledge("feedback-1", 20)
    assert clock.acknowledged() == {"feedback-1": 20.0}


def test_the_clock_cannot_be_moved_in_production(tmp_path: Path) -> None:
    """The setting is refused, in a sentence."""
    with pytest.raises(ValidationError, match="cannot be moved in production"):
        Settings(env="production", clock_file=tmp_path / "clock.json")
    assert isinstance(clock_for(Settings(env="production").clock_file), SystemClock)


def test_the_ladder_is_read_from_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds; empty means that a failing event is parked at once."""
    monkeypatch.setenv("CHAPTERHOUSE_LADDER", " 0.5, 2,30 ")
    assert Settings().ladder == (0.5, 2.0, 30.0)
    monkeypatch.setenv("CHAPTERHOUSE_LADDER", "")
    assert Settings().ladder == ()


def test_a_database_url_names_service_and_data_folder() -> None:
    """One database a service."""
    assert Settings(data=Path("/d")).database("meetings") == "sqlite:////d/meetings.db"


def test_only_the_signer_signs_and_only_the_bytes_that_were_signed() -> None:
    """A signature of the wrong length is no error, it is no signature."""
    body, portal, meetings = b"body", ring("portal"), ring("meetings")
    signature = portal.sign(body)
    assert meetings.verify("portal", body, signature)
    assert not meetings.verify("admin", body, signature)
    assert not meetings.verify("portal", b"other", signature)
    assert not meetings.verify("nobody", body, signature)
    assert not meetings.verify("portal", body, b"")
    assert not meetings.verify("portal", body, signature + b"x")


def test_what_is_sealed_to_one_opens_for_nobody_else() -> None:
    """Nor when it was changed, nor when it is no sealed thing at all."""
    sealed = ring("portal").seal_for("notifications", "ana@example.org")
    assert ring("notifications").unseal(sealed) == "ana@example.org"
    for other, text in (("portal", sealed), ("meetings", sealed), ("notifications", "AAAA"), ("notifications", "%")):
        with pytest.raises(CannotOpen):
            ring(other).unseal(text)  # type: ignore[arg-type]


def test_a_lookup_tells_nothing_and_differs_by_purpose_and_principal() -> None:
    """The same text, found again by who keeps it only."""
    ours = ring("notifications").keyed_hash("email", "ana@example.org")
    assert ours == ring("notifications").keyed_hash("email", "ana@example.org")
    assert ours != ring("notifications").keyed_hash("number", "ana@example.org")
    assert ours != ring("registration").keyed_hash("email", "ana@example.org")


def test_keys_are_made_once_and_a_missing_one_is_named(tmp_path: Path) -> None:
    """Secrets are readable by their owner alone."""
    with pytest.raises(KeysMissing, match="chapterhouse keys make"):
        load_keys(tmp_path, "meetings")
    assert "meetings" in make_keys(tmp_path)
    before = (tmp_path / "secret" / "meetings.json").read_bytes()
    assert make_keys(tmp_path) == []
    assert (tmp_path / "secret" / "meetings.json").read_bytes() == before
    assert (tmp_path / "secret" / "meetings.json").stat().st_mode & 0o077 == 0
    assert "kek" not in repr(load_keys(tmp_path, "meetings"))


@pytest.mark.parametrize("parent", [None, "", "nonsense", "00-xx-yy-01", "00-" + "a" * 31 + "-" + "b" * 16 + "-01"])
def test_a_malformed_trace_starts_a_new_one(parent: str | None) -> None:
    """A child of a good one stays in its trace."""
    assert len(child_traceparent(parent)) == len(new_traceparent())
    good = new_traceparent()
    assert child_traceparent(good).split("-")[1] == good.split("-")[1]


def test_no_log_line_holds_the_text_of_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither ours nor a library's; kind and place stay."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    runtime_logging.configure("test")
    try:
        try:
            raise ValueError("ana@example.org")  # noqa: TRY301 - it must have a place
        except ValueError as error:
            structlog.get_logger().exception("ours_failed")
            structlog.get_logger().error("ours_failed", exc_info=error)
            logging.getLogger("library").exception("theirs failed")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["error"] for line in lines] == ["ValueError"] * 3
    assert all("test_runtime.py" in line["trace"][-1] for line in lines)
    assert "ana@example.org" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"CHAPTERHOUSE_KILL_AT": "here"}, -signal.SIGKILL),
        ({"CHAPTERHOUSE_KILL_AT": "here:2"}, -signal.SIGKILL),
        ({"CHAPTERHOUSE_KILL_AT": "here:3"}, 0),
        ({"CHAPTERHOUSE_KILL_AT": "there"}, 0),
        ({}, 0),
        ({"CHAPTERHOUSE_KILL_AT": "here", "CHAPTERHOUSE_ENV": "production"}, 0),
    ],
)
def test_a_named_point_kills_where_it_was_asked_and_never_in_production(environment: dict[str, str], code: int) -> None:
    """The n-th time that it is reached."""
    script = "from shared.runtime.points import reached; reached('elsewhere'); reached('here'); reached('here')"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=clean | {"PYTHONPATH": str(ROOT)} | environment, check=False
    )
    assert done.returncode == code


def test_two_who_move_the_clock_at_once_both_move_it(tmp_path: Path) -> None:
    """Each by what they said, however they cross."""
    file = tmp_path / "clock.json"

    def move(_number: int) -> None:
        SharedClock(file).advance(10.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(200)))
    assert SharedClock(file).offset == 2000.0
