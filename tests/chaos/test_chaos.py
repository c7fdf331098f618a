"""One short run with a fixed seed: everything balances, whatever was done to the network meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.faults import faults_for
from tests.chaos.network import ChaosNetwork
from tests.chaos.run import Outcome, Run

SEED = 7
MINUTES = 3.0
"""Or longer, until each kind of fault has had its effect as often as that wants."""
LULL = 3
"""Enough for what is asked on a healed network to be answered."""
NEEDS_ROOT = "database's disk full"
"""The one kind that nothing can be installed for: it mounts a small disk."""


@pytest.fixture(scope="module")
def told() -> StringIO:
    """What the run prints; shown where it fails."""
    return StringIO()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, told: StringIO) -> Iterator[Outcome]:
    """The run, played once for all tests here: SQLite, a broker of its own, two processes of each service."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    console = Console(file=told, width=160)
    with ChaosNetwork(folder / "var", seed=SEED, processes=2, say=console.print) as chaos:
        run = Run(chaos, console, seed=SEED, minutes=MINUTES, log=folder / "driver.jsonl", lull=LULL)
        yield run.play(faults_for(chaos), allowed_missing=[NEEDS_ROOT])


def test_everything_balances(outcome: Outcome, told: StringIO) -> None:
    """Every line of the books and of the driver's log."""
    assert len(outcome.lines) > 55
    assert not outcome.red, told.getvalue()


def test_every_kind_of_fault_had_its_effect(outcome: Outcome, told: StringIO) -> None:
    """As often as a run of this length wants it, seen from outside; and all requests were decided, nothing unsettled."""
    assert outcome.tallies
    assert not outcome.problems, told.getvalue()


def test_what_was_parked_without_its_fault_was_replayed(outcome: Outcome) -> None:
    """By the command line, as a person would; that each took effect then is a line of the table."""
    assert outcome.replayed > 0


def test_people_were_busy_meanwhile(outcome: Outcome) -> None:
    """An idle network balances easily."""
    assert outcome.counts["accepted"] > 300
    assert outcome.counts["unknown"] > 0
