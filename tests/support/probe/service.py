"""The probe: one row and one event of its own per event it hears, a counter that commands raise."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from eventlet.patcher import original
from sqlalchemy import Column, Integer, String, Table, func, insert, select, update

from shared.contracts.base import Actor, Command, Event, Query, View
from shared.contracts.errors import Refused
from shared.contracts.meetings import ChapterOpened
from shared.contracts.registration import AttendanceCounted
from shared.messaging.entrypoints import asking, command, query, subscribe
from shared.runtime.parts import Parts
from shared.storage.core import service_metadata
from shared.storage.work import Work

metadata = service_metadata()

SECRET = "a secret that must not be told"
"""The text of every error here: neither answer, nor log, nor parking lot may hold it."""

effects = Table(
    "effects",
    metadata,
    Column("event_key", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("times", Integer, nullable=False, default=1),
)
counters = Table(
    "counters", metadata, Column("name", String(64), primary_key=True), Column("value", Integer, nullable=False)
)


class ProbeHeard(Event):
    """The probe heard something: its outgoing event, one per effect."""

    type: ClassVar[str] = "feedback.probe_heard.v1"
    subject: ClassVar[str] = "chapter_id"

    chapter_id: str


class CounterValue(View):
    """A counter."""

    value: int


class Raise(Command[CounterValue]):
    """Raise a counter by one; refused above ``most``."""

    type: ClassVar[str] = "feedback.probe_raise.v1"

    name: str
    by: int = 1
    most: int = 1000
    seconds: float = 0.0
    fault: bool = False


class ReadCounter(Query[CounterValue]):
    """Read a counter."""

    type: ClassVar[str] = "feedback.probe_read.v1"

    name: str


class AskElsewhere(Query[CounterValue]):
    """Read a counter once another service has answered, which takes so many seconds."""

    type: ClassVar[str] = "feedback.probe_ask_elsewhere.v1"

    name: str
    seconds: float


class Full(Refused):
    """The counter is at its most."""

    code = "probe_full"


class Probe:
    """Hears chapters and attendance counts in feedback's place."""

    name = "feedback"
    work = Work
    metadata = metadata

    def __init__(self, parts: Parts[Work]) -> None:
        self.parts = parts

    @subscribe(ChapterOpened)
    def keep(self, event: ChapterOpened, work: Work) -> None:
        """One effect row and one outgoing event; then what the first word of the name asks for.

        ``slow 8`` waits, ``block 8`` holds the whole process, ``fail 2`` fails twice, ``poison`` always,
        ``curable`` until a file ``cured`` lies in the data folder.
        """
        word, *rest = event.name.split()
        work.add(effects, event_key=event.chapter_id, subject=event.region_id)
        work.publish(ProbeHeard(chapter_id=event.chapter_id))
        tries = note_try(self.parts.settings.data, event.chapter_id) if word != "ok" else 0
        if word == "slow":
            time.sleep(float(rest[0]))
        if word == "block":
            original("time").sleep(float(rest[0]))
        if word == "poison" or (word == "curable" and not (self.parts.settings.data / "cured").exists()):
            raise ValueError(SECRET)
        if word == "fail" and tries <= int(rest[0]):
            raise RuntimeError(SECRET)

    @subscribe(AttendanceCounted)
    def count(self, event: AttendanceCounted, work: Work) -> None:
        """A second kind of event."""
        work.add(effects, event_key=event.meeting_id, subject=event.chapter_id)

    @command(Raise)
    def raise_counter(self, command: Raise, actor: Actor, work: Work) -> CounterValue:
        """Raise, refuse, be slow, or fail."""
        row = work.connection.scalar(select(counters.c.value).where(counters.c.name == command.name).with_for_update())
        if row is None:
            work.connection.execute(insert(counters).values(name=command.name, value=0))
        value = (row or 0) + command.by
        work.connection.execute(update(counters).where(counters.c.name == command.name).values(value=value))
        if command.seconds:
            note_try(self.parts.settings.data, command.name)
            time.sleep(command.seconds)
        if command.fault:
            raise RuntimeError(SECRET)
        if value > command.most:
            raise Full("it is full", field="by", most=command.most)
        return CounterValue(value=value)

    @query(ReadCounter)
    def read(self, query: ReadCounter, actor: Actor, work: Work) -> CounterValue:
        """The counter's value, 0 when there is none."""
        return CounterValue(
            value=work.connection.scalar(select(counters.c.value).where(counters.c.name == query.name)) or 0
        )

    @asking(AskElsewhere)
    def ask_elsewhere(self, query: AskElsewhere, actor: Actor) -> CounterValue:
        """The same, after a while."""
        time.sleep(query.seconds)
        with self.parts.store.reading() as work:
            return self.read(ReadCounter(name=query.name), actor, work)


def note_try(folder: Path, key: str) -> int:
    """Note one more try of this event or command outside any transaction; how many there were."""
    file = folder / f"try-{key}"
    with file.open("ab") as out:
        out.write(b".")
    return file.stat().st_size


def effect_count(connection: Any) -> int:
    """How many effect rows there are."""
    return connection.scalar(select(func.count()).select_from(effects)) or 0
