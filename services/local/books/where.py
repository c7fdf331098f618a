"""Where everything lies that the books are kept of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SERVICES = ("meetings", "registration", "notifications", "feedback")
GATEWAYS = ("admin", "portal")
RUNGS = (1.0, 10.0, 60.0, 600.0)
REACHABLE = frozenset({"address", "number"})
"""Kinds of planted texts that something is sent to: each must have arrived in the sink."""


class Unreadable(Exception):  # noqa: N818 - told to the reader as a sentence
    """Something that the books need is not there; the message says what."""


@dataclass(frozen=True)
class Planted:
    """What was planted: texts that belong to a person, by kind.

    ``alias`` (and anything else of a name) may stand nowhere in the clear, ``address`` and ``number`` in the sink
    alone, ``secret`` (a join link, a passcode) in the sink too.
    """

    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    slips_accepted: int | None = None
    """How many times somebody was thanked for a slip, where that was counted."""

    def marks(self) -> Iterator[tuple[str, int, str]]:
        """Kind, number and text; the books name a text by kind and number only."""
        for kind, texts in self.texts.items():
            for number, text in enumerate(texts, 1):
                yield kind, number, text

    @classmethod
    def read(cls, file: Path) -> Planted:
        """From JSON: an object of kinds, each with a list of texts; ``slips_accepted`` is a number."""
        try:
            raw = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Unreadable(f"{file}: what was planted cannot be read ({type(error).__name__})") from error
        accepted = raw.pop("slips_accepted", None)
        return cls({kind: tuple(dict.fromkeys(texts)) for kind, texts in raw.items()}, accepted)


@dataclass(frozen=True)
class Where:
    """The paths and addresses of one network.

    ``folder``        all that the network writes: databases, logs, the broker's files
    ``database_url``  with ``{service}`` (and ``{data}``, which is ``folder/data``), as the services are told
    ``ctl``           runs rabbitmqctl and gives its output, e.g. PrivateBroker.ctl; without it the broker is asked
                      by AMQP alone, which tells what is ready but not what is unacknowledged
    ``vhost``         for ``ctl``; else the one of the broker's URL
    ``leave_out``     files and folders that are no part of the network, e.g. an environment inside the folder; the
                      sink's folder and the file of planted texts are left out by themselves
    ``again_after``   seconds after which a line that does not balance is read once more: the broker's own counts
                      lag by five
    """

    folder: Path
    database_url: str
    broker_url: str
    sink_log: Path
    planted: Path
    ctl: Callable[..., str] | None = None
    vhost: str | None = None
    rungs: tuple[float, ...] = RUNGS
    leave_out: tuple[Path, ...] = ()
    strangers: frozenset[str] = frozenset()
    """Ids of events that nobody said: a test put them into a queue. What is parked under them was heard by no one."""
    patience: float = 60.0
    """Seconds until nothing must be unsettled any more."""
    again_after: float = 6.0

    def database(self, service: str) -> str:
        """The database URL of a service or gateway."""
        return self.database_url.format(service=service, data=self.folder / "data")
