"""The effect of one event, as every rival writes it; and what a rival is told by its environment."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, insert

from shared.storage.engine import make_engine

QUEUE = "bench"
BROKER = os.environ["BENCH_BROKER"]
DATABASE = os.environ["BENCH_DATABASE"]
THREADS = 1 if DATABASE.startswith("sqlite") else 8
"""SQLite has one writer: more threads would only wait for each other, some of them in sleeps."""

metadata = MetaData()
effects = Table(
    "effects",
    metadata,
    Column("event_key", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("times", Integer, nullable=False),
)
engine = make_engine(DATABASE)
_one_writer = threading.Lock()


def keep(event: dict[str, Any]) -> None:
    """One row, one commit."""
    data = event["data"]
    row = {"event_key": data["chapter_id"], "subject": data["region_id"], "times": 1}
    if THREADS == 1:
        with _one_writer:
            _write(row)
    else:
        _write(row)


def _write(row: dict[str, Any]) -> None:
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(insert(effects), row)


def events() -> list[bytes]:
    """What the parent put into the file that BENCH_EVENTS names: one event a line."""
    with open(os.environ["BENCH_EVENTS"], "rb") as file:  # noqa: PTH123 - one line
        return file.read().splitlines()


def main(fill: Callable[[list[bytes]], None], work: Callable[[], None]) -> None:
    """Do what the command line asks for."""
    fill(events()) if sys.argv[1] == "fill" else work()


def decoded(body: str | bytes) -> dict[str, Any]:
    """An event."""
    found: dict[str, Any] = json.loads(body)
    return found
