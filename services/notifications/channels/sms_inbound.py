"""What the provider calls us back with: a text that somebody sent, or the fate of one of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit
from xml.sax.saxutils import escape

from services.notifications.channels import sms_codes
from services.notifications.messages import Accepted, Inbound, Receipt

Form = Sequence[tuple[str, str]]
"""Name and value pairs, in any order; a name may come more than once."""

RANKS = {
    "accepted": 10,
    "scheduled": 10,
    "queued": 20,
    "sending": 30,
    "sent": 40,
    "canceled": 50,
    "failed": 50,
    "undelivered": 50,
    "partially_delivered": 55,
    "delivered": 60,
    "read": 70,
}
"""How far each status is. ``delivered`` outranks a failure: carriers correct themselves that way, not the other."""

_PORTS = {"https": 443, "http": 80}


class Unreadable(ValueError):  # noqa: N818
    """The form lacks a field that every call-back has; says which."""


def signature(token: str, url: str, form: Form) -> str:
    """``X-Twilio-Signature``: base64 of HMAC-SHA1 over the URL and the sorted names, each with its sorted values."""
    values: dict[str, set[str]] = {}
    for name, value in form:
        values.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


def signed(token: str, url: str, form: Form, claimed: str) -> bool:
    """Whether the provider signed this call. ``url`` is the public one, as the provider called it.

    The provider is not consistent about ports, so the URL is tried as it is, without and with one. Without a
    token nothing is believed.
    """
    if not token or not claimed.isascii():
        return False
    # No short cut at the first that fits: the time taken tells nothing.
    return any([hmac.compare_digest(signature(token, each, form), claimed) for each in _with_and_without_port(url)])  # noqa: C419


def _with_and_without_port(url: str) -> list[str]:
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return [url]
    if port is not None:
        bare = split.netloc.rpartition(":")[0]
        return [url, _at(split, bare)]
    standard = _PORTS.get(split.scheme)
    return [url, _at(split, f"{split.netloc}:{standard}")] if standard else [url]


def _at(split: SplitResult, netloc: str) -> str:
    return split._replace(netloc=netloc).geturl()


def read(form: Form) -> Inbound | Receipt:
    """An inbound text or a delivery report. Unknown fields are ignored: the provider adds some without notice.

    Raises Unreadable.
    """
    fields = dict(reversed(form))  # the first of each name
    sid = fields.get("MessageSid") or fields.get("SmsSid")
    if not sid:
        raise Unreadable("the call-back has no MessageSid")
    status = (fields.get("MessageStatus") or fields.get("SmsStatus") or "").lower()
    if "Body" in fields and status in ("", "received", "receiving"):
        sender = fields.get("From", "")
        if not sender:
            raise Unreadable("the inbound text has no From")
        return Inbound(sender, fields["Body"], sid, (fields.get("OptOutType") or "").upper() or None)
    if not status:
        raise Unreadable("the call-back has neither Body nor MessageStatus")
    return _receipt(sid, status, fields.get("ErrorCode", ""))


def _receipt(sid: str, status: str, code: str) -> Receipt:
    rank = RANKS.get(status, 0)  # a status we do not know moves nothing
    if status in ("delivered", "read", "partially_delivered"):
        return Receipt(sid, status, rank, Accepted(sid))
    if status in ("failed", "undelivered", "canceled"):
        return Receipt(sid, status, rank, sms_codes.meaning(int(code) if code.isdigit() and int(code) else None))
    return Receipt(sid, status, rank)


def twiml(text: str | None) -> str:
    """The answer to an inbound text: one message, or none."""
    inside = "".join(c for c in text or "" if c.isprintable() or c == "\n")  # what XML 1.0 cannot hold
    message = f"<Message>{escape(inside)}</Message>" if inside else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'
