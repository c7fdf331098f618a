"""Events handled a second, beside FastStream, Celery, dramatiq and stock Nameko with one commit an event.

Ours does more: it decodes and validates, keeps an inbox, writes the effect and an outgoing event and relays it; theirs
writes the effect. Queue kind, event, row and engine are the same (tests.bench.rivals).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from tests.bench.events import bodies, fill
from tests.bench.ground import ROOT, Ground, Row, database_of, process, rate, rows_in, say
from tests.support.probe.service import effects, metadata

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
RIVALS = {"faststream": "FastStream", "celery": "Celery", "dramatiq": "dramatiq", "nameko": "stock Nameko"}


def rows(ground: Ground) -> Iterator[Row]:
    """A row for each on each database; the limit is the best rival on that database."""
    if not PYTHON.exists():
        raise FileNotFoundError("the rivals are not installed; `make bench` makes .venv-bench for them")
    theirs, ours = bodies(ground.many(4_000)), bodies(ground.many(10_000))
    for kind in ground.kinds:
        rates = {}
        for name in RIVALS:
            say(f"  {name} on {kind}")
            rates[name] = _rival(ground, name, kind, theirs)
        best = max(rates.values())
        rates["ours"] = _ours(ground, kind, ours)
        for name, each in rates.items():
            who = f"{RIVALS[name]} {_version(name)}" if name in RIVALS else "Chapterhouse, with inbox and outbox"
            aim = "5 × the best rival" if name == "ours" else ""
            yield Row(f"{kind}: {who}", f"{each:,.0f} events/s", f"{best:,.0f} (best rival)", each / best, aim)


def _rival(ground: Ground, name: str, kind: str, events: list[bytes]) -> float:
    folder, database = ground.new_folder(), ground.new_database(kind)
    engine = database_of(database)
    effects.create(engine)
    file = folder / "events"
    file.write_bytes(b"\n".join(events))
    env = ground.environment() | {
        "BENCH_BROKER": ground.broker.new_vhost(),
        "BENCH_DATABASE": database,
        "BENCH_EVENTS": str(file),
    }
    module = f"tests.bench.rivals.on_{name}"
    subprocess.run([PYTHON, "-m", module, "fill"], env=env, cwd=ROOT, check=True, timeout=120)
    with process("-m", module, "work", env=env, python=PYTHON, patience=10):
        return rate(lambda: rows_in(engine, effects), len(events))


def _ours(ground: Ground, kind: str, events: list[bytes]) -> float:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    metadata.create_all(engine)
    fill(url, events)
    with process("-m", "tests.support.probe", env=ground.environment(broker_url=url, database_url=database)):
        return rate(lambda: rows_in(engine, effects), len(events))


def _version(name: str) -> str:
    """Of a rival, in its own environment."""
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    told = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=True)
    return told.stdout.strip()
