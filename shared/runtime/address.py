"""The broker's address: ``amqps://user:password@host/vhost?cafile=…&certfile=…&keyfile=…``.

``amqps`` checks the broker's certificate and its name, always. ``cafile`` names the authority that signed it, else the
machine's own are asked; ``certfile`` and ``keyfile`` are this process's certificate, where the broker asks for one.
With or without TLS, ``heartbeat`` says how soon a silent broker is given up.
These names are aio-pika's; kombu's way is shared.messaging.address.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

FILES = ("cafile", "certfile", "keyfile")
"""What an address may name behind its question mark, with TLS."""
HEARTBEAT = "heartbeat"
"""Seconds: a broker that is silent for two of them is given up. Ours are thirty, which the broker may shorten."""


def problem_of(url: str) -> str | None:
    """What is wrong with an address, in a sentence without its password; None where nothing is."""
    parts = urlsplit(url)
    if parts.scheme not in {"amqp", "amqps"}:
        return f"a broker's address begins with amqp:// or amqps://, not {parts.scheme or 'nothing'}"
    named = dict(parse_qsl(parts.query))
    beat = named.pop(HEARTBEAT, "30")
    if not beat.isdecimal():
        return f"heartbeat is a whole number of seconds, not {beat}"
    return next(filter(None, (_problem_with(parts.scheme, name, value) for name, value in named.items())), None) or (
        "certfile and keyfile go together: the process's certificate and its key"
        if ("certfile" in named) != ("keyfile" in named)
        else None
    )


def _problem_with(scheme: str, name: str, value: str) -> str | None:
    if name not in FILES:
        allowed = ", ".join((*FILES, HEARTBEAT))
        return f"an address may name {allowed} behind its question mark; {name} is none of them"
    if scheme == "amqp":
        return f"{name} is of use with amqps:// only; with amqp:// nothing would be encrypted"
    if not Path(value).is_file():
        return f"{name} names {value}, and there is no such file"
    return None


def why(error: BaseException) -> str:
    """Why the broker was not reached, for the log of whoever must mend it; never a password, never a message's text."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was not accepted ({error.verify_message}); cafile names who must have signed it"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it ({error.reason}); is this its TLS port, and does it ask for a certfile of ours?"
    if type(error).__name__ in {"AccessRefused", "ProbableAuthenticationError"}:
        return "it refuses our user, the password or a right; see the users in its definitions"
    return type(error).__name__
