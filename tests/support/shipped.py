"""The topology as a process of the product's own sees it.

A test's process has loaded the events that other tests made up, and they are part of what it would declare.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.processes import ROOT

_PROGRAM = """
import json, sys
from shared.messaging import definitions
what, given, named = json.load(sys.stdin)
print(json.dumps(getattr(definitions, what)(*given, **named)))
"""


def shipped_definitions(ladder: Sequence[float], **named: str | Mapping[str, str]) -> dict[str, Any]:
    """What shared.messaging.definitions.definitions gives there."""
    made: dict[str, Any] = _ask("definitions", list(ladder), **named)
    return made


def shipped_mark(ladder: Sequence[float]) -> str:
    """What shared.messaging.definitions.mark gives there."""
    return str(_ask("mark", list(ladder)))


def _ask(what: str, *given: Any, **named: Any) -> Any:
    said = json.dumps([what, given, named])
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM]
    return json.loads(subprocess.run(command, input=said, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
