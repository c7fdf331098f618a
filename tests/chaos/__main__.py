"""``python -m tests.chaos``: hurt a whole network in every way we know while people use it, and have it audited.

docs/chaos.md says what is done, how to read what is printed, and what the equations are.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import click
import structlog
from rich.console import Console

from services.local.network import NetworkFailed
from tests.chaos.faults import faults_for
from tests.chaos.faults.cluster import cluster_in
from tests.chaos.network import ChaosNetwork
from tests.chaos.run import Run


@click.command()
@click.option("--minutes", default=3.0, show_default=True, help="How long faults strike. The minimums are for ten.")
@click.option("--seed", type=int, help="Of the history and the faults; a new one where none is named.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Of the broker.")
@click.option("--processes", default=2, show_default=True, help="Of each service.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Kept afterwards. If none is named: a scratch folder, removed if all balances.",
)
@click.option("--allow-missing", multiple=True, metavar="KIND", help="A kind of fault that this machine cannot do.")
def main(
    *,
    minutes: float,
    seed: int | None,
    database: Literal["sqlite", "postgresql"],
    nodes: str,
    processes: int,
    folder: Path | None,
    allow_missing: tuple[str, ...],
) -> None:
    """Hurt a network in every way we know, and have it audited."""
    console = Console(soft_wrap=not sys.stdout.isatty())
    seed = secrets.randbelow(10**6) if seed is None else seed
    console.print(
        f"seed {seed}, {minutes:g} minutes, {database}, {nodes} nodes, {processes} processes of each service",
        highlight=False,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is undone
    at = folder or Path(tempfile.mkdtemp(prefix="chapterhouse-chaos-"))
    at.mkdir(parents=True, exist_ok=True)
    _keep_quiet(at / "driver.log")
    good = False
    try:
        with (
            cluster_in(at / "var", int(nodes)) if nodes != "1" else nullcontext() as broker,
            ChaosNetwork(at / "var", seed=seed, processes=processes, database=database, broker=broker) as chaos,
        ):
            run = Run(chaos, console, seed=seed, minutes=minutes, log=at / "driver.jsonl")
            outcome = run.play(faults_for(chaos), allow_missing)
            good = outcome.good
    except NetworkFailed as failed:
        raise click.ClickException(str(failed)) from failed
    finally:
        if good and folder is None:
            shutil.rmtree(at, ignore_errors=True)
        elif not good:
            console.print(f"Logs and databases are kept in {at}.", highlight=False)
    console.print(
        f"seed {seed}: {'everything balances' if outcome.good else 'not everything is as it should be'}",
        highlight=False,
    )
    sys.exit(0 if outcome.good else 1)


def _keep_quiet(file: Path) -> None:
    """What the driver's own connections to the broker log while it is away, goes to a file."""
    logging.basicConfig(filename=file, force=True)
    logging.captureWarnings(capture=True)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file.open("a")))


if __name__ == "__main__":
    main()
