"""Processes in tests: start one, wait for what it does, and be sure that it is gone."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from services.local.processes import Child, Leash

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


def eventually(probe: Callable[[], T], *, within: float = 30.0, every: float = 0.1, what: str = "it") -> T:
    """Wait until the probe gives something true, and give that; fail the test after so many seconds.

    An AssertionError of the probe counts as "not yet", and is the one that fails the test.
    """
    until = time.monotonic() + within
    while True:
        try:
            found = probe()
        except AssertionError:
            if time.monotonic() > until:
                raise
        else:
            if found:
                return found
            assert time.monotonic() < until, f"{what} did not happen within {within:.0f} s"
        time.sleep(every)


@contextmanager
def process(name: str, *arguments: str | Path, log: Path, env: dict[str, str] | None = None) -> Iterator[Child]:
    """A Python process (``-m module …`` or a script) with the repository on its path, killed at the end."""
    leash = Leash()
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    child = Child(
        name,
        [sys.executable, *arguments],
        log=log,
        leash=leash,
        env={**os.environ, "PYTHONPATH": path, **(env or {})},
        cwd=ROOT,
    )
    child.start()
    try:
        yield child
    finally:
        child.kill()
        leash.close()


@functools.cache
def docker_answers() -> bool:
    """Whether a Docker engine (not merely its client) is at hand; CHAPTERHOUSE_TEST_DOCKER=0 says no."""
    if os.environ.get("CHAPTERHOUSE_TEST_DOCKER") == "0" or shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, timeout=5, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())
