"""The ``chapterhouse`` command. Each group stands in the room that it speaks for."""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

SERVED = ("meetings", "registration", "notifications", "feedback", "admin", "portal")
FOLDER = Path("var")
T = TypeVar("T")

_ROOMS = {
    # command -> module and name; imported when it is called, so that `--help` is quick
    "parked": ("services.operator.parked", "parked"),
    "status": ("services.operator.status", "status"),
    "region": ("services.operator.setting_up", "region"),
    "chapter": ("services.operator.setting_up", "chapter"),
    "import": ("services.operator.setting_up", "import_meetings"),
    "invite": ("services.operator.accounts", "invite"),
    "account": ("services.operator.accounts", "account"),
    "sign-in": ("services.local.life.signing_in", "sign_in"),
    "asyncapi": ("services.operator.describing", "asyncapi"),
    "topology": ("services.operator.describing", "topology"),
    "left": ("services.operator.leaving", "left"),
    "copy-database": ("services.operator.copying", "copy_database"),
}


class _Commands(click.Group):
    """The commands of this file, and those of other rooms where they are furnished."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In order of the alphabet."""
        return sorted({*super().list_commands(context), *(name for name in _ROOMS if self._room(name))})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """One command."""
        return super().get_command(context, name) or self._room(name)

    @staticmethod
    def _room(name: str) -> click.Command | None:
        if name not in _ROOMS:
            return None
        module, attribute = _ROOMS[name]
        found: click.Command | None = getattr(importlib.import_module(module), attribute, None)
        return found

    def invoke(self, context: click.Context) -> Any:
        """Run the command. What is wrong with an input, a setting, a key or a database is told as a sentence."""
        try:
            return super().invoke(context)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


def _sentence(error: Exception) -> str | None:
    """What to tell whoever typed the command; None for a fault of ours, whose traceback is wanted."""
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import BaseSettings  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from shared.runtime.keys import KeysMissing  # noqa: PLC0415

    if isinstance(error, ValidationError):
        settings = {kind.__name__: str(kind.model_config.get("env_prefix", "")) for kind in _kinds_of(BaseSettings)}
        prefix = settings.get(error.title)
        return "; ".join(_wrong(one, prefix) for one in error.errors(include_input=False, include_url=False))
    if isinstance(error, DBAPIError):
        return f"the database cannot be used: {error.orig}. `chapterhouse migrate` makes what is missing"
    return str(error) if isinstance(error, KeysMissing) else None


def _kinds_of(kind: type[T]) -> Iterator[type[T]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds_of(each)


def _wrong(one: Mapping[str, Any], prefix: str | None) -> str:
    field = ".".join(str(part) for part in one["loc"])
    if one["type"] == "string_pattern_mismatch" and field == "slug":
        return "slug: write it with lower-case letters, digits and dashes, 63 at most"
    said = str(one["msg"]).removeprefix("Value error, ")
    return f"{field if prefix is None else f'{prefix}{field}'.upper()}: {said[:1].lower()}{said[1:]}"


@click.group(cls=_Commands)
@click.version_option(package_name="chapterhouse")
@click.pass_context
def main(context: click.Context) -> None:
    """Run a regional network of peer-support groups.

    Beside a network that `chapterhouse run` keeps up on this machine, every command speaks to that network;
    elsewhere to the one that the CHAPTERHOUSE_* variables name.
    """
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # an outage is told once, as a sentence
    if context.invoked_subcommand != "run":  # a second network must not share the first one's broker
        join_running(Path(os.environ.get("CHAPTERHOUSE_FOLDER", FOLDER)))


def join_running(folder: Path) -> None:
    """Take over what the running network's note says, unless the environment names a broker."""
    note = folder / "run" / "network.json"
    if "CHAPTERHOUSE_BROKER_URL" in os.environ or not note.exists():
        return
    for name, value in json.loads(note.read_text())["env"].items():
        os.environ.setdefault(name, value)


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    envvar="CHAPTERHOUSE_FOLDER",
    show_default=True,
    show_envvar=True,
    help="Data, keys, logs and the broker's files.",
)
@click.option("--life/--no-life", default=True, envvar="CHAPTERHOUSE_LIFE", help="Play the life of one meeting first.")
@click.option("--play-again", is_flag=True, help="Play it once more, with other people, on the data that are there.")
@click.option("--once", is_flag=True, help="Stop when the life has been played.")
@click.option("--nodes", type=click.IntRange(1, 7), default=1, help="Nodes of the broker; an odd number.")
@click.option("--processes", type=click.IntRange(1, 8), default=1, help="Processes of each service.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", help="A private one.")
def run(folder: Path, *, life: bool, play_again: bool, once: bool, nodes: int, processes: int, database: str) -> None:
    """Start a whole network on this machine and keep it up until Ctrl-C."""
    from rich.console import Console  # noqa: PLC0415

    from services.local import supervisor  # noqa: PLC0415
    from services.local.programs import Ports, Size  # noqa: PLC0415

    try:
        ports = Ports.from_environment()
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    url = os.environ.get("CHAPTERHOUSE_DATABASE_URL")
    how: supervisor.Life | None = "again" if play_again else "first time" if life else None
    size = Size(nodes, processes, postgres=database == "postgresql")
    sys.exit(supervisor.run(folder, ports=ports, database_url=url, life=how, once=once, console=Console(), size=size))


@main.command()
@click.argument("service", type=click.Choice(SERVED))
def serve(service: str) -> None:
    """Run one process of a service or gateway, in this one's place."""
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}"])  # noqa: S606


@main.command()
def sink() -> None:
    """Run the development sink alone: SMTP, the SMS provider's API, and the page of what arrived."""
    os.execv(sys.executable, [sys.executable, "-m", "services.local.sink"])  # noqa: S606


@main.group()
def keys() -> None:
    """The keys of a network."""


@keys.command("make")
def make() -> None:
    """Make the keys that are missing. A key that is there is never touched."""
    from shared.runtime.keys import make_keys  # noqa: PLC0415
    from shared.runtime.settings import Settings  # noqa: PLC0415

    folder = Settings().keys
    made = make_keys(folder)
    click.echo(f"{folder}: made keys for {', '.join(made)}" if made else f"{folder}: nothing was missing")


@main.command()
@click.argument("services", nargs=-1)
def migrate(services: tuple[str, ...]) -> None:
    """Bring every database (or those of the services named) to today's schema."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from shared.runtime.settings import Settings  # noqa: PLC0415
    from shared.storage.engine import make_engine  # noqa: PLC0415
    from shared.storage.migrate import has_migrations, upgrade  # noqa: PLC0415

    settings = Settings()
    for service in services or SERVED:
        if service not in SERVED:
            raise click.BadParameter(f"{service} is none of {', '.join(SERVED)}")
        if not has_migrations(service):
            continue
        if settings.database(service).startswith("sqlite"):
            settings.data.mkdir(parents=True, exist_ok=True)
        engine = make_engine(settings.database(service))
        try:
            upgrade(service, engine)
        except OperationalError as away:  # libpq's own words: they name host, user and file, never the password
            raise click.ClickException(f"{service}: its database cannot be used. {str(away.orig).strip()}") from away
        finally:
            engine.dispose()
        click.echo(f"{service}: up to date")


@main.group()
def clock() -> None:
    """The domain clock of a development network."""


@clock.command()
@click.argument("by")
def advance(by: str) -> None:
    """Move domain time forward: 90m, 2h, 3d, or several together, 1d12h. It never goes back."""
    from shared.runtime.clock import SharedClock  # noqa: PLC0415
    from shared.runtime.settings import Settings  # noqa: PLC0415

    file = Settings().clock_file
    if file is None:
        raise click.ClickException("no clock to move: CHAPTERHOUSE_CLOCK_FILE is not set, and no network runs here")
    shared = SharedClock(file)
    before = {name for name, offset in shared.acknowledged().items() if offset >= shared.offset and _runs(name)}
    offset, until = shared.advance(seconds_of(by)), time.monotonic() + 60
    while waiting := [name for name in sorted(before) if _runs(name) and shared.acknowledged()[name] < offset]:
        if time.monotonic() > until:
            raise click.ClickException(f"the clock was moved, but these have not settled: {', '.join(waiting)}")
        time.sleep(0.2)
    click.echo(f"domain time is now {shared.now():%Y-%m-%d %H:%M} UTC")


def seconds_of(text: str) -> float:
    """A span of time in seconds. Raises BadParameter with what would be right."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise click.BadParameter(f"{text!r} is no span of time; write 90m, 2h, 3d or 1d12h")
    return sum(float(number) * units[unit] for number, unit in parts)


def _runs(acknowledger: str) -> bool:
    """Whether the process that acknowledged (``<service>-<pid>``) still runs on this machine."""
    pid = acknowledger.rpartition("-")[2]
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


if __name__ == "__main__":
    main()
