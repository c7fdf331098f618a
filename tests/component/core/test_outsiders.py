"""What an outsider may put into a queue: RabbitMQ passes on properties that no client of ours would write."""

from __future__ import annotations

import hashlib
import struct
from functools import reduce

from tests.support.processes import eventually
from tests.support.site import QUEUE, Site, chapter

HEADERS, MESSAGE_ID, REPLY_TO = 0x2000, 0x80, 0x200
PIECE = 100_000


def short(text: bytes) -> bytes:
    """As AMQP writes a short text."""
    return bytes((len(text),)) + text


def headers(key: bytes, kind: bytes, value: bytes) -> bytes:
    """A table with one entry."""
    table = short(key) + kind + value
    return struct.pack(">I", len(table)) + table


ILLEGIBLE = [
    (HEADERS, headers(b"when", b"T", b"\x7f" * 8)),
    (HEADERS, headers(b"when", b"T", struct.pack(">Q", 570_000_000_000))),  # the year 20032
    (HEADERS, reduce(lambda inner, _: headers(b"a", b"F", inner), range(3000), b"\0\0\0\0")),
    (MESSAGE_ID, short(b"\xff\xfe")),
    (REPLY_TO, short(b"\xff")),
]
"""Property flags and properties, each taken by RabbitMQ 3.10 and raised at by py-amqp in its own way."""


def put_raw(site: Site, queue: str, flags: int, properties: bytes, body: bytes) -> None:
    """Publish with these very bytes as properties, confirmed; a long body in pieces."""
    with site.broker() as connection:
        channel = connection.default_channel
        channel.confirm_select()
        taken: list[int] = []
        channel.events["basic_ack"].add(lambda tag, _multiple: taken.append(tag))
        pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
        publish = struct.pack(">HHH", 60, 40, 0) + short(b"") + short(queue.encode()) + b"\0"
        content = struct.pack(">HHQH", 60, 0, len(body), flags) + properties
        frames = [(1, publish), (2, content), *((3, piece) for piece in pieces)]
        for kind, payload in frames:
            channel.connection.transport.write(
                struct.pack(">BHI", kind, channel.channel_id, len(payload)) + payload + b"\xce"
            )
        while not taken:
            connection.drain_events(timeout=10)


def test_properties_that_cannot_be_read_end_no_process_and_the_body_decides(running: Site) -> None:
    """In one frame or several, in the queue of events, of dead letters or of requests: handled, or parked, once."""
    child, said = running.children[0], []
    bodies = [b"", b"x" * 3 * PIECE]
    for flags, properties in ILLEGIBLE:
        said.append(chapter())
        for body in (*bodies, said[-1].body):
            put_raw(running, QUEUE, flags, properties, body)
        put_raw(running, "feedback.requests", flags, properties, b"no request")
        put_raw(running, "feedback.dead", flags, properties, b"dead")
    running.balances(said)
    eventually(lambda: {hashlib.sha256(body).hexdigest() for body in (*bodies, b"dead")} <= set(running.parked()))
    assert child.alive()
    eventually(lambda: running.ready("feedback.requests") == 0)
    assert "consumer_lost_broker" not in child.log.read_text()
