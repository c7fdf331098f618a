"""What arrived, kept in one file of JSON lines that is only ever appended to.

Each line is one object with ``kind`` and ``at`` (UTC, ISO 8601):

``mail``     one mail to one recipient: id, mail, to, sender, message_id, subject, header_from, text, html, ics,
             ics_method, headers (name and value pairs, in order), size
``text``     one text: id (= sid), sid, to, sender, body, segments, status_callback, service
``status``   sid, status, error_code: what became of a text
``inbound``  sid, to, sender, body: a text from a member's phone
``opt_out``  number, out (true or false)

A line is on disk (fsync) before its sender is told that it was accepted: what is in no line was not accepted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def now() -> datetime:
    """The machine's time: a provider knows nothing of our domain clock."""
    return datetime.now(UTC)


class Arrivals:
    """The log, and an index of it in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records: list[Record] = []
        self.opted_out: set[str] = set()
        self.texts: dict[str, Record] = {}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            self._read()
        self._file = path.open("ab")

    def add(self, kind: str, **fields: Any) -> Record:
        """Append one line and have it on disk. Raises OSError if the disk is full: then nothing was accepted."""
        record: Record = {"kind": kind, "at": now().isoformat(), **fields}
        begin = self._file.tell()
        try:
            self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._file.close()
            os.truncate(self._path, begin)
            self._file = self._path.open("ab")
            raise
        self._take(record)
        return record

    def arrived(self, *, to: str | None = None, kind: str | None = None) -> Iterator[Record]:
        """Mails and texts, newest first; those to one recipient where one is named."""
        for record in reversed(self.records):
            if record["kind"] not in {"mail", "text"} or (kind and record["kind"] != kind):
                continue
            if to is None or record["to"].casefold() == to.casefold():
                yield self._with_status(record)

    def find(self, record_id: str) -> Record | None:
        """One mail or text by its id."""
        return next((record for record in self.arrived() if record["id"] == record_id), None)

    def recipients(self) -> list[str]:
        """Everyone to whom something arrived, in order of the alphabet."""
        return sorted({record["to"] for record in self.arrived()})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _with_status(self, record: Record) -> Record:
        return self.texts[record["sid"]] if record["kind"] == "text" else record

    def _read(self) -> None:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # a kill tore the last line, which nobody was told of
            os.truncate(self._path, whole)
        for line in content[:whole].splitlines():
            self._take(json.loads(line))

    def _take(self, record: Record) -> None:
        match record["kind"]:
            case "text":
                self.texts[record["sid"]] = {**record, "status": "queued", "error_code": None, "changed": record["at"]}
            case "status" if record["sid"] in self.texts:
                changed = {"status": record["status"], "error_code": record["error_code"], "changed": record["at"]}
                self.texts[record["sid"]].update(changed)
            case "opt_out":
                (self.opted_out.add if record["out"] else self.opted_out.discard)(record["number"])
            case _:
                pass
        self.records.append(record)
