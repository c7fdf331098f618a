"""``python -m tests.chaos.mutations``: is the auditor blind? One mechanism at a time is switched off, in the service
processes alone; a short run then must have a line that does not balance. Prints which.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from tests.chaos.faults import Effect, Fault
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork
from tests.chaos.orders import Orders
from tests.chaos.run import Outcome, Run

SECONDS = 40.0
"""For which people act and processes die. A mutant is found in the first few."""


class Dying(Fault):
    """A service process kills itself between handling and commit: only the mechanisms make that good."""

    kind = "killed before the commit"
    minimum = 1
    in_short = True

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """One process of registration, notifications or feedback; the network starts it again."""
        process = rng.choice([each for each in network.service_processes() if not each.startswith("meetings")])
        before = network.network.pid(process)
        network.order(process, Orders(kill_at="before commit"))
        died = until(lambda: network.network.pid(process) != before, 6.0)
        network.order(process, Orders())
        network.back(process, after=before if died else None, within=20.0)
        return Effect(self.kind, died, process)


@dataclass(frozen=True)
class Mutation:
    """What is switched off, and where its absence must show."""

    what: str
    mutant: str
    database: Literal["sqlite", "postgresql"] = "sqlite"
    processes: int = 1
    faults: tuple[Fault, ...] = (Dying(),)
    shows: str = ""
    """The line that must not balance, where another one would prove nothing: a mutant that only hangs leaves requests open."""


MUTATIONS = (
    Mutation("the inbox", "no_inbox"),
    Mutation("the outbox", "no_outbox"),
    Mutation("acks come last", "ack_first"),
    Mutation(
        "the seat lock",
        "no_seat_lock",
        "postgresql",
        processes=2,
        faults=(),
        shows="No place was given twice in between",
    ),
)
NONE = Mutation("nothing", "")


def run(mutation: Mutation, seed: int) -> Outcome:
    """A short run with this switched off."""
    folder = Path(tempfile.mkdtemp(prefix="chapterhouse-mutation-"))
    env = {"CHAPTERHOUSE_CHAOS_BEFORE": f"tests.chaos.mutants:{mutation.mutant}" if mutation.mutant else ""}
    quiet = Console(file=StringIO())
    try:
        with ChaosNetwork(
            folder / "var", seed=seed, processes=mutation.processes, database=mutation.database, env=env
        ) as chaos:
            play = Run(
                chaos, quiet, seed=seed, minutes=SECONDS / 60, log=folder / "driver.jsonl", patience=20.0, lull=0
            )
            return play.play(mutation.faults)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _found(mutation: Mutation, red: list[str]) -> bool:
    if not mutation.mutant:
        return not red
    return mutation.shows in red if mutation.shows else bool(red)


def main() -> int:
    """Every mutation; 0 if each is found."""
    console = Console()
    chosen = [each for each in (*MUTATIONS, NONE) if not sys.argv[1:] or (each.mutant or "none") in sys.argv[1:]]
    table = Table("switched off", "found", "lines that do not balance")
    missed = 0
    for mutation in chosen:
        began = time.monotonic()
        outcome = run(mutation, seed=7)
        found = _found(mutation, outcome.red)
        missed += not found
        console.print(
            f"{mutation.what}: {time.monotonic() - began:.0f} s, {len(outcome.red)} lines red", highlight=False
        )
        table.add_row(mutation.what, "yes" if found else "[bold red]no[/]", "\n".join(outcome.red) or "none")
    console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
