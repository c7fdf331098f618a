"""One network in a folder at a time, and where the one that runs can be found."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STOPPING = 20.0
"""Seconds that what a killed supervisor left may take to end (services.local.processes.Leash)."""


class AlreadyRunning(Exception):  # noqa: N818 - told to the operator as a sentence
    """Another network runs in this folder; the message says where."""


class FolderLock:
    """A lock that goes with the processes that hold it, however they end (flock)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self.note = folder / "network.json"
        """What the command line needs to talk to the network that runs. For its owner alone: it holds a password."""
        self.file: int | None = None

    def take(self, *, say: Callable[[str], None]) -> None:
        """Take it, waiting for the leftovers of a killed run. Raises AlreadyRunning."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        told, until = False, time.monotonic() + STOPPING
        while not self._try():
            running = self.read()
            if running and _alive(int(running["pid"])):
                self._close()
                raise AlreadyRunning(
                    f"Chapterhouse already runs in {self._path.parent.parent} (process {running['pid']}): "
                    f"admin {running['admin']}, portal {running['portal']}, what arrived {running['sink']}. "
                    "Stop it with Ctrl-C where it was started, or run another beside it with a folder and ports of its own: "
                    "CHAPTERHOUSE_FOLDER=var2 CHAPTERHOUSE_ADMIN_PORT=… CHAPTERHOUSE_PORTAL_PORT=… "
                    "CHAPTERHOUSE_SINK_PORT=… CHAPTERHOUSE_SMTP_PORT=… make run"
                )
            if time.monotonic() > until:
                self._close()
                raise AlreadyRunning(f"Something still holds {self._path}; it belongs to a run that was killed.")
            if not told:
                say("A run before this one was killed; waiting for what it left to end.")
                told = True
            time.sleep(0.2)

    def write(self, note: dict[str, Any]) -> None:
        """Say where we run; replaced whole."""
        fresh = self.note.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"pid": os.getpid(), **note}, file, indent=1)
        fresh.replace(self.note)

    def read(self) -> dict[str, Any] | None:
        """What the one that runs, or ran last, wrote."""
        try:
            note: dict[str, Any] = json.loads(self.note.read_text())
        except (OSError, ValueError):
            return None
        return note

    def release(self) -> None:
        """Let the next one in."""
        if self.file is not None:
            self.note.unlink(missing_ok=True)
            self._close()

    def _try(self) -> bool:
        assert self.file is not None  # noqa: S101 - opened by take
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _close(self) -> None:
        if self.file is not None:
            os.close(self.file)
            self.file = None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
