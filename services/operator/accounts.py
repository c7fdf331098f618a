"""``chapterhouse invite | account``: who may use the admin app, and the end of it.

Closing and resetting need the admin app's key and database alone, no broker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click
from rich.markup import escape
from rich.table import Column, Table

from services.admin.accounts import Book
from services.admin.settings import AdminSettings
from services.operator.setting_up import chapter_of
from services.operator.talking import OPERATOR, console, talk
from shared.contracts.base import ChapterId, Role
from shared.contracts.errors import Refused
from shared.contracts.meetings import ListChapters
from shared.gateway.client import Client
from shared.runtime.keys import load_keys
from shared.runtime.settings import Settings

T = TypeVar("T")

of_chapters = click.option("--chapter", "slugs", multiple=True, required=True, help="A chapter's slug; repeatable.")


@click.command()
@click.argument("role", type=click.Choice(["coordinator", "regional"]))
@click.option("--chapter", "slugs", multiple=True, help="The slug of a chapter that a coordinator runs; repeatable.")
def invite(role: str, slugs: tuple[str, ...]) -> None:
    """Make a one-time link, valid for seven days, with which a colleague makes their account in the admin app."""
    if role == "coordinator" and not slugs:
        raise click.UsageError("a coordinator runs at least one chapter: add --chapter SLUG")
    if role == "regional" and slugs:
        raise click.UsageError("regional staff see figures of all chapters: leave --chapter out")
    chapters = _chapters(slugs)
    _print_link(_told(lambda book: book.create_invitation(Role(role), chapters)))


@click.group()
def account() -> None:
    """Accounts of coordinators and regional staff in the admin app. `chapterhouse invite` begins one."""


@account.command(name="list")
def list_accounts() -> None:
    """List the accounts, the closed ones last. Where the network does not answer, chapters are shown by their ids."""
    kept = _told(lambda book: book.accounts())
    if not kept:
        console.print("No account yet. Invite somebody with `chapterhouse invite`.")
        return
    slugs = _slugs()
    table = Table(Column("user name", overflow="fold"), "name", "role", "chapters", "second factor", "state")
    for each in kept:
        where = ", ".join(slugs.get(chapter, chapter) for chapter in each.chapters)
        factor, state = "on" if each.totp_confirmed else "not yet", "closed" if each.disabled else "open"
        table.add_row(escape(each.user_name), escape(each.shown_name), each.role, where, factor, state)
    console.print(table)


@account.command()
@click.argument("user")
def close(user: str) -> None:
    """Close an account for good, and end its sessions at once. Its lines in the trail stay."""
    _say(f"{user}: closed. {_sessions(_told(lambda book: book.close(user)))} The user name is free again.")


@account.command()
@click.argument("user")
def reset(user: str) -> None:
    """For a lost password or second factor: close the account, and print a link to a new one with the same rights.

    The link opens what the account opened. Speak to the person before you hand it over.
    """
    token, ended = _told(lambda book: book.reset(user))
    _say(f"{user}: closed. {_sessions(ended)} With this link, once and for seven days, they make a new account:")
    _print_link(token)


@account.command()
@click.argument("user")
@of_chapters
def give(user: str, slugs: tuple[str, ...]) -> None:
    """Let a coordinator look after further chapters."""
    chapters = _chapters(slugs)
    _told(lambda book: book.change_chapters(user, give=chapters))
    _say(f"{user} looks after {', '.join(slugs)} too.")


@account.command()
@click.argument("user")
@of_chapters
def take(user: str, slugs: tuple[str, ...]) -> None:
    """Take chapters away from a coordinator, at once."""
    chapters = _chapters(slugs)
    _told(lambda book: book.change_chapters(user, take=chapters))
    _say(f"{user} no longer looks after {', '.join(slugs)}.")


def invitation_link(token: str) -> str:
    """Where an invitation is accepted."""
    return f"{AdminSettings().url}/invitation/{token}"


def _told(act: Callable[[Book], T]) -> T:
    """What came of an act on the book; a refusal ends the command with its sentence."""
    book = Book.open(Settings().database("admin"), load_keys(Settings().keys, "admin"))
    try:
        return act(book)
    except Refused as refused:
        raise click.ClickException(refused.message) from refused
    finally:
        book.database.engine.dispose()


def _chapters(slugs: Sequence[str]) -> list[ChapterId]:
    async def chapters(client: Client) -> list[ChapterId]:
        return [(await chapter_of(client, slug)).chapter_id for slug in slugs]

    return talk(chapters)


def _slugs() -> dict[ChapterId, str]:
    try:
        chapters = talk(lambda client: client.ask(ListChapters(), OPERATOR)).chapters
    except click.ClickException:
        return {}
    return {each.chapter_id: each.slug for each in chapters}


def _sessions(ended: int) -> str:
    return f"{ended} session{'' if ended == 1 else 's'} ended at once."


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _print_link(token: str) -> None:
    console.print(invitation_link(token), soft_wrap=True)
