"""Child processes that are never left behind.

Each child leads a process group of its own, so that what it starts ends with it. A *leash*, one small shell,
holds the other end of a pipe: should we be killed with SIGKILL, it ends the groups that are still on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_LEASH = """
pids=" "
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid ";;
    -) pids="${pids%% $pid *} ${pids#* $pid }";;
  esac
done
for pid in $pids; do kill -TERM "-$pid" 2>/dev/null; done
n=0
while [ $n -lt 50 ]; do
  left=
  for pid in $pids; do
    stat=
    read -r stat 2>/dev/null < "/proc/$pid/stat"
    case $stat in ""|*") Z "*) ;; *) left=1;; esac
  done
  [ -z "$left" ] && break
  sleep 0.2; n=$((n + 1))
done
for pid in $pids; do kill -KILL "-$pid" 2>/dev/null; done
"""


class Leash:
    """Ends the groups on it when this process is gone, however it went."""

    def __init__(self, *, holds: int | None = None) -> None:
        """``holds``: a file that stays open, and a lock on it held, until the last group has ended."""
        self._lock = threading.Lock()
        self._holds = holds
        self._shell: subprocess.Popen[bytes] | None = None

    def take(self, group: int) -> None:
        """Put a process group on the leash."""
        self._say(f"+ {group}\n")

    def let_go(self, group: int) -> None:
        """The group has ended."""
        self._say(f"- {group}\n")

    def _say(self, line: str) -> None:
        with self._lock:
            if self._shell is None or self._shell.poll() is not None:
                self._shell = subprocess.Popen(
                    ["/bin/sh", "-c", _LEASH],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    pass_fds=() if self._holds is None else (self._holds,),
                )
            assert self._shell.stdin is not None  # noqa: S101 - asked for above
            with suppress(BrokenPipeError):
                self._shell.stdin.write(line.encode())
                self._shell.stdin.flush()

    def close(self) -> None:
        """Nothing is left on it: end the shell."""
        with self._lock:
            if self._shell is not None:
                assert self._shell.stdin is not None  # noqa: S101
                with suppress(BrokenPipeError):
                    self._shell.stdin.close()
                self._shell.wait()
                self._shell = None


class Child:
    """One program in a process group of its own, its output appended to a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        leash: Leash,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | int | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._leash = leash
        self._env = dict(env) if env is not None else None
        self._cwd = cwd
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, also of one that has ended; None before the first start."""
        return self._process.pid if self._process else None

    @property
    def code(self) -> int | None:
        """How it ended: its exit code, minus the signal's number, or None while it runs or before it starts."""
        return self._process.poll() if self._process else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what is left of a former start's group is killed first."""
        if self.alive():
            return
        self._sweep(signal.SIGKILL)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                user=self._user,
                extra_groups=None if self._user is None else [],
            )
        self._leash.take(self._process.pid)

    def ask_to_stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the program itself, and do not wait."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(sign)

    def stop(self, *, patience: float = 15.0, sign: signal.Signals = signal.SIGTERM) -> bool:
        """Ask it to stop, wait, then kill what is left of its group. Whether it went by itself."""
        if self._process is None:
            return True
        self.ask_to_stop(sign)
        willing = self.wait(patience) is not None
        self.kill()
        return willing

    def kill(self) -> None:
        """SIGKILL to the whole group; returns when the program is gone."""
        if self._process is None:
            return
        self._sweep(signal.SIGKILL)
        self._process.wait()
        self._leash.let_go(self._process.pid)

    def wait(self, patience: float) -> int | None:
        """Its exit code, or None if it still runs after so many seconds."""
        if self._process is None:
            return None
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def tail(self, lines: int = 8) -> str:
        """The end of its log, for the sentence that says why it did not start."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _sweep(self, sign: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, sign)
