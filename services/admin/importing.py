"""Imports under way: a list in slices of 50, a report by row. Kept in this process while its page is of use.

An import that is lost with the process is no harm: the same file again updates what it made.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from shared.contracts.base import ChapterId
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.meetings import ImportMeetings, ImportReport, RowOutcome, RowReport
from shared.gateway.meeting_lists import SLICE, next_slice
from shared.runtime.ids import new_id, random_id

log = structlog.get_logger()

KEPT = 20
TRIES = 3

Send = Callable[[ImportMeetings, str], Awaitable[ImportReport]]


@dataclass
class Import:
    """One import: how far it is, and what became of each row."""

    chapter_id: ChapterId
    account_id: str
    rows: list[Any]
    in_person_capacity: int
    online_capacity: int
    import_id: str = field(default_factory=random_id)
    request_ids: list[str] = field(default_factory=list)
    reports: list[RowReport] = field(default_factory=list)
    stopped: str | None = None  # why it stopped early, as a sentence

    @property
    def total(self) -> int:
        """Rows in the file."""
        return len(self.rows)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.stopped is not None or len(self.reports) >= self.total

    @property
    def counts(self) -> dict[RowOutcome, int]:
        """Rows by outcome; they add up to the rows reported."""
        counted = Counter(report.outcome for report in self.reports)
        return {outcome: counted[outcome] for outcome in RowOutcome}

    async def run(self, send: Send) -> None:
        """Send slice after slice, each under a request id of its own, so that a lost answer does not count twice."""
        while not self.finished:
            command = next_slice(
                self.rows,
                self.reports,
                self.chapter_id,
                in_person_capacity=self.in_person_capacity,
                online_capacity=self.online_capacity,
            )
            try:
                report = await self._insist(send, command)
            except Refused as refused:
                self.stopped = refused.message
            except Fault as fault:
                self.stopped = f"The service failed; if you report it, quote {fault.correlation_id}."
            except Unreachable:
                self.stopped = "The network cannot be reached right now. Import the file again later; what was done is not done twice."
            except Exception as error:  # noqa: BLE001 - a task that dies leaves its page waiting for ever
                log.error("import_failed", kind=type(error).__name__)  # noqa: TRY400 - a traceback may hold names
                self.stopped = "Something broke on our side; it has been noted. What was done is not done twice."
            else:
                if len(report.rows) != min(SLICE, self.total - len(self.reports)):
                    self.stopped = "The service's report does not match the rows that were sent."
                self.reports.extend(report.rows)

    @staticmethod
    async def _insist(send: Send, command: ImportMeetings) -> ImportReport:
        request_id = new_id()
        for left in reversed(range(TRIES)):
            try:
                return await send(command, request_id)
            except Unreachable:
                if not left:
                    raise
                await asyncio.sleep(1)
        raise Unreachable


class Imports:
    """The imports of this process; the oldest finished ones are forgotten."""

    def __init__(self) -> None:
        self._imports: OrderedDict[str, Import] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, one: Import, send: Send) -> None:
        """Start it in the background."""
        self._imports[one.import_id] = one
        for old in [key for key, each in self._imports.items() if each.finished][: max(0, len(self._imports) - KEPT)]:
            del self._imports[old]
        task = asyncio.create_task(one.run(send), name=f"import {one.import_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get(self, import_id: str, chapter_id: str) -> Import | None:
        """An import of this chapter."""
        found = self._imports.get(import_id)
        return found if found is not None and found.chapter_id == chapter_id else None
