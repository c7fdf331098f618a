"""The lanes of one channel together. Under eventlet the threads are green; elsewhere they are real ones."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from services.notifications.handlers.gathering import Terms
from services.notifications.messages import Sender, Wording
from services.notifications.sending.lane import Lane
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from shared.contracts.base import Channel
from shared.runtime.parts import Parts


class Postbox:
    """Sends what is due by one channel, some notices at once. No channel waits for another's time-outs."""

    def __init__(
        self,
        parts: Parts[NotificationsWork],
        settings: NotificationsSettings,
        terms: Terms,
        wording: Wording,
        *,
        channel: Channel,
        make_sender: Callable[[Channel], Sender],
    ) -> None:
        self._lanes = [
            Lane(parts, settings, terms, wording, channel=channel, sender=make_sender(channel))
            for _ in range(settings.lanes)
        ]
        self._threads = ThreadPoolExecutor(len(self._lanes), f"{channel} lane") if len(self._lanes) > 1 else None

    def send(self) -> bool:
        """One round of every lane. True where there may be more. Raises what a lane raised, once all have ended."""
        if self._threads is None:
            return self._lanes[0].run() > 0
        rounds = [self._threads.submit(lane.run) for lane in self._lanes]
        wait(rounds)
        return sum(each.result() for each in rounds) > 0
