"""The mail server: SMTP on loopback, without TLS or sign-in (RFC 5321; PLAIN and LOGIN are taken with any password)."""

from __future__ import annotations

import asyncio
import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from services.local.ports import LOOPBACK
from services.local.sink.faults import Fault, Faults
from services.local.sink.log import Arrivals, Record


def read_mail(content: bytes) -> Record:
    """What the log keeps of a mail's content: its headers, texts and invitation."""
    message = message_from_bytes(content, policy=policy.default)
    parts: Record = {"text": None, "html": None, "ics": None, "ics_method": None}
    for part in message.walk():
        kind = part.get_content_type()
        key = {"text/plain": "text", "text/html": "html", "text/calendar": "ics"}.get(kind)
        if key and parts[key] is None:
            parts[key] = part.get_content()
            if key == "ics":
                method = part.get_param("method")
                parts["ics_method"] = method if isinstance(method, str) else None
    if isinstance(parts["ics"], bytes):
        parts["ics"] = parts["ics"].decode(errors="replace")
    return {
        "message_id": _header(message, "Message-ID"),
        "subject": _header(message, "Subject"),
        "header_from": _header(message, "From"),
        **parts,
        "headers": [[name, str(value)] for name, value in message.items()],
        "size": len(content),
    }


def _header(message: EmailMessage, name: str) -> str | None:
    value = message.get(name)
    return None if value is None else str(value).strip()


class Mailbox:
    """Takes every mail to anyone, unless a fault says otherwise (aiosmtpd's handler hooks)."""

    def __init__(self, arrivals: Arrivals, faults: Faults) -> None:
        self._arrivals = arrivals
        self._faults = faults

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Say what is offered: commands in groups too (RFC 2920), as every large server does."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        if refusal := self.refusal("mail", None):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        if "@" not in address:
            return "550 5.1.3 an address has the form name@domain"
        if refusal := self.refusal("rcpt", address):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    def dies_in_data(self, envelope: Envelope | None) -> bool:
        """Whether the server is to die while this mail is being sent."""
        to = envelope.rcpt_tos[0] if envelope and envelope.rcpt_tos else None
        return to is not None and self._faults.take("mail", to, "die_in_data") is not None

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer the mail itself; it is in the log before the answer says so."""
        first = envelope.rcpt_tos[0]
        if fault := self._faults.take("mail", first, "stall"):
            await asyncio.sleep(fault.seconds)
        if self._faults.take("mail", first, "die"):
            return self._cut(server)
        if refusal := self.refusal("data", first):
            return refusal
        try:
            mail = self._keep(envelope)
        except OSError:
            return "452 4.3.1 the sink's disk is full"
        if fault := self._faults.take("mail", first, "late"):
            await asyncio.sleep(fault.seconds)
        if self._faults.take("mail", first, "die_after"):
            return self._cut(server)
        return f"250 2.0.0 OK {mail}"

    def _keep(self, envelope: Envelope) -> str:
        content = cast(bytes, envelope.original_content)
        mail, fields = uuid.uuid4().hex, read_mail(content)
        for number, to in enumerate(envelope.rcpt_tos):
            record = f"{mail}-{number}" if number else mail
            self._arrivals.add("mail", id=record, mail=mail, to=to, sender=envelope.mail_from, **fields)
        return mail

    def refusal(self, at: str, to: str | None) -> str | None:
        """The refusal that was ordered for this step and recipient, if any."""
        fault: Fault | None = self._faults.mail
        if fault is None or fault.mode != "refuse" or fault.at != at:
            return None
        fault = self._faults.take("mail", to, "refuse")
        return f"{fault.code or 451} {fault.text or '4.3.0 a fault that was ordered'}" if fault else None

    @staticmethod
    def _cut(server: SMTP) -> str:
        cast(asyncio.Transport, server.transport).abort()
        return "421 4.3.2 cut"


class _Server(SMTP):
    """With its own name in the banner, and a refusal at the door where one is ordered."""

    def __init__(self, mailbox: Mailbox, **options: Any) -> None:
        super().__init__(mailbox, **options)
        self._mailbox = mailbox

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take the mail, or die once its first bytes are on their way."""
        if not self._mailbox.dies_in_data(self.envelope):
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        await self._reader.read(1)
        cast(asyncio.Transport, self.transport).abort()

    async def _handle_client(self) -> None:
        refusal = self._mailbox.refusal("connect", None)
        if refusal:
            await self.push(refusal)
            cast(asyncio.Transport, self.transport).close()
            return
        await super()._handle_client()


async def listen(arrivals: Arrivals, faults: Faults, port: int) -> asyncio.Server:
    """Listen for SMTP on this loopback port, in the running loop."""
    mailbox = Mailbox(arrivals, faults)

    def anyone(*_arguments: object) -> AuthResult:
        return AuthResult(success=True)

    def connection() -> SMTP:
        return _Server(
            mailbox,
            hostname="sink.localhost",
            ident="Chapterhouse development sink",
            enable_SMTPUTF8=True,
            decode_data=False,
            data_size_limit=20 * 1024 * 1024,
            timeout=900,
            authenticator=anyone,
            auth_require_tls=False,
        )

    return await asyncio.get_running_loop().create_server(connection, LOOPBACK, port)
