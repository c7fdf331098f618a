"""What a network on one machine is made of, and what each process is told."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from services.local.ports import LOOPBACK, free_ports

SERVICES = ("meetings", "registration", "notifications", "feedback")
GATEWAYS = ("admin", "portal")
SMS_ACCOUNT = "AC" + "c0de" * 8
SMS_FROM = "+15005550006"
"""The number that Twilio's documents give as one that may always send."""


@dataclass(frozen=True)
class Program:
    """One process of the network: a Python module, and where it says that it is ready."""

    name: str
    module: str
    kind: Literal["sink", "service", "gateway"]
    service: str = ""
    """Whose work it does, where several processes do the same; else its name."""

    @property
    def role(self) -> str:
        """The service or gateway that this process is one of."""
        return self.service or self.name


PROGRAMS = (
    Program("sink", "services.local.sink", "sink"),
    *(Program(name, f"services.{name}", "service") for name in SERVICES),
    *(Program(name, f"services.{name}", "gateway") for name in GATEWAYS),
)


@dataclass(frozen=True)
class Size:
    """Of how much a network is made."""

    nodes: int = 1
    """Of the broker; an odd number."""
    processes: int = 1
    """Of each service, which compete on its queue; the others are called ``meetings-2`` and so on."""
    postgres: bool = False
    """A PostgreSQL of its own, with a database for each service, instead of SQLite files."""


ALONE = Size()
"""One of each, on files."""


def in_parallel(programs: Iterable[Program], processes: int) -> Iterator[Program]:
    """Each service so many times, the others once."""
    for program in programs:
        yield program
        if program.kind == "service":
            for number in range(2, processes + 1):
                yield replace(program, name=f"{program.name}-{number}", service=program.role)


@dataclass(frozen=True)
class Ports:
    """Where the network answers, on loopback."""

    admin: int
    portal: int
    sink: int
    smtp: int
    health: dict[str, int] = field(default_factory=dict)

    @classmethod
    def free(cls) -> Ports:
        """Ports that nothing listens on."""
        admin, portal, sink, smtp = free_ports(4)
        return cls(admin, portal, sink, smtp)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Ports:
        """The fixed ports, or what CHAPTERHOUSE_ADMIN_PORT, _PORTAL_PORT, _SINK_PORT and _SMTP_PORT say.

        Raises ValueError with a sentence.
        """
        ports: dict[str, int] = {}
        for name, variable, default in FIXED:
            said = environ.get(variable, str(default))
            if not said.isdecimal() or not 0 < int(said) < 65536:
                raise ValueError(f"{variable} is {said!r}; a port is a number from 1 to 65535")
            if int(said) in ports.values():
                raise ValueError(f"{variable} is {said}, and so is another; each needs a port of its own")
            ports[name] = int(said)
        return cls(ports["admin"], ports["portal"], ports["sink"], ports["smtp"])


FIXED = (
    ("admin", "CHAPTERHOUSE_ADMIN_PORT", 8080),
    ("portal", "CHAPTERHOUSE_PORTAL_PORT", 8081),
    ("sink", "CHAPTERHOUSE_SINK_PORT", 8082),
    ("smtp", "CHAPTERHOUSE_SMTP_PORT", 8025),
)


@dataclass(frozen=True)
class Surroundings:
    """What the processes of one network share."""

    folder: Path
    ports: Ports
    broker_url: str
    database_url: str

    @property
    def data(self) -> Path:
        """Databases, where they are files."""
        return self.folder / "data"

    @property
    def keys(self) -> Path:
        """Keys: outside the data, so that a backup of one without the other tells nothing."""
        return self.folder / "keys"

    @property
    def clock_file(self) -> Path:
        """The one offset of the domain clock."""
        return self.folder / "clock" / "offset.json"

    @property
    def sink_log(self) -> Path:
        """What arrived (services.local.sink.log)."""
        return self.folder / "sink" / "arrived.jsonl"

    def url(self, name: str) -> str:
        """Where ``admin``, ``portal`` or ``sink`` answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{getattr(self.ports, name)}"

    def common(self) -> dict[str, str]:
        """What every process is told, the command line too."""
        return {
            "CHAPTERHOUSE_ENV": "development",
            "CHAPTERHOUSE_BROKER_URL": self.broker_url,
            "CHAPTERHOUSE_DATABASE_URL": self.database_url,
            "CHAPTERHOUSE_DATA": str(self.data),
            "CHAPTERHOUSE_KEYS": str(self.keys),
            "CHAPTERHOUSE_CLOCK_FILE": str(self.clock_file),
        }

    def told(self, program: Program) -> dict[str, str]:
        """What this process is told."""
        own = {"notifications": self._notifications, "admin": self._admin, "portal": self._portal, "sink": self._sink}
        health = str(self.ports.health.get(program.name, 0))
        return {**self.common(), "CHAPTERHOUSE_HEALTH_PORT": health, **own.get(program.role, dict)()}

    def sms_token(self) -> str:
        """The token between us and the sink's provider, made once."""
        file = self.keys / "sms-token"
        if not file.exists():
            self.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_hex(16))
        return file.read_text()

    def _notifications(self) -> dict[str, str]:
        prefix, portal = "CHAPTERHOUSE_NOTIFICATIONS_", self.url("portal")
        return {
            f"{prefix}SMTP_HOST": LOOPBACK,
            f"{prefix}SMTP_PORT": str(self.ports.smtp),
            f"{prefix}SMS_BASE_URL": self.url("sink"),
            f"{prefix}SMS_ACCOUNT": SMS_ACCOUNT,
            f"{prefix}SMS_TOKEN": self.sms_token(),
            f"{prefix}SMS_FROM": SMS_FROM,
            f"{prefix}STATUS_CALLBACK_URL": f"{portal}/hooks/sms/status",
            f"{prefix}PORTAL_URL": portal,
        }

    def _admin(self) -> dict[str, str]:
        return {
            "CHAPTERHOUSE_ADMIN_HOST": LOOPBACK,
            "CHAPTERHOUSE_ADMIN_PORT": str(self.ports.admin),
            "CHAPTERHOUSE_ADMIN_BASE_URL": self.url("admin"),
        }

    def _portal(self) -> dict[str, str]:
        return {
            "CHAPTERHOUSE_PORTAL_HOST": LOOPBACK,
            "CHAPTERHOUSE_PORTAL_PORT": str(self.ports.portal),
            "CHAPTERHOUSE_PORTAL_URL": self.url("portal"),
        }

    def _sink(self) -> dict[str, str]:
        prefix = "CHAPTERHOUSE_SINK_"
        return {
            f"{prefix}PORT": str(self.ports.sink),
            f"{prefix}SMTP_PORT": str(self.ports.smtp),
            f"{prefix}LOG": str(self.sink_log),
            f"{prefix}SMS_ACCOUNT": SMS_ACCOUNT,
            f"{prefix}SMS_TOKEN": self.sms_token(),
            f"{prefix}INBOUND_URL": f"{self.url('portal')}/hooks/sms/inbound",
        }
