"""What the driver asked for and was told: one line of JSON each, on disk before the request leaves.

``intent``    before the first byte: request id, kind, opaque facts
``accepted``  with what it was told; ``refused`` with the refusal's code; both are final
``unknown``   no answer that says either; the same request id is sent again later

``n`` counts all lines of all threads: an answer that is written before an intent came before it was sent.
No line holds a name, an address, a number or a code.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any


class Journal:
    """Appends to one file. May be used by many threads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._n = 0
        self._out = file.open("ab")
        self.done: Counter[str] = Counter()
        """How often each kind was accepted."""
        self.counts = {"intent": 0, "accepted": 0, "refused": 0, "unknown": 0}

    def write(self, what: str, request_id: str, kind: str, facts: dict[str, Any]) -> None:
        """Write one line and have it on disk."""
        with self._lock:
            self._n += 1
            self.counts[what] += 1
            self.done[kind] += what == "accepted"
            line = {"n": self._n, "what": what, "id": request_id, "kind": kind, **facts}
            self._out.write(json.dumps(line).encode() + b"\n")
            self._out.flush()
            os.fsync(self._out.fileno())

    def close(self) -> None:
        """Close the file."""
        self._out.close()
