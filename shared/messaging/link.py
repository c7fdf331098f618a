"""One connection to the broker: opened, kept alive by a heart of its own, lost with one kind of exception.

Built on kombu for the connection and py-amqp for what goes over it: pipelined confirms and multiple acks are
out of kombu's reach. One greenlet reads a link; writes are one at a time.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import amqp
import eventlet
from amqp.exceptions import AMQPError
from eventlet.semaphore import Semaphore

from shared.messaging.address import connection_to
from shared.messaging.frames import Inflow, acknowledged, event_frames
from shared.messaging.nodes import in_turn
from shared.runtime.address import why

if TYPE_CHECKING:
    from shared.messaging.outbox import Outgoing

HEARTBEAT = 30
CORKED_BYTES = 256 * 1024
LOST: tuple[type[BaseException], ...] = (AMQPError, OSError, AttributeError)
"""What a dying connection raises. AttributeError: py-amqp forgets its transport when the socket closes under it;
on a connection that lives it is a mistake of ours, and passes."""


class Link:
    """A connection with one channel to one of the broker's nodes. Raises LinkLost for whatever a dying one raises."""

    def __init__(self, url: str, *, name: str, heartbeat: int = HEARTBEAT) -> None:
        self._write = Semaphore()
        self._kept: bytearray | None = None
        self._broken = False
        with self.guard():
            self._amqp: Any = _connect(url, name, heartbeat)
            self._heartbeat: float = self._amqp.heartbeat  # the smaller of ours and the broker's
            try:
                self._open()
            except BaseException:
                self._amqp.collect()  # else the broker would keep a connection that nobody has
                raise
        self._heard = (0, time.monotonic())
        self._heart = eventlet.spawn(self._beat)

    def _open(self) -> None:
        """The one channel, and our own way of reading and writing."""
        # However py-amqp waits for an answer: a broker that lives says something within this time.
        self._amqp.transport.sock.settimeout(self._patience or None)
        self.channel: Any = self._amqp.channel()
        self.channel.auto_decode = False
        self._amqp.client_properties.get("capabilities", {}).pop("connection.blocked", None)
        # else py-amqp looks for news before each publish; whoever publishes here reads the confirms anyway
        self._send = self._amqp.transport._write  # noqa: SLF001
        self._amqp.transport._write = self._send_or_keep  # noqa: SLF001
        self._inflow = Inflow(self._amqp.transport)

    @property
    def _patience(self) -> float:
        """Seconds of silence after which a broker is given up; 0 without heartbeats."""
        return 2 * self._heartbeat + 5 if self._heartbeat else 0.0

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn what a dying connection raises into LinkLost. Once one was raised, whoever comes next gets one too."""
        try:
            yield
        except LinkLost:
            self._broken = True
            raise
        except LOST as error:
            if isinstance(error, AttributeError) and self._lives():
                raise
            self._broken = True
            raise LinkLost(why(error)) from error

    def _lives(self) -> bool:
        amqp_connection = getattr(self, "_amqp", None)
        return amqp_connection is not None and bool(amqp_connection.connected) and not self._broken

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """The channel, for one writer at a time."""
        with self._write, self.guard():
            self._check_lives()
            yield self.channel

    @contextmanager
    def corked(self) -> Iterator[None]:
        """What is written inside leaves in large pieces, the last at the end: one system call for many messages."""
        self._kept = bytearray()
        try:
            yield
            with self._write, self.guard():
                self._uncork()
        finally:
            self._kept = None

    def _send_or_keep(self, data: bytes | memoryview) -> None:
        if self._kept is None:
            self._send(data)
            return
        self._kept += data  # a copy: py-amqp uses its buffer again
        if len(self._kept) > CORKED_BYTES:
            self._uncork()

    def _uncork(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, bytearray()
            self._send(kept)

    def drain(self, timeout: float) -> bool:
        """Read what comes within so many seconds, calling the channel's callbacks; False when nothing came."""
        with self.guard():
            self._check_lives()
            if self._deal():
                return True
            try:
                with self._amqp.transport.having_timeout(timeout):
                    self._inflow.fill()
            except (TimeoutError, socket.timeout):  # noqa: UP041 - py-amqp raises socket.timeout by name
                self._check_heard()
                return False
            self._deal()
        return True

    def _deal(self) -> bool:
        """Deal with all that has come whole: deliveries and confirms here, the rest by py-amqp; False for nothing."""
        channel, dealt = self.channel, False
        while True:
            if delivery := self._inflow.delivery():
                tag, message = delivery
                take = channel.callbacks.get(tag)
                if take is None:  # cancelled in the meantime
                    with self.writing():
                        channel.basic_reject(message.delivery_tag, requeue=True)
                else:
                    take(message)
            elif frame := self._inflow.frame():
                if confirmed := acknowledged(frame):
                    for hear in channel.events["basic_ack"]:
                        hear(*confirmed)
                else:
                    self._amqp.on_inbound_frame(frame)
            else:
                return dealt
            dealt = True

    def send_raw(self, frames: bytes) -> None:
        """Write frames that were made elsewhere, whole."""
        with self.writing():
            self._amqp.transport.write(frames)

    def _check_lives(self) -> None:
        """A part of a frame may have left, or the heart may have found the loss: nothing more goes over this link."""
        if not self._lives():
            raise LinkLost("the connection was lost")

    def leave(self) -> None:
        """Let nothing more go over this link: whoever uses it next is told that it is lost, and opens another.

        After a refusal: in RabbitMQ 3.10 a channel whose first message for a quorum queue came while its leader was
        lost, and no other was known yet, is refused until the dead node is back (rabbit_fifo_client, ``badrpc``).
        """
        self._broken = True

    def _check_heard(self) -> None:
        count = self._inflow.reads
        last, since = self._heard
        if count != last:
            self._heard = (count, time.monotonic())
        elif self._patience and time.monotonic() - since > self._patience:
            raise LinkLost("the broker has been silent for two heartbeats")

    def _beat(self) -> None:
        while self._heartbeat:
            eventlet.sleep(self._heartbeat / 3)
            try:
                with self.writing():
                    self._amqp.send_heartbeat()
            except LinkLost:
                return  # the reader finds it broken

    def close(self) -> None:
        """Close without raising; what was not acknowledged goes back to its queue."""
        self._heart.kill()
        try:
            with eventlet.Timeout(2, exception=False):
                self._amqp.close()
        except LOST:  # LinkLost is an OSError
            pass
        finally:
            self._broken = True
            self._amqp.collect()


def _connect(urls: str, name: str, heartbeat: int) -> Any:
    """A py-amqp connection to the first node that lets us in. Raises what the last one raised."""
    options = {"client_properties": {"connection_name": name}}
    lost: BaseException = ConnectionError("no broker is named")
    for url in in_turn(urls):
        node = connection_to(url, heartbeat=heartbeat, connect_timeout=5, transport_options=options)
        try:
            # Not through kombu's ``connect`` and ``connection``: they wait before they fail, and open a second
            # connection in silence, without our consumer, when the first is lost.
            return node.transport.establish_connection()
        except LOST as error:
            lost = error
    raise lost


class LinkLost(ConnectionError):  # noqa: N818
    """The connection is gone; what was in flight is not known to have arrived."""


class Confirms:
    """Publishes with pipelined confirms on a link of its own."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._tags = itertools.count(1)
        self._waiting: dict[int, Any] = {}
        self._taken: set[Any] = set()
        self._refused: set[Any] = set()
        with link.guard():
            self._channel, self._frame_max = link.channel.channel_id, link.channel.connection.frame_max
            link.channel.confirm_select()
            link.channel.events["basic_ack"].add(self._on_ack)
            link.channel.events["basic_nack"].add(self._on_nack)

    def publish(self, key: Any, message: amqp.Message, exchange: str, routing_key: str) -> None:
        """Send without waiting; ``key`` is what :meth:`settle` tells of it."""
        self._waiting[next(self._tags)] = key  # before: py-amqp reads (and may hear confirms) while it publishes
        with self.link.writing() as channel:
            channel.basic_publish(message, exchange=exchange, routing_key=routing_key)

    def publish_events(self, rows: Iterable[Outgoing], exchange: str) -> None:
        """Send these without waiting, in one write; their positions are what :meth:`settle` tells of."""
        frames = []
        for row in rows:
            self._waiting[next(self._tags)] = row.position
            frames.append(event_frames(row.body, row.event_id, row.type, exchange, self._channel, self._frame_max))
        self.link.send_raw(b"".join(frames))

    def settle(self, seconds: float) -> tuple[set[Any], set[Any]]:
        """Wait until the broker took or refused all that was published; (taken, refused). Raises LinkLost."""
        until = time.monotonic() + seconds
        while self._waiting:
            left = until - time.monotonic()
            if left <= 0:
                raise LinkLost("a confirm did not come in time")
            self.link.drain(min(left, 1.0))
        taken, self._taken = self._taken, set()
        refused, self._refused = self._refused, set()
        if refused:
            self.link.leave()
        return taken, refused

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's signature
        self._settled(delivery_tag, multiple, self._taken)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001
        self._settled(delivery_tag, multiple, self._refused)

    def _settled(self, tag: int, multiple: bool, outcome: set[Any]) -> None:  # noqa: FBT001
        if multiple:  # the tags waiting are in their order
            for each in list(itertools.takewhile(tag.__ge__, self._waiting)):
                outcome.add(self._waiting.pop(each))
        elif tag in self._waiting:
            outcome.add(self._waiting.pop(tag))


def event_message(body: bytes, event_id: str, kind: str, headers: dict[str, Any] | None = None) -> amqp.Message:
    """An event as a persistent AMQP message; the body is the envelope's bytes."""
    return amqp.Message(
        body,
        content_type="application/cloudevents+json",
        delivery_mode=2,
        message_id=event_id,
        type=kind,
        application_headers=headers or {},
    )
