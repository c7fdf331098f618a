"""Room for a network: a folder that can be written to, on a disk that is not nearly full."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryFile

LEAST = 500 * 1024 * 1024
"""Bytes. The broker blocks its publishers below 100 MB; a start should not come near."""


class NoRoom(Exception):  # noqa: N818 - told to the operator as a sentence
    """There is no room for a network here; the message says why, and what to do."""


def require_disk(folder: Path) -> None:
    """Make the folder. Raises NoRoom where it cannot be written to, or its disk is nearly full."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise NoRoom(
            f"{folder} cannot be written to ({error.strerror}). "
            "Choose another folder: CHAPTERHOUSE_FOLDER=/path make run"
        ) from error
    free = shutil.disk_usage(folder).free
    if free < LEAST:
        raise NoRoom(
            f"Only {free // 2**20} MB are free on the disk of {folder}; {LEAST // 2**20} MB are needed. "
            "Free some, or choose a folder on another disk: CHAPTERHOUSE_FOLDER=/path make run"
        )


def is_low(folder: Path) -> bool:
    """Whether a network that runs here will soon be without room."""
    return shutil.disk_usage(folder).free < LEAST / 4
