"""How a gateway asks the services. The broker's client implements it (client.py); tests may hand in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from shared.contracts.base import Actor, Command, Event, Query, Sealed, View
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
