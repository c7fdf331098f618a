"""What arrived: the sink's log, read as it grows. People find their codes, their news and their invitations in it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.local.life.browser import Stuck

PATIENCE = 120.0
"""Seconds until something must have arrived."""

KINDS = {
    # kind: subject of a mail, words of a text, as the default wording (discreet) has them
    "code": (r"Your code", r"^\d{6} is your code"),
    "confirmed": (r"You have a place", r"^You have a place"),
    "waiting": (r"You are in line", r"in line: "),
    "promoted": (r"A place came free", r"^A place (?:came free|is yours)"),
    "released": (r"You have no place", r"^You no longer have a place"),
    "changed": (r"^Changed: ", r"is online only"),
    "reminder": (r"^Reminder: ", r"(?:Attend another way or cancel|Join or change|Attend another way|Change): http"),
    "asked": (r"^A few questions", r"^A few questions"),
}


@dataclass(frozen=True)
class Letter:
    """A mail or a text."""

    to: str
    text: str
    subject: str | None
    invitation: str | None
    method: str | None
    unsubscribe: str | None
    kind: str

    @property
    def is_mail(self) -> bool:
        """Whether it is a mail."""
        return self.subject is not None

    @property
    def uid(self) -> str:
        """The invitation's UID."""
        return self._line("UID")

    @property
    def sequence(self) -> int:
        """The invitation's SEQUENCE."""
        return int(self._line("SEQUENCE") or -1)

    def _line(self, name: str) -> str:
        found = re.search(rf"^{name}:(.+?)\r?$", self.invitation or "", re.MULTILINE)
        return found[1] if found else ""


def kind_of(subject: str | None, text: str) -> str:
    """Which news this is; "other" where it is none that we know."""
    for kind, (in_subject, in_text) in KINDS.items():
        if re.search(in_subject, subject) if subject is not None else re.search(in_text, text):
            return kind
    return "other"


class Post:
    """Reads the log from where it ended when we began. May be used by many threads."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0
        self._letters: list[Letter] = []
        self._lock = threading.Lock()

    def all(self) -> list[Letter]:
        """Everything that has arrived, oldest first."""
        with self._lock:
            self._read()
            return list(self._letters)

    def of(self, kind: str) -> list[Letter]:
        """Everything of one kind."""
        return [letter for letter in self.all() if letter.kind == kind]

    def to(self, address: str, kind: str) -> list[Letter]:
        """What one person got of one kind."""
        return [letter for letter in self.of(kind) if letter.to == address]

    def wait(self, address: str, kind: str, *, after: int = 0) -> Letter:
        """The newest letter of this kind to this address, once more than ``after`` have come. Raises Stuck."""
        until = time.monotonic() + PATIENCE
        while True:
            letters = self.to(address, kind)
            if len(letters) > after:
                return letters[-1]
            if time.monotonic() > until:
                raise Stuck(f"no {kind} arrived within {PATIENCE:.0f} s for one who waits for it")
            time.sleep(0.15)

    def wait_all(self, addresses: Iterable[str], kind: str) -> dict[str, Letter]:
        """The newest letter of this kind to each of these. Raises Stuck with how many are missing."""
        wanted, until = set(addresses), time.monotonic() + PATIENCE
        while True:
            found = {letter.to: letter for letter in self.of(kind) if letter.to in wanted}
            if len(found) == len(wanted):
                return found
            if time.monotonic() > until:
                missing = len(wanted) - len(found)
                raise Stuck(f"{missing} of {len(wanted)} have got no {kind} within {PATIENCE:.0f} s")
            time.sleep(0.25)

    def _read(self) -> None:
        if not self._log.exists():
            return
        with self._log.open("rb") as log:
            log.seek(self._at)
            content = log.read()
        whole = content.rfind(b"\n") + 1
        self._at += whole
        for line in content[:whole].splitlines():
            record = json.loads(line)
            if record["kind"] in {"mail", "text"}:
                self._letters.append(_letter(record))


def _letter(record: dict[str, Any]) -> Letter:
    if record["kind"] == "text":
        return Letter(record["to"], record["body"], None, None, None, None, kind_of(None, record["body"]))
    headers = {name.lower(): value for name, value in record["headers"]}
    link = re.search(r"<(https?://[^>]+)>", headers.get("list-unsubscribe", ""))
    subject, text = record["subject"] or "", record["text"] or ""
    return Letter(
        to=record["to"],
        text=text,
        subject=subject,
        invitation=record["ics"],
        method=record["ics_method"],
        unsubscribe=link[1] if link else None,
        kind=kind_of(subject, text),
    )
