"""How a service asks another: signed as role SERVICE, answered by direct reply-to. Never within a transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import eventlet
import structlog
from amqp import Message
from eventlet.event import Event as Answer
from eventlet.semaphore import Semaphore

from shared.contracts.base import Actor, Request, Role
from shared.contracts.errors import Unreachable
from shared.messaging.link import Link, LinkLost
from shared.messaging.requests import ask_bytes, read_reply
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id, new_traceparent
from shared.runtime.keys import KeyRing

log = structlog.get_logger()

REPLY_TO = "amq.rabbitmq.reply-to"
SECONDS = 5.0


class Caller:
    """Asks other services over one link, any number of greenlets at once."""

    def __init__(self, url: str, keys: KeyRing) -> None:
        self._url = url
        self._keys = keys
        self._opening = Semaphore()
        self._link: Link | None = None
        self._reader: Any = None
        self._answers: dict[str, Answer] = {}

    def ask(self, request: Request[Any]) -> Any:
        """The other service's answer. Raises its refusal, Fault, or Unreachable after five seconds."""
        request_id = new_id()
        body, signature = ask_bytes(
            request,
            actor=Actor(role=Role.SERVICE, id=self._keys.name),
            keys=self._keys,
            request_id=request_id,
            correlation_id=request_id,
            traceparent=new_traceparent(),
            deadline=real_now() + timedelta(seconds=SECONDS),
        )
        message = Message(
            body,
            reply_to=REPLY_TO,
            correlation_id=request_id,
            expiration=str(int(SECONDS * 1000)),
            delivery_mode=1,
            application_headers={"signature": signature.hex()},
        )
        answer = self._answers[request_id] = Answer()
        try:
            with self._open().writing() as channel:
                channel.basic_publish(message, exchange="", routing_key=f"{request.receiver()}.requests")
            with eventlet.Timeout(SECONDS, exception=False):
                return read_reply(answer.wait(), type(request).answer_type())
        except LinkLost as lost:
            raise Unreachable(f"the broker cannot be reached ({lost})") from lost
        finally:
            self._answers.pop(request_id, None)
        raise Unreachable(f"{request.receiver()} did not answer in {SECONDS:.0f} s")

    def close(self) -> None:
        """End the link. Its reader goes first: closing reads, and two may not read one socket."""
        if self._reader is not None:
            self._reader.kill()
        if self._link is not None:
            self._link.close()

    def _open(self) -> Link:
        with self._opening:
            if self._link is None:
                link = Link(self._url, name=f"{self._keys.name} asking")
                try:
                    with link.writing() as channel:
                        channel.confirm_select()
                        channel.events["basic_nack"].add(self._refused)
                        channel.basic_consume(REPLY_TO, no_ack=True, callback=self._answered)
                except BaseException:
                    link.close()
                    raise
                self._link = link
                self._reader = eventlet.spawn(self._read, link)
            return self._link

    def _answered(self, message: Any) -> None:
        answer = self._answers.get(message.properties.get("correlation_id", ""))
        if answer is not None and not answer.ready():
            answer.send(bytes(message.body))

    def _refused(self, *_: Any) -> None:
        """This channel may go on being refused: shared.messaging.link.Link.leave."""
        raise LinkLost("the broker could not take a request")

    def _read(self, link: Link) -> None:
        try:
            while True:
                link.drain(1.0)
                eventlet.sleep(0)
        except Exception as error:
            lost = error if isinstance(error, LinkLost) else LinkLost(type(error).__name__)
            if lost is not error:
                log.exception("caller_failed")
            self._link = None
            link.close()
            for answer in list(self._answers.values()):
                if not answer.ready():
                    answer.send_exception(LinkLost(str(lost)))
