"""Domain time, handed in. One offset, forward only, for development and tests.

Leases, time-outs, sessions and one-time codes use :func:`real_now` and never the domain clock.
"""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


def real_now() -> datetime:
    """The machine's time, aware, UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Where a process takes domain time from."""

    def now(self) -> datetime:
        """Domain time, aware, UTC."""
        ...


class SystemClock:
    """Domain time is the machine's time."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return real_now()


class SteppedClock:
    """A clock for tests: it stands until it is stepped, forward only."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._now

    def step(self, **by: float) -> datetime:
        """Step forward by a timedelta's keywords."""
        delta = timedelta(**by)
        if delta < timedelta(0):
            raise ValueError("the domain clock only goes forward")
        self._now += delta
        return self._now


class SharedClock:
    """The machine's time plus one offset, kept in a file that all processes of a network read.

    The file holds ``{"offset": seconds}``; it is replaced whole, so that a reader sees the old or the new one.
    A process acknowledges an offset by writing it into ``<file>.acks/<process>`` (shared.messaging.process).
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._offset = 0.0

    @property
    def offset(self) -> float:
        """Seconds ahead of the machine's time."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return self._offset
        mark = (status.st_mtime_ns, status.st_ino)
        if mark != self._seen:
            self._offset = max(self._offset, float(json.loads(self._file.read_text())["offset"]))
            self._seen = mark
        return self._offset

    def now(self) -> datetime:
        """Aware, UTC."""
        return real_now() + timedelta(seconds=self.offset)

    def advance(self, seconds: float) -> float:
        """Move all processes forward; returns the new offset, in seconds."""
        if seconds < 0:
            raise ValueError("the domain clock only goes forward")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("a") as lock:  # two may move it at once: both count
            fcntl.flock(lock, fcntl.LOCK_EX)
            moved = float(json.loads(self._file.read_text())["offset"]) if self._file.exists() else 0.0
            offset = max(self._offset, moved) + seconds
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps({"offset": offset}))
            fresh.replace(self._file)
        return offset

    def acknowledge(self, process: str, offset: float) -> None:
        """Say that this process has taken in this offset and has nothing left of the time before."""
        folder = self._file.with_suffix(".acks")
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_suffix(f".{process}")
        fresh.write_text(str(offset))
        fresh.replace(folder / process)

    def acknowledged(self) -> dict[str, float]:
        """The offset that each process acknowledged last."""
        folder = self._file.with_suffix(".acks")
        return {file.name: float(file.read_text() or 0) for file in folder.iterdir()} if folder.is_dir() else {}


def clock_for(file: Path | None) -> Clock:
    """The shared clock where a file is named, else the machine's."""
    return SharedClock(file) if file else SystemClock()
