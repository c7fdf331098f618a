"""Each fault once, over a network under light load: ``python -m tests.chaos.trying [--only WORDS] [--database …]``.

For whoever writes a fault. What balances afterwards is the business of ``make chaos``.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.local.network import NetworkFailed
from tests.chaos.faults import Effect, Fault, faults_for
from tests.chaos.faults.cluster import cluster_in
from tests.chaos.load import light_load
from tests.chaos.network import ChaosNetwork


def main() -> int:
    """The exit code: 1 where a fault was not possible or had no effect that was seen."""
    told = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that all is put away
    folder = told.folder or Path(tempfile.mkdtemp(prefix="chapterhouse-chaos-"))
    console = Console(width=200, highlight=False, soft_wrap=True)
    began = time.monotonic()
    with (
        cluster_in(folder, told.nodes) if told.nodes > 1 else nullcontext() as broker,
        ChaosNetwork(folder, seed=told.seed, database=told.database, broker=broker, say=console.print) as network,
    ):
        console.print(f"Up after {time.monotonic() - began:.0f} s in {folder}")
        faults = [fault for fault in faults_for(network) if re.search(told.only, fault.kind)]
        with light_load(network.network) as load:
            table = Table("fault", "seen", "what", "seconds", "settled after")
            seen = [
                _try(network, fault, random.Random(told.seed + at), table, console) for at, fault in enumerate(faults)
            ]
        console.print(table)
        console.print(f"{load.came} people came, {load.gave_up} gave up")
    return 0 if all(seen) else 1


def _try(network: ChaosNetwork, fault: Fault, rng: random.Random, table: Table, console: Console) -> bool:
    began = time.monotonic()
    problem = fault.possible(network)
    effect = Effect(fault.kind, observed=False, what=problem) if problem else fault.inject(network, rng)
    ended = time.monotonic()
    settled = "never"
    try:
        network.settle()
        settled = f"{time.monotonic() - ended:.1f}"
    except NetworkFailed as failed:
        console.print(str(failed))
    row = (fault.kind, "yes" if effect.observed else "NO", effect.what, f"{ended - began:.1f}", settled)
    console.print(" | ".join(row))
    table.add_row(*row)
    return effect.observed and settled != "never"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds in which this regular expression is found")
    parser.add_argument("--database", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--nodes", type=int, default=1, help="of the broker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
