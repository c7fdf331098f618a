"""Programs of the machine: where they are, and how they get there.

As root on a Debian, a missing package is installed; otherwise one sentence says what to install. Nothing that
a package brings is started as a service of the machine, and nothing that runs is stopped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")


class ProgramMissing(Exception):  # noqa: N818 - told to the operator as a sentence
    """A program is missing and we may not install it; the message says what to install."""


def may_install() -> bool:
    """Whether apt-get is here and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """While packages are unpacked, invoke-rc.d is told not to start anything (policy-rc.d, Debian policy 9.3.3)."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def install(packages: Sequence[str], *, say: object = None) -> None:
    """Install Debian packages without what they merely recommend. Raises ProgramMissing with apt's last words."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with _no_service_starts():
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if done.returncode != 0 and command[1] == "install":
                last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["apt-get failed"]
                raise ProgramMissing(f"Could not install {' '.join(packages)}: {last[0]}")


def require(found: Path | None, packages: Sequence[str], what: str, otherwise: str) -> None:
    """Install the packages if the program was not found, or raise ProgramMissing with the sentence that helps."""
    if found is not None:
        return
    if not may_install():
        raise ProgramMissing(
            f"{what} is not on this machine. Install it: sudo apt-get install {' '.join(packages)}{otherwise}"
        )
    install(packages)
