"""How a newcomer signs in to what the story has left: accounts made for this run, and the codes that are good now."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from services.local.life.scene import write_note
from services.local.life.staff import Account

FILE = "sign-in.json"
STEP = 30
"""Seconds for which a code is good (RFC 6238)."""


def keep_accounts(folder: Path, accounts: dict[str, Account]) -> Path:
    """Keep them, beside those of stories before, for the owner of the folder alone.

    They open nothing but this network on this machine.
    """
    every = {**accounts_in(folder), **accounts}
    return write_note(folder, FILE, {who: asdict(account) for who, account in every.items()})


def accounts_in(folder: Path) -> dict[str, Account]:
    """The accounts of this folder's story; none where none was played."""
    try:
        found = json.loads((folder / "run" / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {who: Account(**account) for who, account in found.items()}


def table_of(accounts: dict[str, Account]) -> Table:
    """Who may sign in, with the code of this moment."""
    left = STEP - int(time.time()) % STEP
    table = Table("who", "user name", "password", f"code (for {left} s more)")
    for who, account in accounts.items():
        table.add_row(who, account.user_name, account.password, account.code())
    return table


@click.command(name="sign-in")
def sign_in() -> None:
    """Show how to sign in to the admin app of the network that `make run` keeps up, with the codes of this moment."""
    folder = Path(os.environ.get("CHAPTERHOUSE_FOLDER", "var"))
    accounts = accounts_in(folder)
    if not accounts:
        raise click.ClickException(f"{folder} holds no accounts of a story; `make run` plays one, and makes them")
    Console().print(table_of(accounts))
