"""Mail to a relay that asks for TLS and a password."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifications.channels.mail import MailOptions, MailSender
from services.notifications.messages import Accepted, Message, Result, Transient, Worded
from shared.contracts.base import Channel

UNDER_EVENTLET = """
import sys, warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from services.notifications.channels.mail import MailOptions, MailSender
from services.notifications.messages import Message, Worded
from shared.contracts.base import Channel

options = MailOptions(
    sender="hello@example.org", port=int(sys.argv[1]), security="starttls", user="us", password="secret",
    ca_file=sys.argv[2], timeout=3.0,
)
sender = MailSender(options)
for _ in range(2):
    print(sender.send(Message("n", Channel.EMAIL, "a@example.org", Worded("x", "x"), message_id="n@example.org")))
sender.close()
"""


class Relay:
    """Takes mail over TLS from one user; counts what arrives."""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert session.ssl is not None
        self.taken += 1
        return "250 2.0.0 taken"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "relay.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def _relay(certificate: Path) -> Iterator[tuple[int, Relay]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"us", b"secret")
        return AuthResult(success=right, handled=False)

    relay = Relay()
    controller = Controller(
        relay,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    try:
        yield port, relay
    finally:
        controller.stop()


def _send(port: int, password: str, ca_file: Path | None) -> Result:
    options = MailOptions(
        sender="hello@example.org",
        port=port,
        security="starttls",
        user="us",
        password=password,
        ca_file=str(ca_file) if ca_file else None,
        timeout=3.0,
    )
    sender = MailSender(options)
    try:
        words = Worded(text="x\n", subject="x")
        return sender.send(Message("n", Channel.EMAIL, "a@example.org", words, message_id="n@example.org"))
    finally:
        sender.close()


def test_a_relay_is_spoken_to_over_tls_with_a_password(certificate: Path) -> None:
    """As most providers ask."""
    with _relay(certificate) as (port, relay):
        assert _send(port, "secret", certificate) == Accepted("n@example.org")
        assert relay.taken == 1


def test_a_wrong_password_makes_mail_wait_for_the_operator(certificate: Path) -> None:
    """It is not the notice's fault: nothing is refused for good."""
    with _relay(certificate) as (port, relay):
        assert _send(port, "wrong", certificate) == Transient("login_refused", 300.0)
        assert relay.taken == 0


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certificate: Path) -> None:
    """Nor the password."""
    with _relay(certificate) as (port, relay):
        assert _send(port, "secret", None) == Transient("certificate_refused", 300.0)
        assert relay.taken == 0


def test_tls_works_in_a_process_that_eventlet_has_patched(certificate: Path) -> None:
    """As the service runs; the second mail goes over the same connection."""
    with _relay(certificate) as (port, relay):
        command = [sys.executable, "-c", UNDER_EVENTLET, str(port), str(certificate)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.count("Accepted") == 2, done.stderr
        assert relay.taken == 2
