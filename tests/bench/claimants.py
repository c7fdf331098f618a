"""People who take seats, as a process of their own: ``python -m tests.bench.claimants`` with a plan on standard input.

The plan is JSON: ``{"url", "keys", "at_once", "rate", "claims": [[member, meeting], …]}``. With a rate (a second) they come
evenly, else as fast as ``at_once`` of them can, each after the answer to the one before. Answers with JSON: the seconds
that each claim took and the seconds that all took. Without a meeting a claimant only asks a question.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.base import Mode
from shared.contracts.errors import Refused, Unreachable
from shared.contracts.registration import CurrentAgreement, TakeSeat
from shared.gateway.client import Client
from shared.runtime.ids import new_id
from shared.runtime.keys import load_keys
from tests.bench.ground import ROOT
from tests.support.world import VISITOR, member

PATIENCE = 30.0


@dataclass(frozen=True)
class Claims:
    """What came of a plan."""

    seconds: list[float]
    whole: float
    failed: int

    @property
    def rate(self) -> float:
        """Claims a second."""
        return len(self.seconds) / self.whole


def start(
    url: str, keys: Path, claims: Sequence[tuple[str, str]], *, at_once: int, rate: float = 0.0
) -> subprocess.Popen[str]:
    """Start them, and do not wait."""
    plan = {"url": url, "keys": str(keys), "at_once": at_once, "rate": rate, "claims": list(claims)}
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.claimants"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert started.stdin
    started.stdin.write(json.dumps(plan))
    started.stdin.close()
    started.stdin = None
    return started


def finish(started: subprocess.Popen[str]) -> Claims:
    """Wait for them. Raises RuntimeError where they died."""
    told, _ = started.communicate(timeout=600)
    if started.returncode:
        raise RuntimeError("the claimants failed")
    return Claims(**json.loads(told))


async def _run(plan: dict[str, Any]) -> Claims:
    seconds: list[float] = []
    failed = 0
    waiting = iter(plan["claims"])
    async with Client(plan["url"], load_keys(Path(plan["keys"]), "portal")) as client:

        async def claim(who: str, where: str) -> None:
            nonlocal failed
            began = time.perf_counter()
            try:
                if where:
                    taking = TakeSeat(meeting_id=where, mode=Mode.ONLINE)
                    await client.send(taking, member(who), request_id=new_id(), seconds=PATIENCE)
                else:
                    await client.ask(CurrentAgreement(), VISITOR, seconds=PATIENCE)
            except (Refused, Unreachable):
                failed += 1
            else:
                seconds.append(time.perf_counter() - began)

        async def one_after_another() -> None:
            for who, where in waiting:
                await claim(who, where)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            if plan["rate"]:
                for number, (who, where) in enumerate(waiting):
                    await asyncio.sleep(began + number / plan["rate"] - time.perf_counter())
                    group.create_task(claim(who, where))
            else:
                for _ in range(plan["at_once"]):
                    group.create_task(one_after_another())
        return Claims(seconds, time.perf_counter() - began, failed)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(json.load(sys.stdin))).__dict__))
