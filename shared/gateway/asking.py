"""How a gateway asks the services. The broker's client implements it (client.py); tests may hand in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from starlette.datastructures import State

from shared.contracts.base import Actor, Command, Event, Query, Sealed, View
from shared.contracts.errors import Fault, Unanswered
from shared.messaging.envelope import Envelope

V = TypeVar("V", bound=View)


class Asking(Protocol):
    """Commands, queries and the live stream. Every call raises, besides the refusals of the receiving service,

    Fault (the service failed) and Unreachable (nothing was published), or its kind Unanswered (no answer came: a
    command may have been done, and may be sent again under the same request id).
    """

    async def ask(self, query: Query[V], actor: Actor, *, seconds: float = 5.0) -> V:
        """Ask for a view."""
        ...

    async def send(self, command: Command[V], actor: Actor, *, request_id: str, seconds: float = 5.0) -> V:
        """Ask for a change. ``request_id`` is minted when the form is rendered, and comes back with it."""
        ...

    def seal_for(self, service: str, text: str) -> Sealed:
        """Seal what a person typed so that only this service can open it."""
        ...

    def unseal(self, sealed: Sealed) -> str:
        """Open what a service sealed to this gateway (a join link)."""
        ...

    def follow(self) -> AsyncIterator[tuple[Envelope, Event]]:
        """The event stream from now on, for live pages: may miss and repeat, never blocks the broker."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker answers at this moment."""
        ...


class Noting:
    """An Asking for one page. It notes that a change left: no error page calls undone what an earlier step did."""

    def __init__(self, asking: Asking, state: State) -> None:
        self._asking = asking
        self._state = state
        self.seal_for, self.unseal, self.follow = asking.seal_for, asking.unseal, asking.follow

    async def ask(self, query: Query[V], actor: Actor, *, seconds: float = 5.0) -> V:
        """Changes nothing."""
        return await self._asking.ask(query, actor, seconds=seconds)

    async def send(self, command: Command[V], actor: Actor, *, request_id: str, seconds: float = 5.0) -> V:
        """Noted where it was done, and where nobody knows; not where it was refused or never left."""
        try:
            answer = await self._asking.send(command, actor, request_id=request_id, seconds=seconds)
        except (Unanswered, Fault):
            self._state.change_left = True
            raise
        self._state.change_left = True
        return answer

    @property
    def connected(self) -> bool:
        """As the one below."""
        return self._asking.connected


def change_left(state: State) -> bool:
    """Whether a change was done, or may have been, while this page was made."""
    return getattr(state, "change_left", False)
