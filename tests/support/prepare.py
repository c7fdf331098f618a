"""``python -m tests.support.prepare``: have on this machine what the suite runs on, before it runs.

As root, what is missing is installed; otherwise one sentence says what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.local import broker, packages, postgres
from tests.chaos.clocks import find_library
from tests.support.processes import docker_answers

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> Path | None:
    """Chromium: CHAPTERHOUSE_CHROMIUM, or one on the path, or None."""
    for name in filter(None, (os.environ.get("CHAPTERHOUSE_CHROMIUM"), *BROWSERS)):
        if found := shutil.which(name):
            return Path(found)
    return None


def require_promtool() -> Path:
    """Prometheus's checker of alarms. Raises pytest.UsageError with what to install."""
    found = find_promtool()
    if found is None:
        raise pytest.UsageError("promtool is not on this machine: `make test` fetches it; else install prometheus")
    return found


def find_promtool() -> Path | None:
    """On the path, or where :func:`fetch_promtool` put it."""
    found = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.executable).parent))
    return Path(found) if found else None


def fetch_promtool() -> None:
    """Take the one program out of Debian's package, into the environment: it needs no server, no right, no other package."""
    with tempfile.TemporaryDirectory() as folder:
        for command in (["apt-get", "download", "-q", "prometheus"], ["sh", "-c", "dpkg-deb --extract *.deb ."]):
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise packages.ProgramMissing(
                    f"The tests need promtool. Install it: sudo apt-get install prometheus ({done.stderr.strip()[-200:]})"
                )
        shutil.copy(Path(folder) / "usr/bin/promtool", Path(sys.executable).parent / "promtool")


def main() -> int:
    """Look for each, install what may be installed, say what is missing."""
    if find_promtool() is None:
        print("fetching promtool", flush=True)
        try:
            fetch_promtool()
        except (packages.ProgramMissing, OSError) as failed:
            print(failed, file=sys.stderr)
            return 1
    contained = docker_answers()
    wanted = []
    if not contained and not os.environ.get("CHAPTERHOUSE_TEST_BROKER"):
        wanted.append(("RabbitMQ", broker.find_server, ["rabbitmq-server"]))
    if not contained and not os.environ.get("CHAPTERHOUSE_TEST_POSTGRES"):
        wanted.append(("PostgreSQL", postgres.find_binaries, ["postgresql"]))
    wanted.append(("Chromium", find_browser, ["chromium"]))
    wanted.append(("libfaketime", find_library, ["faketime"]))
    missing = [(what, find, names) for what, find, names in wanted if find() is None]
    if not missing:
        return 0
    all_names = [name for _, _, names in missing for name in names]
    if not packages.may_install():
        what = ", ".join(what for what, _, _ in missing)
        print(f"The tests need {what}. Install it: sudo apt-get install {' '.join(all_names)}", file=sys.stderr)
        return 1
    print(f"installing {' '.join(all_names)}", flush=True)
    try:
        packages.install(all_names)
    except packages.ProgramMissing as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
