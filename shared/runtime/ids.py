"""Ids: time-ordered where order helps, random where order would tell."""

from __future__ import annotations

import random
import secrets
import uuid

import uuid_utils


def new_id() -> str:
    """A UUIDv7 (RFC 9562): time-ordered, so that an index grows at its end."""
    return str(uuid_utils.uuid7())


def random_id() -> str:
    """A UUIDv4: says nothing of when it was made. For slips, tokens and whatever must not be placed in time."""
    return str(uuid.uuid4())


def new_traceparent() -> str:
    """The start of a trace (W3C Trace Context, version 00)."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_traceparent(parent: str | None) -> str:
    """A new span of the same trace; a new trace where the parent is missing or malformed."""
    parts = (parent or "").split("-")
    if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16:
        return f"00-{parts[1]}-{random.getrandbits(64):016x}-{parts[3]}"  # no secret: made for each event handled
    return new_traceparent()
