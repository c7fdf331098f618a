"""A mail as bytes, ready for DATA (RFC 5322, 2045 to 2047, 6047, 8058).

Filled in by hand: ``email.message.EmailMessage`` takes longer to build than the server takes to accept. What that
class guards against is guarded here: no value with a control character reaches a header, every line ends in
CRLF (a bare CR or LF is how one mail smuggles in another), and whatever is not ASCII is encoded.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from urllib.parse import urlsplit

import idna

from services.notifications.messages import Calendar, Message

ATTACHMENT = "invite.ics"
_ADDRESS = re.compile(r'[^\s<>()\[\],;:"\\@]+@[^\s<>()\[\],;:"\\@]+')
_MESSAGE_ID = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")
_LONGEST_LINE = 998  # RFC 5321, 4.5.3.1.6
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Unsendable(ValueError):  # noqa: N818 - it says what the message is
    """The message cannot be put into a mail; says which part, never its value."""


@dataclass(frozen=True)
class Envelope:
    """Who it goes to, and the bytes. ``utf8``: the address needs a server with SMTPUTF8 (RFC 6531)."""

    recipient: str
    body: bytes
    utf8: bool


def from_header(name: str, address: str) -> str:
    """The From header's value; the name is encoded where it needs to be."""
    _address(address, "sender")
    return formataddr((_clean(name, "sender name"), address))


def build(message: Message, sender: str, now: datetime) -> Envelope:
    """``sender`` is from :func:`from_header`. Raises Unsendable."""
    recipient = _address(message.to, "address")
    headers = [
        f"From: {sender}",
        f"To: {recipient}",
        f"Subject: {_subject(message.words.subject or '')}",
        f"Date: {format_datetime(now.astimezone(UTC))}",
        f"Message-ID: <{_message_id(message.message_id)}>",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",  # RFC 3834: no out-of-office answers
        *_unsubscribe(message.unsubscribe_url),
    ]
    content = "\r\n".join((*headers, _content(message))).encode()
    return Envelope(recipient, content, utf8=not recipient.isascii())


def _content(message: Message) -> str:
    """Plainest first, as RFC 2046, 5.1.4 asks. The invitation comes twice: for readers that act on the part within
    the alternatives (Gmail, Outlook), and as a file for those that show attachments only (Apple's on a phone).
    """
    parts = [_text("plain", message.words.text)]
    if message.words.html is not None:
        parts.append(_text("html", message.words.html))
    if message.calendar is None:
        return _multipart("alternative", parts) if len(parts) > 1 else parts[0]
    parts.append(_part(f"text/calendar; charset=utf-8; method={message.calendar.method}", message.calendar.body))
    return _multipart("mixed", [_multipart("alternative", parts), _attachment(message.calendar)])


def _multipart(kind: str, parts: list[str]) -> str:
    boundary = f"=_{secrets.token_hex(16)}"  # "=_" stands in no quoted-printable text
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{body}--{boundary}--\r\n'


def _text(kind: str, text: str) -> str:
    return _part(f"text/{kind}; charset=utf-8", text)


def _part(content_type: str, text: str) -> str:
    lines = re.split(r"\r\n|\r|\n", text)
    body = "\r\n".join(lines)
    if body.isascii() and "\0" not in body and max(map(len, lines)) <= _LONGEST_LINE:
        encoding = "7bit"
    else:
        encoding = "quoted-printable"
        body = binascii.b2a_qp(body.encode(), istext=True).decode("ascii")
        body = re.sub(r"\r?\n", "\r\n", body)  # its soft line breaks are bare where the text had no line end of its own
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"


def _attachment(calendar: Calendar) -> str:
    body = base64.encodebytes(calendar.body.encode()).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: application/ics; name="{ATTACHMENT}"\r\n'
        f'Content-Disposition: attachment; filename="{ATTACHMENT}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{body}"
    )


def _unsubscribe(url: str | None) -> tuple[str, ...]:
    """RFC 8058. One-click is promised for https only (or a development machine's own loopback)."""
    if not url:
        return ()
    if not url.isascii() or re.search(r"[\s<>,\x00-\x1f\x7f]", url):
        raise Unsendable("the unsubscribe link is not a URL that fits a header")
    split = urlsplit(url)
    header = f"List-Unsubscribe: <{url}>"
    if split.scheme == "https" or split.hostname in _LOOPBACK:
        return (header, "List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return (header,)


def _subject(text: str) -> str:
    clean = _clean(text, "subject")
    if clean.isascii() and len(clean) < 66 and "=?" not in clean:
        return clean
    charset = "us-ascii" if clean.isascii() and "=?" not in clean else "utf-8"
    return Header(clean, charset, header_name="Subject").encode(linesep="\r\n")


def _message_id(text: str) -> str:
    if not _MESSAGE_ID.fullmatch(text):
        raise Unsendable("the Message-ID is not of the form left@right")
    return text


def _address(text: str, what: str) -> str:
    if not _ADDRESS.fullmatch(text) or not text.isprintable():
        raise Unsendable(f"the {what} is not an address that a mail server takes")
    local, _, domain = text.rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise Unsendable(f"the {what} has a domain that cannot exist") from error


def _clean(text: str, what: str) -> str:
    if not text.isprintable():
        raise Unsendable(f"the {what} has a line break or a control character")
    return text
