"""The broker: what lies in its queues, asked by passive declares and by rabbitmqctl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import amqp

from services.local.books.line import Line, none
from services.local.books.where import SERVICES, Unreadable, Where


@dataclass(frozen=True)
class Queue:
    """One queue. ``ready`` is None where it is not there, ``unacked`` where only rabbitmqctl could tell."""

    name: str
    ready: int | None
    unacked: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it or is under way from it, as far as is known."""
        return not self.ready and not self.unacked


def names(rungs: tuple[float, ...]) -> dict[str, bool]:
    """Every queue that holds events, and whether it must be there. A rung of the ladder bears its milliseconds."""
    known = {"unrouted": True}
    for service in SERVICES:
        known |= {f"{service}.events": True, f"{service}.dead": True}
    return known | {f"retry.{round(seconds * 1000)}": False for seconds in rungs}


def ready(where: Where) -> list[Queue]:
    """Every queue of events that a setting names; what is unacknowledged is not known. Exact, and quick."""
    return _declared(where.broker_url, names(where.rungs))


def queues(where: Where) -> list[Queue]:
    """Every queue of events. What is ready is exact; what is unacknowledged is up to five seconds old."""
    counted = _counted(where)
    ladder = {name: False for name in counted if name.startswith("retry.")}
    found = _declared(where.broker_url, names(where.rungs) | ladder)
    return [Queue(queue.name, queue.ready, counted.get(queue.name, queue.unacked)) for queue in found]


def _connected(urls: str) -> amqp.Connection:
    """To the first node that answers; a cluster's URLs have semicolons between them. Raises Unreadable."""
    error: Exception | None = None
    for url in urls.split(";"):
        parts = urlsplit(url)
        try:
            connection = amqp.Connection(
                host=f"{parts.hostname}:{parts.port or 5672}",
                userid=unquote(parts.username or "guest"),
                password=unquote(parts.password or "guest"),
                virtual_host=_vhost(url),
                connect_timeout=10,
                read_timeout=20,
            )
            connection.connect()
        except (OSError, amqp.exceptions.AMQPError) as lost:
            error = lost
        else:
            return connection
    raise Unreadable(f"the broker does not answer ({type(error).__name__})") from error


def _declared(urls: str, wanted: dict[str, bool]) -> list[Queue]:
    connection = _connected(urls)
    found = []
    try:
        for name in wanted:
            channel = connection.channel()
            try:
                declared = channel.queue_declare(queue=name, passive=True)
            except amqp.exceptions.NotFound:
                found.append(Queue(name, None))
                continue
            found.append(Queue(name, declared.message_count))
            channel.close()
    except (OSError, amqp.exceptions.AMQPError) as error:
        raise Unreadable(f"the broker does not answer ({type(error).__name__})") from error
    finally:
        connection.collect()
    return found


def _vhost(urls: str) -> str:
    path = urlsplit(urls.split(";", maxsplit=1)[0]).path
    return unquote(path[1:]) or "/"


def _counted(where: Where, *, again: bool = True) -> dict[str, int]:
    """What is unacknowledged, by queue; nothing where there is no rabbitmqctl. It is asked twice: on a busy machine it
    gives up.
    """
    if where.ctl is None:
        return {}
    arguments = ("-p", where.vhost or _vhost(where.broker_url), "name", "messages_unacknowledged")
    try:
        told = where.ctl("list_queues", *arguments, "--formatter", "json")
        rows = json.loads(told[told.index("[") :])
    except Exception as error:
        if again:
            return _counted(where, again=False)
        raise Unreadable(f"rabbitmqctl did not list the queues: {error}") from error
    return {row["name"]: int(row["messages_unacknowledged"] or 0) for row in rows}


def unsettled(found: list[Queue]) -> list[str]:
    """The queues in which something lies that will still be handled."""
    return [
        f"{queue.name}: {queue.ready or 0} ready, {queue.unacked or 0} unacknowledged"
        for queue in found
        if not queue.empty and queue.name != "unrouted"
    ]


def lines(where: Where, found: list[Queue]) -> Iterator[Line]:
    """Nothing was sent to nowhere, nothing was given up, nothing is on its way."""
    needed = names(where.rungs)
    lost = [queue for queue in found if queue.name == "unrouted" or queue.name.endswith(".dead")]
    under_way = [queue for queue in found if queue not in lost]
    for what, some in (("Nothing is unrouted or given up", lost), ("No event is on its way", under_way)):
        faults = [
            f"{queue.name} holds {(queue.ready or 0) + (queue.unacked or 0)}" for queue in some if not queue.empty
        ]
        faults += [f"no queue {queue.name}" for queue in some if queue.ready is None and needed.get(queue.name)]
        yield none(what, f"queues {len(some)}", faults)
