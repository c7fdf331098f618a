"""The command line's own way to services, databases and broker, and how it says what went wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import structlog
from rich.console import Console
from sqlalchemy import Engine

from shared.contracts.base import Actor, Role
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.gateway.client import Client
from shared.runtime.keys import KeysMissing, load_keys
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine

T = TypeVar("T")

OPERATOR = Actor(role=Role.OPERATOR, id="operator")
SERVICES = ("meetings", "registration", "notifications", "feedback")

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)
"""In a pipe or a file there is no window that a line must fit: an id is there to be read on."""


def talk(say: Callable[[Client], Awaitable[T]]) -> T:
    """Run a conversation with the services as operator; a refusal or an outage ends the command with its sentence."""

    async def run() -> T:
        settings = Settings()
        quiet = structlog.make_filtering_bound_logger(logging.ERROR)  # an outage is told once, as a sentence
        structlog.configure(wrapper_class=quiet)
        async with Client(settings.broker_url, load_keys(settings.keys, "operator")) as client:
            return await say(client)

    try:
        return asyncio.run(run())
    except Refused as refused:
        field = f"{refused.field}: " if refused.field else ""
        raise click.ClickException(f"{field}{refused.message}") from refused
    except Unreachable as away:
        raise click.ClickException(f"{away}. Is the network running? Start it with `make run`.") from away
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault
    except KeysMissing as missing:
        raise click.ClickException(str(missing)) from missing


def engine_of(service: str) -> Engine:
    """The database of a service, as the settings name it."""
    return make_engine(Settings().database(service))
