"""A small disk that can be filled: a tmpfs where we may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.healing import until

BALLAST = "ballast"
PIECE = 1024 * 1024


class SmallDisk:
    """Mounted at a folder while the context lasts; with ``keep``, what lay on it lies in the folder itself afterwards."""

    def __init__(self, folder: Path, megabytes: int, *, keep: bool = True) -> None:
        self.folder = folder
        self._keep = keep
        self._megabytes = megabytes
        self._mounted = False
        self.missing: str | None = None
        """Why no disk can be filled here; None if one can."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.path.ismount(self.folder):  # a run was killed here
            self._mounted = True
            return self
        if any(self.folder.iterdir()):
            self.missing = f"{self.folder} holds data already; a disk can be put under it only when it is empty"
            return self
        options = f"size={self._megabytes}m,mode=0700"
        done = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        self._mounted = done.returncode == 0
        if not self._mounted:
            self.missing = f"to fill a disk we must mount one, as root: {done.stderr.strip()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._mounted:
            return
        self.empty()
        if not self._keep:
            self._unmount()
            return
        kept = self.folder.with_name(f"{self.folder.name}.kept")
        _run("cp", "-a", str(self.folder), str(kept))
        if not self._unmount():
            return
        shutil.rmtree(self.folder)
        kept.rename(self.folder)

    def _unmount(self) -> bool:
        """Whether it is gone. Whoever was killed a moment ago may hold it for a moment longer; whoever is broken off in
        the middle of a look at it holds it until our own end, and does not keep it in its place.
        """
        gone = until(lambda: _run("umount", str(self.folder)).returncode == 0, 10.0, every=0.5)
        return gone or _run("umount", "--lazy", str(self.folder)).returncode == 0

    def fill(self) -> int:
        """Take all that is free; how many bytes that was."""
        taken = 0
        with (self.folder / BALLAST).open("ab", buffering=0) as ballast, suppress(OSError):
            for piece in (PIECE, 4096, 1):
                with suppress(OSError):
                    while written := ballast.write(b"\0" * piece):
                        taken += written
        return taken

    def empty(self) -> None:
        """Give it back."""
        (self.folder / BALLAST).unlink(missing_ok=True)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
