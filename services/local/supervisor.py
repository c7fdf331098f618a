"""``chapterhouse run``: one network before the reader's eyes, from nothing to Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.local.broker import BrokerFailed
from services.local.cluster import Cluster
from services.local.disk import NoRoom
from services.local.lock import AlreadyRunning
from services.local.network import Network, NetworkFailed
from services.local.packages import ProgramMissing
from services.local.ports import PortTaken
from services.local.postgres import PostgresFailed
from services.local.programs import ALONE, PROGRAMS, Ports, Program, Size, in_parallel

SENTENCES = (NoRoom, AlreadyRunning, PortTaken, ProgramMissing, BrokerFailed, PostgresFailed, NetworkFailed)
"""What goes wrong before our eyes is told as a sentence, not as a traceback."""

Life = Literal["first time", "again"]
"""Whether the story is played where this folder has not seen it, or in any case."""


class Stopped(BaseException):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


def run(
    folder: Path,
    *,
    ports: Ports,
    database_url: str | None,
    life: Life | None,
    once: bool,
    console: Console,
    programs: Sequence[Program] = PROGRAMS,
    size: Size = ALONE,
) -> int:
    """Start, play the life, stay up until told to stop, stop. The exit code."""
    started = False
    with _stoppable(), _Steps(console, len([*in_parallel(programs, size.processes)])) as steps:
        network = Network(
            folder,
            ports=ports,
            database_url=database_url,
            size=size,
            programs=programs,
            keep_up=True,
            step=steps.next,
            say=steps.say,
        )
        try:
            network.start()
            started = True
            steps.done()
            _show(network, console)
            well = not life or play(network, console, again=life == "again")
            if once:
                return 0 if well else 1
            console.print("Running. [bold]Ctrl-C[/bold] stops everything.")
            threading.Event().wait()
        except SENTENCES as failed:
            steps.close()
            console.print(str(failed), style="bold red", markup=False, highlight=False, soft_wrap=True)
            return 1
        except Stopped:
            steps.close()
        finally:
            if started:
                _stop(network, console)
    return 0


def play(network: Network, console: Console, *, again: bool) -> bool:
    """Play the life of a meeting (services.local.life), unless this folder has seen it. Whether all is well."""
    from services.local import life  # noqa: PLC0415 - the story's libraries are not needed to start

    return life.play(network, console, again=again)


class _Steps:
    """While things start: a bar with steps for broker and databases, and one for each process."""

    def __init__(self, console: Console, programs: int) -> None:
        self._console = console
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting", total=programs + 3)
        self._begun = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def next(self, what: str) -> None:
        """What is being started now."""
        self._progress.update(self._task, description=what, completed=self._begun)
        self._begun += 1
        if not self._console.is_terminal:
            self.say(f"starting: {what}")

    def say(self, sentence: str) -> None:
        """A line of its own, above the bar while there is one."""
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def done(self) -> None:
        """All of it is up."""
        self.close()
        self.say(f"Everything is up after {time.monotonic() - self._began:.0f} s.")

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def _show(network: Network, console: Console) -> None:
    table = Table("where", "what", show_header=False, box=None)
    table.add_row(network.url("admin"), "for coordinators and regional staff")
    table.add_row(network.url("portal"), "for members")
    table.add_row(network.url("sink"), "what arrived: every mail and text, as a lock screen shows it")
    table.add_row(str(network.folder / "log"), "logs, one file a process")
    if isinstance(network.broker, Cluster):
        table.add_row(", ".join(str(node.pids[0]) for node in network.broker.nodes), "the broker's nodes: kill one")
        table.add_row(f"CHAPTERHOUSE_FOLDER={network.folder} chapterhouse status", "how it is")
    console.print(table)


def _stop(network: Network, console: Console) -> None:
    console.print("Stopping: what was begun is finished first.", highlight=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    network.stop()
    console.print("Stopped. Nothing is left running; the data are kept in", str(network.folder), highlight=False)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal raise Stopped, once."""
    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_sign: int, _frame: FrameType | None) -> None:
        for sign in signs:
            signal.signal(sign, signal.SIG_IGN)
        raise Stopped

    before = {sign: signal.signal(sign, stop) for sign in signs}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
