"""Unsubscribe tokens: opaque, stateless, good for one contact point and one purpose, for ever."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from hmac import compare_digest

from shared.contracts.base import ContactPointId
from shared.contracts.registration import Purpose

Mac = Callable[[str, str], str]
"""A keyed hash of (purpose of the key, text), in hex: ``KeyRing.keyed_hash``."""

_PURPOSES = (Purpose.MEETING_REMINDERS, Purpose.MEETING_CHANGES, Purpose.FEEDBACK_ASK)


def unsubscribe_token(contact_point_id: ContactPointId, purpose: Purpose, mac: Mac) -> str:
    """The token of a mail's List-Unsubscribe: 16 bytes of id, one of purpose, 16 of HMAC."""
    body = uuid.UUID(contact_point_id).bytes + bytes([_PURPOSES.index(purpose)])
    return base64.urlsafe_b64encode(body + _mark(body, mac)).rstrip(b"=").decode()


def read_token(token: str, mac: Mac) -> tuple[ContactPointId, Purpose] | None:
    """Whose it is, and for what; None where we did not make it."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        return None
    body, mark = raw[:17], raw[17:]
    if len(raw) != 33 or not compare_digest(mark, _mark(body, mac)) or body[16] >= len(_PURPOSES):
        return None
    return ContactPointId(str(uuid.UUID(bytes=body[:16]))), _PURPOSES[body[16]]


def _mark(body: bytes, mac: Mac) -> bytes:
    return bytes.fromhex(mac("unsubscribe", body.hex()))[:16]
