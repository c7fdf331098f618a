"""The driver's log, read anew: what was asked for, and what the driver was told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FINAL = ("accepted", "refused")


@dataclass
class Asked:
    """One request: the number of its intent in the log, its end (None: nobody knows), and the number of that."""

    request_id: str
    kind: str
    began: int
    facts: dict[str, Any]
    end: str | None = None
    ended: int = 0
    told: dict[str, Any] = field(default_factory=dict)
    unknowns: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the driver was told that it took effect."""
        return self.end == "accepted"


def read(log: Path) -> list[Asked]:
    """Every request, in the order in which they were begun. A last line that was torn by a kill was never acted on."""
    asked: dict[str, Asked] = {}
    content = log.read_bytes()
    for raw in content[: content.rfind(b"\n") + 1].splitlines():
        line = json.loads(raw)
        what, request_id = line["what"], line["id"]
        if what == "intent":
            facts = {name: value for name, value in line.items() if name not in ("n", "what", "id", "kind")}
            asked[request_id] = Asked(request_id, line["kind"], line["n"], facts)
        elif what == "unknown":
            asked[request_id].unknowns += 1
        else:
            one = asked[request_id]
            one.end, one.ended, one.told = what, line["n"], line.get("told", {})
    return list(asked.values())
