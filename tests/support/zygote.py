"""Processes by fork from one that has imported everything: real ones, to be killed at will, but begun in no time.

Importing costs three seconds of processor time a process; a suite that kills some fifty would do little else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that forks. It ends with us, and its children with it."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHAPTERHOUSE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
        )

    def ask(self, **request: object) -> int | None:
        """One line there, one back."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer is None or isinstance(answer, int)
        return answer

    def close(self) -> None:
        """End it and what it forked."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


class Forked:
    """One forked process, in a group of its own; speaks as services.local.processes.Child does."""

    def __init__(self, zygote: Zygote, module: str, env: dict[str, str], log: Path) -> None:
        self.log = log
        self._zygote = zygote
        self._code: int | None = None
        pid = zygote.ask(fork=module, env=env, log=str(log))
        assert pid is not None
        self.pid = pid

    @property
    def code(self) -> int | None:
        """Its exit code, minus the signal's number, or None while it runs."""
        if self._code is None:
            self._code = self._zygote.ask(poll=self.pid)
        return self._code

    def alive(self) -> bool:
        """Whether it runs."""
        return self.code is None

    def ask_to_stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal, and do not wait."""
        if self.alive():
            os.kill(self.pid, sign)

    def wait(self, patience: float) -> int | None:
        """Its exit code, or None if it still runs after so many seconds."""
        until = time.monotonic() + patience
        while self.code is None and time.monotonic() < until:
            time.sleep(0.02)
        return self.code

    def kill(self) -> None:
        """SIGKILL to its group; returns when it is gone."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait(10)

    def tail(self, lines: int = 8) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


def _become(module: str, env: dict[str, str], log: str) -> None:
    import importlib  # noqa: PLC0415 - in the child, after the fork

    import eventlet.hubs  # noqa: PLC0415

    from shared.runtime import points  # noqa: PLC0415

    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(out, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(env)
    eventlet.hubs.use_hub()
    importlib.reload(points)  # reads the environment; its functions keep their module's names
    code = 1
    try:
        importlib.import_module(module).main()
        code = 0
    except SystemExit as ending:
        if isinstance(ending.code, str):
            sys.stderr.write(ending.code + "\n")
        else:
            code = ending.code or 0
    except BaseException:  # noqa: BLE001 - as the interpreter would
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _main() -> None:
    import eventlet  # noqa: PLC0415

    eventlet.monkey_patch()
    import psycopg2  # noqa: F401, PLC0415

    import shared.messaging.hosting  # noqa: F401, PLC0415
    import tests.support.probe.service  # noqa: F401, PLC0415

    original = eventlet.patcher.original("os")
    forked: set[int] = set()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answer: int | None = None
        if "fork" in request:
            answer = original.fork()
            if answer == 0:
                _become(request["fork"], request["env"], request["log"])
            forked.add(answer)
        else:
            pid, status = original.waitpid(request["poll"], os.WNOHANG)
            if pid:
                forked.discard(pid)
                answer = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in forked:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    _main()
