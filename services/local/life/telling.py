"""How the story is told: a heading for each act, a bar while many do something, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 6
"""People who do something at the same moment."""


class Teller:
    """Tells the story on a console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._began = time.monotonic()
        self._table = Table("act", "what happened", "how it shows", title="The life of a meeting", show_lines=True)
        self._act = ""

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began

    def act(self, title: str) -> None:
        """Begin an act."""
        self._act = title
        self.console.print()
        self.console.print(f"[bold]{title}[/bold]  [dim]{self.seconds:.0f} s[/dim]", highlight=False)

    def say(self, sentence: str) -> None:
        """A sentence of the story."""
        self.console.print("  " + sentence, highlight=False, markup=False)

    def show(self, table: Table) -> None:
        """A table in the story."""
        self.console.print(table)

    def note(self, what: str, shows: str) -> None:
        """A line of the closing table, under the present act."""
        self._table.add_row(self._act, what, shows)
        self._act = ""

    def end(self) -> None:
        """The closing table."""
        self.console.print()
        self.console.print(self._table)
        self.console.print(f"Played in {self.seconds:.0f} s.", highlight=False)

    @contextmanager
    def bar(self, words: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar; what it gives is called once for each step."""
        columns = (
            SpinnerColumn(),
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(words, total=total)
            yield lambda: progress.advance(task)

    def together(self, words: str, people: Iterable[T], act: Callable[[T], R], *, at_once: int = AT_ONCE) -> list[R]:
        """Let people do something, several at once; what each came back with, in their order."""
        everybody = list(people)
        with self.bar(words, len(everybody)) as step, ThreadPoolExecutor(at_once) as pool:

            def one(person: T) -> R:
                result = act(person)
                step()
                return result

            return list(pool.map(one, everybody))
