"""``chapterhouse left``: who has left, as ids; and to have them forgotten again where an older copy brought them back."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import select

from services.operator.talking import console, engine_of
from services.registration.handlers import leaving
from services.registration.store import RegistrationStoreWork
from services.registration.store.tables import members
from shared.contracts.base import Actor, Role
from shared.contracts.registration import Leave
from shared.runtime.keys import load_keys
from shared.runtime.settings import Settings
from shared.storage.work import Store


@click.group()
def left() -> None:
    """People who left for good: keep the list of their ids with your copies."""


@left.command(name="list")
def list_() -> None:
    """Print the ids of all who left, one a line. They are nobody's any more."""
    engine = engine_of("registration")
    with engine.connect() as connection:
        gone = select(members.c.member_id).where(members.c.left_at.is_not(None)).order_by(members.c.left_at)
        for member_id in connection.scalars(gone):
            click.echo(member_id)
    engine.dispose()


@left.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def again(file: Path) -> None:
    """Have everybody whose id is in FILE leave again. Who has left already stays as they are.

    It needs no broker: notifications hears of it once the processes run.
    """
    ids = [_id(line, number) for number, line in enumerate(file.read_text().splitlines(), 1) if line.strip()]
    engine = engine_of("registration")
    store = Store(engine, RegistrationStoreWork, load_keys(Settings().keys, "registration"))
    for member_id in ids:
        with store.writing() as work:
            leaving.leave(Leave(), Actor(role=Role.MEMBER, id=member_id), work)
    engine.dispose()
    console.print(f"{len(ids)} are forgotten.", highlight=False)


def _id(line: str, number: int) -> str:
    try:
        return str(UUID(line.strip()))
    except ValueError:
        raise click.ClickException(
            f"line {number} is no id of a member, such as `chapterhouse left list` prints; nothing was done"
        ) from None
