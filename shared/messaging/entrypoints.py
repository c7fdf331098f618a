"""What a service's methods listen to. Pure marks: the transport reads them (subscriber.py), tests too.

- ``@subscribe(SeatConfirmed)``    ``def method(self, event, work) -> None``
- ``@command(TakeSeat)``           ``def method(self, command, actor, work) -> View``
- ``@foreseen``                   ``def method(self, asked, work) -> None``: before a batch of commands, each with its
                                   actor: what they need may be locked and read at once
- ``@query(MeetingPage)``          ``def method(self, query, actor, work) -> View``
- ``@asking(AskJoinDetails)``     ``def method(self, query, actor) -> View``: a query for which another service is asked
- ``@every(seconds=5)``            ``def method(self, work) -> object``: by timer, in a transaction of its own
- ``@background(seconds=1)``       ``def method(self) -> bool``: by timer, outside any transaction, for what must
                                   wait (sending mail); True means: there may be more, call again at once

One event may have several methods; they run in one transaction, in the order they stand in the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.contracts.base import Command, Event, Query, Request

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What one method listens to: an event, a request, or a timer's seconds."""

    kind: str  # event, command, foreseen, query, asking, every, background
    model: type[Event | Request[Any]] | None = None
    seconds: float = 0.0
    deferred: bool = False


def _marked(mark: Mark) -> Callable[[F], F]:
    def decorate(method: F) -> F:
        marks = getattr(method, "__listens__", ())
        method.__listens__ = (*marks, mark)  # type: ignore[attr-defined]
        return method

    return decorate


def subscribe(*events: type[Event]) -> Callable[[F], F]:
    """Call the method once for each such event, however often it is delivered."""

    def decorate(method: F) -> F:
        for event in events:
            method = _marked(Mark("event", event))(method)
        return method

    return decorate


def command(model: type[Command[Any]], *, deferred: bool = False) -> Callable[[F], F]:
    """Call the method for this command, once per request id.

    ``deferred``: all that it writes waits for the flush (``work.add``, ``work.publish``, what the store keeps), so that it
    needs no savepoint of its own.
    """
    return _marked(Mark("command", model, deferred=deferred))


def foreseen(method: F) -> F:
    """Call the method before a batch of commands."""
    return _marked(Mark("foreseen"))(method)


def asking(model: type[Query[Any]]) -> Callable[[F], F]:
    """Answer this query with the method, which asks another service for it: outside any transaction, after all others."""
    return _marked(Mark("asking", model))


def query(model: type[Query[Any]]) -> Callable[[F], F]:
    """Call the method for this query."""
    return _marked(Mark("query", model))


def every(seconds: float) -> Callable[[F], F]:
    """Call the method by timer, in a transaction of its own."""
    return _marked(Mark("every", seconds=seconds))


def background(seconds: float) -> Callable[[F], F]:
    """Call the method by timer, outside any transaction."""
    return _marked(Mark("background", seconds=seconds))


@dataclass
class Entrypoints:
    """All that a service class listens to, by what arrives."""

    events: dict[type[Event], list[str]] = field(default_factory=dict)
    commands: dict[type[Request[Any]], str] = field(default_factory=dict)
    deferred: set[type[Request[Any]]] = field(default_factory=set)
    foreseen: str | None = None
    queries: dict[type[Request[Any]], str] = field(default_factory=dict)
    asking: dict[type[Request[Any]], str] = field(default_factory=dict)
    every: list[tuple[str, float]] = field(default_factory=list)
    background: list[tuple[str, float]] = field(default_factory=list)


def entrypoints_of(service: type) -> Entrypoints:
    """What this service class listens to. Raises TypeError when two methods want one request."""
    found = Entrypoints()
    for name, method in vars(service).items():
        for mark in getattr(method, "__listens__", ()):
            if mark.kind == "event":
                found.events.setdefault(mark.model, []).append(name)
            elif mark.kind in ("command", "query", "asking"):
                table = {"command": found.commands, "query": found.queries, "asking": found.asking}[mark.kind]
                if mark.model in table:
                    raise TypeError(f"{service.__name__}: two methods for {mark.model.__name__}")
                table[mark.model] = name
                if mark.deferred:
                    found.deferred.add(mark.model)
            elif mark.kind == "foreseen":
                found.foreseen = name
            elif mark.kind == "every":
                found.every.append((name, mark.seconds))
            else:
                found.background.append((name, mark.seconds))
    return found
