"""Mail over SMTP. Plain smtplib, which gives way to others under eventlet."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

from services.notifications.channels.mail_message import Envelope, Unsendable, build, from_header
from services.notifications.channels.mail_replies import Stage, meaning
from services.notifications.messages import Accepted, Message, Permanent, Result, Transient, Unknown
from shared.runtime.clock import real_now

log = structlog.get_logger(__name__)

_IDLE_SECONDS = 30.0
"""A connection unused for longer is not trusted: servers hang up on idlers without a word."""
_LOGIN_RETRY = 300.0
_OK = 250
_CLOSING = 421
_SEND_DATA = 354
_STAGES: tuple[tuple[Stage, tuple[int, ...]], ...] = (
    ("sender", (250,)),
    ("recipient", (250, 251, 252)),
    ("data", (_SEND_DATA,)),
)
"""The commands before a mail, and the replies that let it go on (RFC 5321, 4.3.2)."""


@dataclass(frozen=True)
class MailOptions:
    """Which server, how to speak to it, and as whom."""

    sender: str  # the address in From, and where bounces go
    sender_name: str = "Notifications"  # neutral: it stands on lock screens beside every subject
    host: str = "127.0.0.1"
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None  # whom to trust instead of the system's authorities, for a relay of one's own
    timeout: float = 20.0  # seconds for each step of the conversation


_Reply = tuple[int, bytes]


def _refusal(replies: list[_Reply]) -> tuple[Stage, int, bytes] | None:
    """The first of the replies to the commands before a mail that does not let it go on."""
    told = zip(_STAGES, replies, strict=False)
    return next(((stage, code, text) for (stage, wanted), (code, text) in told if code not in wanted), None)


class _Lost(Exception):  # noqa: N818
    """The connection broke while nothing could have been taken yet."""


@dataclass
class _Line:
    """An open connection, and whether it carried a mail before."""

    smtp: smtplib.SMTP
    used_at: float
    reused: bool = False


class MailSender:
    """Implements :class:`services.notifications.messages.Sender`.

    Connections are kept and used again; each greenlet that sends at the same time has one of its own.
    """

    def __init__(self, options: MailOptions, now: Callable[[], datetime] = real_now) -> None:
        self._options = options
        self._from = from_header(options.sender_name, options.sender)
        self._now = now  # for the Date header
        self._idle: list[_Line] = []

    def send(self, message: Message) -> Result:
        """Transient or Permanent: the server has not got it. Unknown: the last dot went out and no answer came."""
        try:
            envelope = build(message, self._from, self._now())
        except Unsendable:
            return Permanent("invalid")
        fresh = False
        while True:  # twice at most
            try:
                line = self._connected() if fresh else self._take()
            except (OSError, smtplib.SMTPException) as error:
                return self._no_connection(error)
            try:
                return self._deliver(line, envelope, message.message_id)
            except _Lost:
                self._drop(line)
                if not line.reused:
                    return Transient("connection_lost")
                self.close()  # the others are as old
                fresh = True

    def find(self, message: Message) -> Result:
        """A mail server keeps no list that could be asked."""
        return Unknown("mail_cannot_tell")

    def close(self) -> None:
        """Hang up all idle connections."""
        while self._idle:
            self._drop(self._idle.pop())

    # -- the conversation ---------------------------------------------------------------------

    def _deliver(self, line: _Line, envelope: Envelope, message_id: str) -> Result:
        smtp = line.smtp
        if envelope.utf8 and not smtp.has_extn("smtputf8"):
            self._keep(line)
            return Permanent("invalid")
        refused = self._ask_leave(line, envelope)
        if refused is not None:
            return refused
        try:
            # One write: if it fails, its last bytes, the dot, never left.
            smtp.send(re.sub(rb"(?m)^\.", b"..", envelope.body) + b"\r\n.\r\n")
        except (OSError, smtplib.SMTPException) as error:
            raise _Lost from error
        try:
            code, text = smtp.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop(line)
            return Unknown("no_answer_after_data")
        if code == -1:
            self._drop(line)
            return Unknown("unreadable_answer_after_data")
        self._keep(line, closing=code == _CLOSING)
        return Accepted(message_id) if 200 <= code <= 299 else meaning(code, text, "end")

    def _ask_leave(self, line: _Line, envelope: Envelope) -> Result | None:
        """From MAIL to DATA. None where the server waits for the mail; else what its refusal means, the line made ready.

        In one write where the server takes commands in groups (RFC 2920): half the round trips of a mail.
        """
        smtp = line.smtp
        commands = [
            f"MAIL FROM:<{self._options.sender}>{' SMTPUTF8' if envelope.utf8 else ''}\r\n",
            f"RCPT TO:<{envelope.recipient}>\r\n",
            "DATA\r\n",
        ]
        replies: list[_Reply] = []
        try:
            for group in [commands] if smtp.has_extn("pipelining") else [[command] for command in commands]:
                smtp.send("".join(group).encode())
                for _ in group:
                    replies.append(smtp.getreply())  # noqa: PERF401 - a lost answer leaves those before it
                if _refusal(replies):
                    break
        except (OSError, smtplib.SMTPException) as error:
            if not _refusal(replies):
                raise _Lost from error
            replies.append((_CLOSING, b""))  # it said no, and hung up
        refused = _refusal(replies)
        if refused is None:
            return None
        stage, code, text = refused
        if code in (_CLOSING, -1) and line.reused:
            raise _Lost  # a server tired of this connection has said nothing about the mail
        # A server that waits for a mail without a reader gets not even a dot: the connection ends.
        over = replies[-1][0] == _SEND_DATA or any(each in (_CLOSING, -1) for each, _ in replies)
        self._reset(line, closing=over)
        return meaning(code, text, stage)

    def _reset(self, line: _Line, *, closing: bool) -> None:
        """After a refusal the connection is good for the next mail, or dropped."""
        try:
            closing = closing or line.smtp.rset()[0] != _OK
        except (OSError, smtplib.SMTPException):
            closing = True
        self._keep(line, closing=closing)

    # -- connections --------------------------------------------------------------------------

    def _take(self) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if time.monotonic() - line.used_at < _IDLE_SECONDS:
                line.reused = True
                return line
            self._drop(line)
        return self._connected()

    def _connected(self) -> _Line:
        return _Line(self._connect(), time.monotonic())

    def _keep(self, line: _Line, *, closing: bool = False) -> None:
        if closing:
            self._drop(line)
        else:
            line.used_at = time.monotonic()
            self._idle.append(line)

    def _connect(self) -> smtplib.SMTP:
        options = self._options
        name = options.sender.rpartition("@")[2]
        smtp: smtplib.SMTP
        if options.security == "tls":
            context = ssl.create_default_context(cafile=options.ca_file)
            smtp = smtplib.SMTP_SSL(options.host, options.port, name, timeout=options.timeout, context=context)
        else:
            smtp = smtplib.SMTP(options.host, options.port, name, timeout=options.timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if options.security == "starttls":
                smtp.starttls(context=ssl.create_default_context(cafile=options.ca_file))
                smtp.ehlo()
            if options.user:
                smtp.login(options.user, options.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _drop(self, line: _Line) -> None:
        try:
            if line.smtp.sock is not None:
                line.smtp.putcmd("QUIT")  # a courtesy: the answer is not waited for
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            line.smtp.close()

    def _no_connection(self, error: Exception) -> Transient:
        """Whatever is wrong here is not this notice's fault: it waits, until the operator has mended it."""
        if isinstance(error, smtplib.SMTPAuthenticationError):
            reason, wait = "login_refused", _LOGIN_RETRY
        elif isinstance(error, smtplib.SMTPNotSupportedError):
            reason, wait = "security_not_offered", _LOGIN_RETRY
        elif isinstance(error, ssl.SSLError):
            reason, wait = "certificate_refused", _LOGIN_RETRY
        else:
            reason, wait = "no_connection", 60.0
        log.warning("mail_server_unusable", reason=reason, error=type(error).__name__)
        return Transient(reason, wait)
