"""``chapterhouse parked``: a person lists, shows, replays and discards what could not be handled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.operator.parked import parked
from services.operator.talking import SERVICES
from shared.storage.engine import make_engine
from tests.support.probe.service import SECRET, metadata
from tests.support.processes import eventually
from tests.support.site import QUEUE, Said, Site, chapter
from tests.support.zygote import Zygote

Run = Callable[..., Result]


@pytest.fixture
def network(zygote: Zygote, vhost: str, databases: Callable[[tuple[str, ...]], str], tmp_path: Path) -> Iterator[Site]:
    """The probe's site, and beside it the databases of the other services."""
    pattern = databases(SERVICES)
    for service in SERVICES:
        engine = make_engine(pattern.format(service=service))
        metadata.create_all(engine)
        engine.dispose()
    made = Site(zygote, vhost, pattern.format(service="feedback"), tmp_path)
    made.pattern = pattern
    yield made
    made.close()


@pytest.fixture
def run(network: Site, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, told of this network."""
    for name, value in network.environment().items():
        if name.startswith("CHAPTERHOUSE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHAPTERHOUSE_DATABASE_URL", network.pattern)
    return lambda *arguments: CliRunner().invoke(parked, list(arguments))


def park(site: Site, *said: Said) -> None:
    """Say these, and wait until they are parked."""
    site.say(*said)
    eventually(lambda: {each.event_id for each in said} <= set(site.parked()))


def test_nothing_parked_is_said_so(run: Run) -> None:
    """And is no error."""
    done = run("list")
    assert done.exit_code == 0, done.output
    assert "Nothing is parked" in done.output


def test_a_replay_of_an_event_whose_cause_is_mended_has_its_effect_once(network: Site, run: Run) -> None:
    """Replayed before that, it is parked again and waits again; replayed twice, it is refused."""
    network.start()
    sick = chapter("curable")
    park(network, sick)
    listed = run("list").output
    assert sick.event_id in listed
    assert "ValueError" in listed
    shown = run("show", "feedback", sick.event_id).output
    assert "curable" in shown
    assert "keep" in shown
    assert SECRET not in listed + shown
    assert run("replay", "feedback", sick.event_id).exit_code == 0
    eventually(lambda: network.parked()[sick.event_id].settled is None, what="its return")
    assert network.effects()[sick.key] == 0
    (network.folder / "cured").touch()
    done = run("replay", "feedback", sick.event_id)
    assert done.exit_code == 0, done.output
    eventually(lambda: network.effects()[sick.key] == 1)
    again = run("replay", "feedback", sick.event_id)
    assert again.exit_code == 1
    assert "replayed before" in again.output
    assert network.parked()[sick.event_id].settled == "replayed"
    assert sick.event_id not in run("list").output
    assert sick.event_id in run("list", "--all").output
    assert network.effects()[sick.key] == 1


def test_what_cannot_be_read_can_be_shown_and_discarded(network: Site, run: Run) -> None:
    """It stays in the table."""
    network.start()
    network.put([b"\xff no json"], "", QUEUE)
    (event_id,) = eventually(network.parked)
    assert "not JSON" in run("show", "feedback", event_id).output
    assert run("discard", "feedback", event_id).exit_code == 0
    assert run("discard", "feedback", event_id).exit_code == 1
    assert network.parked()[event_id].settled == "discarded"
    missing = run("show", "feedback", "no-such-id")
    assert missing.exit_code == 1
    assert "parked list" in missing.output


def test_a_replay_without_a_broker_says_so_and_changes_nothing(
    network: Site, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence; it can be tried again."""
    network.start()
    sick = chapter("poison")
    park(network, sick)
    monkeypatch.setenv("CHAPTERHOUSE_BROKER_URL", "amqp://guest:guest@127.0.0.1:1//")
    done = run("replay", "feedback", sick.event_id)
    assert done.exit_code == 1
    assert "broker" in done.output
    assert network.parked()[sick.event_id].settled is None
