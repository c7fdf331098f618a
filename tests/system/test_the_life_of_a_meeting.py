"""The life that ``make run`` plays, act by act, and the books at its end."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from services.local.broker import PrivateBroker
from services.local.life import Story, play
from services.local.life.browser import Browser
from services.local.life.scene import Played
from services.local.life.signing_in import accounts_in
from services.local.network import Network
from services.local.ports import free_ports

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Life:
    """A network on which the story was played, what came of it, and what its reader saw."""

    network: Network
    played: Played
    told: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """The story, played once for all tests here: on SQLite, with a broker of its own."""
    with Network(tmp_path_factory.mktemp("life") / "var") as network:
        console = Console(record=True, width=160, force_terminal=False, file=StringIO())
        played = Story(network, console).play()
        yield Life(network, played, console.export_text(clear=False))


def test_a_list_of_meetings_is_imported_and_its_bad_rows_are_named(life: Life) -> None:
    """A row that cannot be used is refused alone."""
    assert life.played.rows_imported == {"added": 14, "refused": 2}


def test_everybody_joins_and_nobody_is_promised_a_place_that_is_not_there(life: Life) -> None:
    """Forty in the first chapter: sixteen want one of twelve places in the room, the rest come online."""
    played = life.played
    assert (played.joined, played.in_room, played.in_line, played.online) == (72, 12, 4, 24)


def test_a_service_that_is_killed_loses_nothing_and_tells_nobody_twice(life: Life) -> None:
    """It dies with events in its hands; they are given out again, and each of the sixteen is told."""
    played = life.played
    if isinstance(life.network.broker, PrivateBroker):
        assert played.unacked is not None
        assert played.unacked >= 16
    assert played.redelivered >= 16
    assert played.news_after_kill == 16


def test_two_give_up_and_two_come_up_from_the_line(life: Life) -> None:
    """By themselves, and they are told."""
    assert life.played.promoted == 2


def test_a_reminder_holds_what_its_reader_needs_and_nothing_else(life: Life) -> None:
    """The address for who comes to a room, the link for who comes online; nothing for who has no place."""
    assert life.played.reminded == {"the address": 18, "the link": 50}
    assert life.played.wrong_reminders == 0


def test_a_shut_venue_moves_everybody_and_names_whom_to_call(life: Life) -> None:
    """The button named the people; who had asked for silence got none, and the coordinator is told why and what next."""
    played = life.played
    assert (played.people_in_button, played.told_due, played.told, played.moved) == (38, 38, 36, 38)
    assert len(played.not_reached) == 2
    assert all("asked us to stop" in why and step for _, why, step in played.not_reached)
    assert played.link_seen


def test_calendars_follow(life: Life) -> None:
    """The entry of a changed meeting takes the place of the old one: METHOD:REQUEST, same UID, higher SEQUENCE."""
    assert life.played.calendars >= 25
    assert life.played.calendars_risen == life.played.calendars


def test_attendance_counts_who_was_there_and_a_guest_without_a_phone(life: Life) -> None:
    """Thirty-four members and one walk-in in the first chapter."""
    assert life.played.attended == {"north-side": 35, "harbor": 12, "prairie": 20}
    assert life.played.walk_ins == 1


def test_whoever_was_there_may_answer_once(life: Life) -> None:
    """Who had texted STOP is not asked; a code that was used counts nothing more."""
    played = life.played
    assert played.asked == 65
    assert played.slips == {"north-side": 26, "harbor": 9, "prairie": 15}
    assert played.second_try == "used"


def test_the_region_reads_figures_that_expose_nobody(life: Life) -> None:
    """Nine answered in one chapter: it is withheld, and another with it, so that no sum gives it away."""
    report = life.played.report
    assert report is not None
    blocks = {block.name: block for block in report.blocks}
    assert (blocks["The whole region"].persons, blocks["North Side"].persons) == (50, 25)
    assert blocks["Harbor"].withheld == "Fewer than 10 answered."
    assert blocks["Prairie"].persons is None
    assert blocks["Prairie"].withheld
    assert len(report.rules) >= 5
    assert not life.played.regional_saw_a_person


def test_one_leaves_for_good(life: Life) -> None:
    """By themselves; the books say that they are forgotten."""
    assert life.played.left == 1
    assert re.search(r"Who left is forgotten\s.*left 1\s", life.told)


def test_the_books_balance(life: Life) -> None:
    """Kept by code that shares nothing with the services."""
    assert life.played.books, life.told[life.told.index("12  The books") :]


def test_a_reader_is_told_how_to_go_on(life: Life) -> None:
    """A second time nothing is played; where to look and how to sign in is said, and kept for the owner alone."""
    console = Console(record=True, width=160, file=StringIO())
    assert play(life.network, console)
    words = console.export_text()
    assert "was played here before" in words
    assert all(life.network.url(name) in words for name in ("admin", "portal", "sink"))
    accounts = accounts_in(life.network.folder)
    assert all(account.user_name in words and account.password in words for account in accounts.values())
    for name in ("sign-in.json", "planted.json"):
        assert stat.S_IMODE((life.network.folder / "run" / name).stat().st_mode) == 0o600


def test_the_accounts_open_the_admin_app(life: Life) -> None:
    """User name and password lead to the second factor."""
    account = next(iter(accounts_in(life.network.folder).values()))
    with Browser(life.network.url("admin")) as browser:
        page = browser.get("/sign-in")
        page = browser.send(page.form("/sign-in").fill(user_name=account.user_name, password=account.password))
        assert page.path == "/sign-in/code"


# -- what `make run` says when it cannot ---------------------------------------------------------


def run(folder: Path, **env: str) -> tuple[int, str]:
    """What the command answers, and how it ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")}
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "run", "--folder", str(folder), "--no-life", "--once"],
        env={**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "400", **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def ports(**other: str) -> dict[str, str]:
    """Ports as the environment names them, on which nothing listens, but for those named."""
    names = ("ADMIN", "PORTAL", "SINK", "SMTP")
    free = {f"CHAPTERHOUSE_{name}_PORT": str(port) for name, port in zip(names, free_ports(4), strict=True)}
    return {**free, **other}


def test_a_second_run_beside_the_first_is_told_where_that_one_is(life: Life) -> None:
    """It starts nothing, and says what to do."""
    code, words = run(life.network.folder, **ports())
    assert code == 1
    assert "already runs in" in words
    assert life.network.url("admin") in words
    assert "Ctrl-C" in words


def test_a_port_in_use_is_named_with_what_moves_it(life: Life, tmp_path: Path) -> None:
    """The port, whose it would be, and the variable."""
    taken = str(life.network.ports.admin)
    code, words = run(tmp_path / "var", **ports(CHAPTERHOUSE_ADMIN_PORT=taken))
    assert code == 1
    assert taken in words
    assert "CHAPTERHOUSE_ADMIN_PORT" in words
    assert "Traceback" not in words


def test_a_broker_that_is_not_there_is_named(life: Life, tmp_path: Path) -> None:
    """A broker of the environment's that does not answer is not replaced by another behind its owner's back."""
    code, words = run(tmp_path / "var", **ports(CHAPTERHOUSE_BROKER_URL="amqp://guest:guest@127.0.0.1:1//"))
    assert code == 1
    assert "CHAPTERHOUSE_BROKER_URL does not answer" in words
    assert "Traceback" not in words


def test_without_rabbitmq_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    """Where we may not install it ourselves."""
    script = (
        "import pathlib, sys\n"
        "from rich.console import Console\n"
        "from services.local import broker, packages, supervisor\n"
        "from services.local.programs import Ports\n"
        "broker.find_server = lambda: None\n"
        "packages.may_install = lambda: False\n"
        f"sys.exit(supervisor.run(pathlib.Path({str(tmp_path / 'var')!r}), ports=Ports.free(), database_url=None, life=None,\n"
        "                         once=True, console=Console(width=400)))\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "sudo apt-get install rabbitmq-server" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_code_of_the_moment_is_shown_on_the_command_line(life: Life) -> None:
    """``chapterhouse sign-in``: a newcomer needs no telephone."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "sign-in"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "CHAPTERHOUSE_FOLDER": str(life.network.folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(r"robin .*\d{6}", done.stdout)
    assert json.loads((life.network.folder / "run" / "life.json").read_text()) == {"edition": 1, "finished": True}
