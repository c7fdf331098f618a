"""kombu's way to a broker whose address asks for TLS; aio-pika reads the same address by itself."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from kombu import Connection

_KOMBU = {"cafile": "ca_certs", "certfile": "certfile", "keyfile": "keyfile"}


def connection_to(url: str, **options: Any) -> Connection:
    """A kombu connection to this address, not yet opened."""
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        return Connection(url, **options)
    named = {_KOMBU[name]: value for name, value in parse_qsl(parts.query) if name in _KOMBU}
    rest = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name not in _KOMBU])
    plain = urlunsplit(("amqp", parts.netloc, parts.path, rest, ""))
    # Without a name any would do; and kombu calls localhost by its number, which is not what a certificate says.
    tls = {**named, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname or "localhost"}
    return Connection(plain, ssl=tls, **options)
