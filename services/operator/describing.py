"""``chapterhouse asyncapi`` and ``chapterhouse topology``: documents that are made of the code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from shared.contracts.asyncapi import document
from shared.messaging.definitions import VHOST, definitions
from shared.runtime.keys import PRINCIPALS
from shared.runtime.settings import Settings


@click.command()
@click.option("--to", type=click.Path(path_type=Path), default=Path("docs/asyncapi.yaml"), show_default=True)
def asyncapi(to: Path) -> None:
    """Write the AsyncAPI document of the network; a test fails while the committed one is stale."""
    to.write_text(document())
    click.echo(f"{to}: {to.stat().st_size} bytes")


@click.command()
@click.option(
    "--passwords",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A folder with a file for each user, the password in it. Only salted hashes of them are printed.",
)
@click.option("--vhost", default=VHOST, show_default=True, help="The virtual host that all of it is made in.")
def topology(passwords: Path | None, vhost: str) -> None:
    """Print RabbitMQ's definitions of this version: exchanges, queues, bindings, users and what each may.

    For `load_definitions` and `rabbitmqctl import_definitions`. The ladder is that of CHAPTERHOUSE_LADDER.
    """
    click.echo(json.dumps(definitions(Settings().ladder, vhost=vhost, passwords=_read(passwords)), indent=2))


def _read(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    missing = [name for name in PRINCIPALS if not (folder / name).is_file()]
    if missing:
        raise click.ClickException(f"{folder} has no file for {', '.join(missing)}: each user needs a password")
    found = {name: (folder / name).read_text().strip() for name in PRINCIPALS}
    if short := [name for name, password in found.items() if len(password) < 16]:
        raise click.ClickException(f"too short, a password has 16 characters at least: {', '.join(short)}")
    return found
