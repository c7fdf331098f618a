"""What a fault is, and what must be seen of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tests.chaos.network import ChaosNetwork


@dataclass(frozen=True)
class Effect:
    """What a fault did, as far as it could be seen from outside the services."""

    fault: str
    """The kind."""
    observed: bool
    """Whether an effect was seen; a fault without one does not count."""
    what: str
    """One short phrase, with figures."""


class Fault(Protocol):
    """One kind of fault, which is done again and again."""

    kind: str
    """Its line in the table."""
    minimum: int
    """Observed effects that a run of ten minutes needs."""
    in_short: bool
    """Whether a run of three minutes needs one."""

    def applies(self, network: ChaosNetwork) -> bool:
        """Whether this network has what the fault hurts: no PostgreSQL is restarted where there is none."""
        return True

    def possible(self, network: ChaosNetwork) -> str | None:
        """None, or a sentence: why it cannot be done on this machine, and what to do about it."""
        return None

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Begin, last and end the fault, in less than some 20 s. The network can recover by itself afterwards."""
        ...
