"""``python -m tests.support.prepare``: have on this machine what the suite runs on, before it runs.

As root, what is missing is installed; otherwise one sentence says what to install.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from services.local import broker, packages, postgres
from tests.support.processes import docker_answers

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> Path | None:
    """Chromium: CHAPTERHOUSE_CHROMIUM, or one on the path, or None."""
    for name in filter(None, (os.environ.get("CHAPTERHOUSE_CHROMIUM"), *BROWSERS)):
        if found := shutil.which(name):
            return Path(found)
    return None


def main() -> int:
    """Look for each, install what may be installed, say what is missing."""
    contained = docker_answers()
    wanted = []
    if not contained and not os.environ.get("CHAPTERHOUSE_TEST_BROKER"):
        wanted.append(("RabbitMQ", broker.find_server, ["rabbitmq-server"]))
    if not contained and not os.environ.get("CHAPTERHOUSE_TEST_POSTGRES"):
        wanted.append(("PostgreSQL", postgres.find_binaries, ["postgresql"]))
    wanted.append(("Chromium", find_browser, ["chromium"]))
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
