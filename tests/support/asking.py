"""The way to the services, without a broker: real services where a World is handed in, else scripted answers.

A script for a request's class goes before a World. It may be a view, a refusal, ``Unreachable()`` or a Fault
(raised), or a function of (request, actor) that gives or raises one. A list is used up one by one, its last stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from shared.contracts.base import Actor, Command, Event, Query, Request, Sealed, View
from shared.messaging.envelope import Cause, Envelope, decode, encode
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id
from tests.support.world import World, ring

V = TypeVar("V", bound=View)


class LocalAsking:
    """Keeps the contract of shared.gateway.asking.Asking; ``asked`` and ``sent`` tell what went through."""

    def __init__(self, principal: str, *worlds: World) -> None:
        self.keys = ring(principal)
        self.worlds = {world.store.keys.name: world for world in worlds}
        self.asked: list[tuple[Query[Any], Actor]] = []
        self.sent: list[tuple[Command[Any], Actor, str]] = []
        self.is_connected = True
        self._scripts: dict[type[Request[Any]], list[Any]] = {}
        self._followers: set[asyncio.Queue[tuple[Envelope, Event]]] = set()

    def answer(self, kind: type[Request[Any]], *answers: Any) -> None:
        """From now on, answer this kind of request so."""
        self._scripts[kind] = list(answers)

    def use(self, world: World, *kinds: type[Request[Any]]) -> None:
        """From now on this service answers these kinds itself, and whatever else has no script."""
        self.worlds[world.store.keys.name] = world
        for kind in kinds:
            self._scripts.pop(kind, None)

    def sent_of(self, kind: type[Command[V]]) -> list[Command[V]]:
        """The commands of this kind that were sent."""
        return [command for command, _, _ in self.sent if isinstance(command, kind)]

    def say(self, event: Event) -> None:
        """Let the live stream tell of this event."""
        body = encode(event, event_id=new_id(), sequence=1, at=real_now(), cause=Cause.root())
        for follower in self._followers:
            follower.put_nowait(decode(body))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[LocalAsking]:
        """For Site.open_asking."""
        yield self

    def _answer(self, request: Request[Any], actor: Actor) -> Any:
        script = self._scripts.get(type(request))
        if script is None:
            return None
        answer = script.pop(0) if len(script) > 1 else script[0]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request, actor)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _world(self, request: Request[Any]) -> World:
        world = self.worlds.get(request.receiver())
        if world is None:
            raise AssertionError(f"nobody answers {request.type} in this test; script an answer")
        return world

    async def ask(self, query: Query[V], actor: Actor, *, seconds: float = 5.0) -> V:
        """Ask for a view."""
        self.asked.append((query, actor))
        answer = self._answer(query, actor)
        return answer if answer is not None else self._world(query).ask(query, actor)

    async def send(self, command: Command[V], actor: Actor, *, request_id: str, seconds: float = 5.0) -> V:
        """Ask for a change."""
        self.sent.append((command, actor, request_id))
        answer = self._answer(command, actor)
        return answer if answer is not None else self._world(command).send(command, actor, request_id=request_id)

    def seal_for(self, service: str, text: str) -> Sealed:
        """Seal what a person typed."""
        return self.keys.seal_for(service, text)

    def unseal(self, sealed: Sealed) -> str:
        """Open what a service sealed to this gateway."""
        return self.keys.unseal(sealed)

    async def follow(self) -> AsyncIterator[tuple[Envelope, Event]]:
        """What ``say`` says from now on."""
        queue: asyncio.Queue[tuple[Envelope, Event]] = asyncio.Queue()
        self._followers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)

    @property
    def connected(self) -> bool:
        """As the test says."""
        return self.is_connected
