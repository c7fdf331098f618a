"""``chapterhouse region | chapter | import``: the first things a network needs, from the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TextIO

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from services.operator.talking import OPERATOR, console, talk
from shared.contracts.base import ChapterId
from shared.contracts.meetings import (
    ChapterView,
    FoundRegion,
    ListChapters,
    OpenChapter,
    RowOutcome,
    RowReport,
)
from shared.gateway.client import Client
from shared.gateway.meeting_lists import SLICE, NotAList, next_slice, read_rows
from shared.runtime.ids import new_id


@click.group()
def region() -> None:
    """The region: one network of chapters."""


@region.command(name="found")
@click.argument("name")
@click.option("--slug", required=True, help="Lower-case letters, digits and dashes.")
def found_region(name: str, slug: str) -> None:
    """Make the region. The same slug again answers the same region."""
    answer = talk(lambda client: client.send(FoundRegion(name=name, slug=slug), OPERATOR, request_id=new_id()))
    console.print(f"Region {name}: {answer.region_id}")


@click.group()
def chapter() -> None:
    """Chapters: the local branches."""


@chapter.command(name="open")
@click.argument("name")
@click.option("--slug", required=True)
@click.option("--time-zone", required=True, help="IANA, for example America/New_York.")
@click.option("--language", "languages", multiple=True, default=("en",))
def open_chapter(name: str, slug: str, time_zone: str, languages: tuple[str, ...]) -> None:
    """Open a chapter of the region."""

    async def say(client: Client) -> str:
        chapters = await client.ask(ListChapters(), OPERATOR)
        if chapters.region_id is None:
            raise click.ClickException("there is no region yet; make it with `chapterhouse region found`")
        command = OpenChapter(
            region_id=chapters.region_id, name=name, slug=slug, time_zone=time_zone, languages=languages
        )
        return (await client.send(command, OPERATOR, request_id=new_id())).chapter_id

    console.print(f"Chapter {name}: {talk(say)}")


@chapter.command(name="list")
def list_chapters() -> None:
    """List the chapters."""
    chapters = talk(lambda client: client.ask(ListChapters(), OPERATOR)).chapters
    if not chapters:
        console.print("No chapter yet. Open one with `chapterhouse chapter open NAME --slug … --time-zone …`.")
        return
    table = Table("slug", "name", "time zone", Column("id", overflow="fold"))
    for each in chapters:
        table.add_row(each.slug, each.name, each.time_zone, each.chapter_id)
    console.print(table)


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--chapter", "slug", required=True, help="The slug of the chapter that the meetings belong to.")
@click.option("--report", type=click.File("w", lazy=False), help="Write one line a row to this file, as JSON lines.")
def import_meetings(file: Path, slug: str, report: TextIO | None) -> None:
    """Import a Meeting Guide list (a JSON array). A bad row is refused alone; the same list again changes nothing."""
    rows = read_list(file)

    async def say(client: Client) -> list[RowReport]:
        target = await chapter_of(client, slug)
        with Progress(TextColumn("importing"), BarColumn(), MofNCompleteColumn(), console=console) as progress:
            task = progress.add_task("rows", total=len(rows))
            reports: list[RowReport] = []
            async for part in import_slices(client, target.chapter_id, rows):
                reports.extend(part)
                progress.update(task, completed=len(reports))
        return reports

    reports = talk(say)
    print_import(reports)
    if report is not None:
        report.writelines(f"{row.model_dump_json()}\n" for row in reports)


def read_list(file: Path) -> list[Any]:
    """The rows of a Meeting Guide file. Raises ClickException with what is wrong and what would be right."""
    try:
        return read_rows(file.read_bytes())
    except (OSError, NotAList) as error:
        raise click.ClickException(f"{file}: {error}") from error


async def chapter_of(client: Client, slug: str) -> ChapterView:
    """The chapter with this slug. Raises ClickException naming those that exist."""
    chapters = (await client.ask(ListChapters(), OPERATOR)).chapters
    for each in chapters:
        if each.slug == slug:
            return each
    known = ", ".join(each.slug for each in chapters) or "none yet"
    raise click.ClickException(f"no chapter has the slug {slug}; there are: {known}")


async def import_slices(client: Client, chapter_id: ChapterId, rows: list[Any]) -> AsyncIterator[list[RowReport]]:
    """Send the rows in slices; yields each slice's reports."""
    reports: list[RowReport] = []
    for _ in range(0, len(rows), SLICE):
        command = next_slice(rows, reports, chapter_id)
        part = list((await client.send(command, OPERATOR, request_id=new_id(), seconds=60.0)).rows)
        reports += part
        yield part


def print_import(reports: list[RowReport], most: int = 10) -> None:
    """The totals, which add up to the rows, and the first rows that were refused."""
    counts = Counter(row.outcome for row in reports)
    totals = ", ".join(f"{counts[outcome]} {outcome}" for outcome in RowOutcome)
    console.print(f"{len(reports)} rows: {totals}.")
    refused = [row for row in reports if row.outcome is RowOutcome.REFUSED]
    for row in refused[:most]:
        console.print(f"  row {row.row} ({row.name}): {row.field or ''} {row.why or ''}", markup=False)
    if len(refused) > most:
        console.print(f"  and {len(refused) - most} more; `--report FILE` writes them all")
