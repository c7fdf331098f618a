"""What the benches share: a broker, databases, processes to be measured, and the rows of the one table."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import click
import httpx
import psutil
from kombu import Connection
from sqlalchemy import Engine, Table, func, select, text
from sqlalchemy.exc import OperationalError

from services.local.ports import LOOPBACK, free_ports
from shared.storage.engine import make_engine
from tests.support.broker import TestBroker, get_test_broker
from tests.support.database import TestPostgres, get_test_postgres
from tests.support.world import key_folder

ROOT = Path(__file__).parents[2]
KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Row:
    """One line: what was measured, beside the limit that the same run measured."""

    what: str
    figure: str
    limit: str = ""
    ratio: float | None = None
    aim: str = ""


class Ground:
    """Where a bench takes place. ``size`` scales how much is done: 1 is a full run."""

    def __init__(self, size: float = 1.0, kinds: Sequence[str] = KINDS) -> None:
        self.size = size
        self.kinds = kinds
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="chapterhouse-bench-")))
        self.keys = key_folder()
        self._numbers = iter(range(1, 10_000))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def many(self, full: int, least: int = 100) -> int:
        """So many of something, at this size."""
        return max(least, int(full * self.size))

    @cached_property
    def broker(self) -> TestBroker:
        """Started when it is first asked for."""
        found = get_test_broker()
        self._stack.callback(found.stop)
        return found

    @cached_property
    def postgres(self) -> TestPostgres:
        """With fsync, as in production."""
        found = get_test_postgres(durable=True)
        self._stack.callback(found.stop)
        return found

    def new_folder(self) -> Path:
        """An empty folder, for a network or the files of one measurement."""
        made = self.folder / f"part-{next(self._numbers)}"
        made.mkdir()
        return made

    def new_database(self, kind: str) -> str:
        """The URL of an empty database."""
        return self.postgres.new_database() if kind == "postgresql" else f"sqlite:///{self.new_folder()}/bench.db"

    def broker_version(self) -> str:
        """As it says to whoever connects."""
        with Connection(self.broker.url) as connection:
            connection.connect()
            return str(connection.connection.server_properties["version"])

    def postgres_version(self) -> str:
        """As it says to whoever asks."""
        engine = make_engine(self.postgres.url)
        with engine.connect() as connection:
            found = connection.scalar(text("SHOW server_version"))
        engine.dispose()
        return str(found).split(" ", 1)[0]

    def environment(self, **settings: str) -> dict[str, str]:
        """What a process of ours is told, beside its own settings."""
        told = {"keys": str(self.keys), "ladder": "1", "log_level": "WARNING"} | settings
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")},
            **{f"CHAPTERHOUSE_{name.upper()}": value for name, value in told.items()},
            "PYTHONWARNINGS": "ignore",
        }

    @contextmanager
    def serving(
        self, service: str, url: str, database: str, **settings: str
    ) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """A service process that takes work; with it the seconds that it took to be ready. The database has its tables."""
        port = free_ports(1)[0]
        env = self.environment(broker_url=url, database_url=database, health_port=str(port), **settings)
        began = time.perf_counter()
        with process("-m", f"services.{service}", env=env) as started:
            until(lambda: _ready(port), what=f"{service} being ready", every=0.02)
            yield started, time.perf_counter() - began


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOOPBACK}:{port}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def say(sentence: str) -> None:
    """Progress, beside the table."""
    click.echo(sentence, err=True)


@contextmanager
def process(
    *arguments: str | Path, env: dict[str, str], python: str | Path = sys.executable, patience: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process in the repository; SIGTERM at the end, and SIGKILL where that does not suffice."""
    started = subprocess.Popen([python, *arguments], env=env, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(patience)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def until(done: Callable[[], bool], *, what: str, within: float = 600.0, every: float = 0.05) -> None:
    """Wait for it. Raises RuntimeError when it does not come."""
    end = time.monotonic() + within
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen within {within:.0f} s")
        time.sleep(every)


def rows_in(engine: Engine, table: Table) -> int:
    """How many rows there are; none while the database is busy with being made."""
    try:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0
    except OperationalError:
        return 0


def rate(count: Callable[[], int], whole: int) -> float:
    """How many a second, from the first that are seen until all are there: starting up does not count."""
    until(lambda: count() > 0, what="the first")
    began, first = time.perf_counter(), count()
    if first >= whole:
        raise RuntimeError("too few to be measured; take a larger size")
    until(lambda: count() >= whole, what=f"all {whole}")
    return (whole - first) / (time.perf_counter() - began)


def database_of(url: str) -> Engine:
    """To look into."""
    return make_engine(url)


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time within which this share was done, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def machine() -> str:
    """On what it was measured."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    memory = psutil.virtual_memory().total / 2**30
    system = next((line[13:-1] for line in _lines("/etc/os-release") if line.startswith('PRETTY_NAME="')), "Linux")
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {system}, Python {platform.python_version()}; load at start {load:.1f}"


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
