"""``chapterhouse asyncapi``: the document of all messages, from the contracts."""

from __future__ import annotations

from pathlib import Path

import click

from shared.contracts.asyncapi import document


@click.command()
@click.option("--to", type=click.Path(path_type=Path), default=Path("docs/asyncapi.yaml"), show_default=True)
def asyncapi(to: Path) -> None:
    """Write the AsyncAPI document of the network; a test fails while the committed one is stale."""
    to.write_text(document())
    click.echo(f"{to}: {to.stat().st_size} bytes")
