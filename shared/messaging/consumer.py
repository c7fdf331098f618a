"""Takes batches from one queue: prefetch, collect, hand over, settle, ack last.

Knows links and tags, nothing of handlers: :class:`Batches` gives what it collected to a function and does what
that function answers. A lost link is reopened; what was not acknowledged comes again, and the inbox knows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import eventlet
import structlog
from amqp.exceptions import NotFound
from kombu import Queue

from shared.messaging.link import Link, LinkLost

log = structlog.get_logger()

TAG = "batches"
LAST_WORDS = 0.2
"""Seconds of silence after which a cancelled consumer has got all that the broker had on its way."""


class Batches:
    """A consumer of one queue. ``handle`` gets a list of messages; when it returns they are acknowledged, all at once.

    ``handle`` raises LinkLost when it could not settle them; then the link is closed and they come again.
    """

    def __init__(
        self,
        url: str,
        queue: Queue,
        handle: Callable[[list[Any]], None],
        *,
        name: str,
        size: int,
        missing: Callable[[], None] = lambda: None,
        heartbeat: int = 30,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handle = handle
        self._name = name
        self._size = size
        self._missing = missing  # makes the queue that is not there: the broker came back empty
        self._heartbeat = heartbeat
        self._stopping = False
        self._finish_until = 0.0
        self._cancelled = False
        self._link: Link | None = None
        self._taken: list[Any] = []
        self.consuming = False
        self.busy = False
        self.begun = 0  # batches, ever
        self.stopped = eventlet.event.Event()

    def run(self) -> None:
        """Consume until stopped."""
        delay = 0.2
        while not self._stopping:
            try:
                self._link = self._open()
                delay = 0.2
                self._consume(self._link)
            except LinkLost as lost:
                log.warning("consumer_lost_broker", queue=self._queue.name, reason=str(lost))
                if isinstance(lost.__cause__, NotFound):
                    self._missing()
            finally:
                self.consuming = False
                if self._link is not None:
                    self._link.close()
                self._link, self._taken = None, []
            if not self._stopping:
                eventlet.sleep(delay)
                delay = min(delay * 2, 5.0)
        self.stopped.send()

    def stop(self, seconds: float) -> None:
        """Take no new work, finish and acknowledge what was taken, close; returns once that is done.

        What so many seconds do not suffice to begin goes back to the queue.
        """
        self._stopping, self._finish_until = True, time.monotonic() + seconds
        self.stopped.wait()

    def idle(self) -> bool:
        """Whether nothing was taken that is not settled, and the broker has nothing more here."""
        return not self.busy and not self._taken

    def _open(self) -> Link:
        link = Link(self._url, name=self._name, heartbeat=self._heartbeat)
        try:
            with link.writing() as channel:
                channel.basic_qos(0, 2 * self._size, False)
                channel.basic_consume(self._queue.name, consumer_tag=TAG, callback=self._taken.append)
        except BaseException:
            link.close()  # else its heart would keep a consumer alive that nobody reads
            raise
        self.consuming = True
        return link

    def _consume(self, link: Link) -> None:
        while not self._stopping:
            link.drain(0.5 if not self._taken else 0)
            if self._taken:
                self._collect(link)
                self._settle(link)
            else:
                eventlet.sleep(0)
        self._finish(link)

    def _finish(self, link: Link) -> None:
        """Settle what was taken ahead, so that a stop makes nothing come twice."""
        self._cancel(link)
        while time.monotonic() < self._finish_until and (self._taken or link.drain(LAST_WORDS)):
            if self._taken:
                self._settle(link)

    def _cancel(self, link: Link) -> None:
        with link.writing() as channel:
            if not self._cancelled:
                self._cancelled = True
                channel.basic_cancel(TAG)
                channel.callbacks[TAG] = self._taken.append  # the last deliveries may come after the broker's consent

    def _collect(self, link: Link) -> None:
        """Take what has arrived already, up to the batch's size; never wait for more."""
        while len(self._taken) < self._size and link.drain(0):
            pass

    def _settle(self, link: Link) -> None:
        batch, self._taken[:] = self._taken[: self._size], self._taken[self._size :]
        self.busy = True
        self.begun += 1
        try:
            self._handle(batch)
            if self._stopping:  # before the ack: it would make a quorum queue send more, and lose them over the cancel
                self._cancel(link)
            with link.writing() as channel:
                channel.basic_ack(batch[-1].delivery_info["delivery_tag"], multiple=True)
        finally:
            self.busy = False

    def hold(self, seconds: float) -> None:
        """Wait in the middle of a batch (the database is away, or the ladder) while the link stays alive."""
        until = time.monotonic() + seconds
        while not self._stopping and self._link is not None and (left := until - time.monotonic()) > 0:
            if not self._link.drain(min(left, 0.5)):
                eventlet.sleep(0)
        if self._stopping:
            raise LinkLost("stopping while what the batch needs is away")
