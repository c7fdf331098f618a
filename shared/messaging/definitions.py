"""The topology as RabbitMQ's definitions file: for a broker where no process of ours may declare anything.

A service that may declare a queue may also bind it to whatever it likes, and read it. So in production nothing is
declared by a process: the operator gives the broker this file, at its start and with each new version, and each
process looks for the mark of its own version before it says anything (:func:`shared.messaging.topology.furnish`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging import topology
from shared.runtime.keys import PRINCIPALS

VHOST = "chapterhouse"
GATEWAYS = ("admin", "portal")
NOTHING = "^$"


def mark(ladder: Sequence[float]) -> str:
    """The name of the exchange that says: furnished for this very topology. It changes when a queue or binding does."""
    text = json.dumps([_exchanges(ladder), _queues(ladder), _bindings(ladder)], sort_keys=True)
    return f"topology.{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def definitions(
    ladder: Sequence[float], *, vhost: str = VHOST, passwords: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What ``rabbitmqctl import_definitions`` and ``load_definitions`` take.

    A user without a password among these can sign in by none: its hash is empty. To import it again changes nothing,
    and takes nothing away that an older version needs.
    """
    within = {"vhost": vhost}
    known = passwords or {}
    marked = {"name": mark(ladder), "type": "fanout", "durable": True, "auto_delete": False, "arguments": {}}
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, known.get(name)) for name in PRINCIPALS],
        "permissions": [within | rights(name) for name in PRINCIPALS],
        "topic_permissions": [within | topic_rights(name) for name in PRINCIPALS],
        "exchanges": [within | {"internal": False} | each for each in [*_exchanges(ladder), marked]],
        "queues": [within | each for each in _queues(ladder)],
        "bindings": [within | each for each in _bindings(ladder)],
    }


def rights(user: str) -> dict[str, str]:
    """What a user may configure, write and read on the virtual host: regular expressions on names.

    A service reads its own three queues and no exchange, so that it can bind nothing. It writes to ``events``, to the
    ladder, and to the default exchange: answers to direct reply-to leave over that one and no other, and RabbitMQ does
    not tell its routing keys apart. So whoever has a service's password can put a message into another's queue, where a
    request without a signature is refused; it can take none out.
    A gateway makes one queue, which the broker names, and hears the events. The operator asks, and replays.
    """
    if user in GATEWAYS:
        own = r"amq\.gen-.*"
        return _rights(user, f"^{own}$", rf"^(amq\.default|{own})$", f"^(events|{own})$")
    if user in SUBSCRIPTIONS:
        return _rights(user, NOTHING, r"^(events|retry\.[0-9]+|amq\.default)$", rf"^{user}\.(events|requests|dead)$")
    return _rights(user, NOTHING, r"^amq\.default$", NOTHING)


def topic_rights(user: str) -> dict[str, str]:
    """Which events a user may say and bind: a service says what begins with its name, a gateway only listens."""
    says, hears = (rf"^{user}\.", NOTHING) if user in SUBSCRIPTIONS else (NOTHING, NOTHING)
    if user in GATEWAYS:
        hears = ".*"
    return {"user": user, "exchange": topology.events.name, "write": says, "read": hears}


def _rights(user: str, configure: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "configure": configure, "write": write, "read": read}


def _user(name: str, password: str | None) -> dict[str, Any]:
    """RabbitMQ's salted SHA-256 (its documentation, "Credentials and Passwords")."""
    salt = os.urandom(4)
    digest = salt + hashlib.sha256(salt + password.encode()).digest() if password else b""
    return {
        "name": name,
        "password_hash": base64.b64encode(digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }


def _exchanges(ladder: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "type": each.type,
            "durable": each.durable,
            "auto_delete": False,
            "arguments": each.arguments or {},
        }
        for each in topology.exchanges(ladder)
    ]


def _queues(ladder: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "durable": each.durable, "auto_delete": False, "arguments": each.queue_arguments or {}}
        for each in topology.queues(ladder)
    ]


def _bindings(ladder: Sequence[float]) -> list[dict[str, Any]]:
    own = [
        _binding(each.exchange.name, "queue", each.name, each.routing_key)
        for each in topology.queues(ladder)
        if each.exchange is not None and each.exchange.name
    ]
    heard = [
        _binding(topology.events.name, "queue", topology.events_queue(service).name, event.type)
        for service, events in SUBSCRIPTIONS.items()
        for event in events
    ]
    live = [_binding(topology.events.name, "exchange", topology.live.name, kind) for kind in topology.only_live()]
    return own + heard + live


def _binding(source: str, kind: str, destination: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "arguments": {},
    }
