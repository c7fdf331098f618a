"""A clock of its own for each service process, by libfaketime: stepped back and forward, monotonic time untouched."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from services.local.packages import ProgramMissing, require

CACHE = 1
"""Seconds for which a process believes the offset it read; without, each look at the clock would open a file."""


def find_library() -> Path | None:
    """libfaketime, where Debian and others put it."""
    return next(iter(sorted(Path("/usr/lib").glob("**/faketime/libfaketime.so.1"))), None)


class Clocks:
    """The offsets of all processes. A context manager: at its end what the library left behind is swept up."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "clocks"
        self._library: Path | None = None
        self.missing: str | None = None
        """Why no clock can be stepped here; None if it can."""

    def __enter__(self) -> Self:
        try:
            require(find_library(), ["faketime"], "libfaketime", "")
        except ProgramMissing as missing:
            self.missing = str(missing)
        self._library = find_library()
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for left in Path("/dev/shm").glob("*faketime_*_*"):  # of processes that were killed
            pid = left.name.rpartition("_")[2]
            if pid.isdigit() and not Path("/proc", pid).exists():
                left.unlink(missing_ok=True)

    def told(self, process: str) -> dict[str, str]:
        """The variables with which a process runs on its own clock; none where the library is missing."""
        if self._library is None:
            return {}
        self.step(process, 0.0)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(process)),
            "FAKETIME_CACHE_DURATION": str(CACHE),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def step(self, process: str, seconds: float) -> None:
        """From now on this process's clock is so many seconds ahead; behind, if negative. Within ``CACHE`` seconds."""
        fresh = self._file(process).with_suffix(".new")
        fresh.write_text(f"{seconds:+.3f}\n")
        fresh.replace(self._file(process))

    def heal(self) -> None:
        """All clocks are right."""
        for file in self._folder.glob("*.clock"):
            self.step(file.stem, 0.0)

    def _file(self, process: str) -> Path:
        return self._folder / f"{process}.clock"
