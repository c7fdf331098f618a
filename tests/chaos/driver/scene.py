"""What every thread of the driver is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.runtime.clock import SharedClock
from tests.chaos.driver.bridge import Bridge
from tests.chaos.driver.journal import Journal
from tests.chaos.driver.letters import Letters
from tests.chaos.driver.town import Town


@dataclass(frozen=True)
class Scene:
    """The network's addresses, the driver's own line to the broker, what arrived, and what is known of the town."""

    bridge: Bridge
    journal: Journal
    letters: Letters
    town: Town
    clock: SharedClock
    portal_url: str
    sink_url: str
    agreement: int
    """The version of the confidentiality agreement in force."""

    def now(self) -> datetime:
        """Domain time."""
        return self.clock.now()
