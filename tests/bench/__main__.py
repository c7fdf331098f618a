"""All benches, one after another, as one table: ``python -m tests.bench [--size 0.1] [rivals publish …]``.

Figures, never asserted. Each is set beside a limit that the same run measured; rates differ from machine to machine.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator

import click

from tests.bench import against_rivals, cancellation, cost, latency, publish, seats
from tests.bench.ground import KINDS, Ground, Row, machine, say

BENCHES: dict[str, Callable[[Ground], Iterator[Row]]] = {
    "rivals": against_rivals.rows,
    "publish": publish.rows,
    "latency": latency.rows,
    "seats": seats.rows,
    "cancellation": cancellation.rows,
    "cost": cost.rows,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHES)))
@click.option("--size", default=1.0, help="How much is done: 1 is a full run, 0.1 a quick look.")
@click.option("--databases", default=",".join(KINDS))
def main(names: tuple[str, ...], size: float, databases: str) -> None:
    """Measure, and print the table; a bench that fails says so, and the others run."""
    where = machine()
    table: list[tuple[str, Row]] = []
    failed = False
    with Ground(size, databases.split(",")) as ground:
        versions = _versions(ground)
        for name in names or BENCHES:
            say(f"{name}:")
            began = time.monotonic()
            try:
                table += [(name, row) for row in BENCHES[name](ground)]
            except Exception as error:  # noqa: BLE001 - told, and the next is measured
                failed = True
                traceback.print_exc()
                table.append((name, Row(f"failed: {type(error).__name__}", "")))
            say(f"  {time.monotonic() - began:.0f} s")
    click.echo(f"\n{where}; {versions}; size {size:g}\n")
    click.echo("| bench | what | figure | limit in the same run | ratio | aim |\n|---|---|---|---|---|---|")
    for name, row in table:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        click.echo(f"| {name} | {row.what} | {row.figure} | {row.limit} | {ratio} | {row.aim} |")
    sys.exit(1 if failed else 0)


def _versions(ground: Ground) -> str:
    told = [f"RabbitMQ {ground.broker_version()}"]
    if "postgresql" in ground.kinds:
        told.append(f"PostgreSQL {ground.postgres_version()}")
    return ", ".join(told)


if __name__ == "__main__":
    main()
