"""A rush: many ask for the same mode of one meeting in the same moment, so that its last places are asked for by several
processes at once.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.driver.doing import Doer
from tests.chaos.driver.people import SOON, take
from tests.chaos.driver.scene import Scene

CROWD = 12
"""Who asks at once, at most: more than the places of a small meeting, so that its line forms within one rush."""


class Rush:
    """One stream of rushes. ``step`` is one of them; it ends when everybody was answered."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._doer = doer
        self._chance = chance

    def step(self) -> None:
        """Who has no seat yet asks for the smallest mode of a meeting."""
        coming = [each for each in self._scene.town.coming(self._scene.now(), within=SOON) if each.offers]
        if not coming or self._scene.town.calm:
            return
        meeting = self._chance.choice(coming)
        mode = min(meeting.offers, key=lambda offer: offer.capacity).mode
        fresh = [each for each in list(self._scene.town.joined) if meeting.meeting_id not in each.seats]
        acts = [
            take(self._scene, person, meeting, mode) for person in self._chance.sample(fresh, min(CROWD, len(fresh)))
        ]
        with ThreadPoolExecutor(CROWD) as crowd:
            list(crowd.map(self._doer.do, acts))
