"""The keys of a network: who signs requests, who can open what was sealed to whom, what wraps the members' keys.

They lie outside data folder and backup. A principal is a service (``meetings`` …), a gateway (``admin``,
``portal``) or ``operator``, the command line. Each has a signing pair (Ed25519), a sealing pair (X25519) and
a key-wrapping key (AES-256). ``<folder>/public/<name>.json`` is for everyone, ``<folder>/secret/<name>.json``
for that process alone (mode 600).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import SupportsBytes

from nacl.exceptions import BadSignatureError, CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

from shared.contracts.base import Sealed

PRINCIPALS = ("meetings", "registration", "notifications", "feedback", "admin", "portal", "operator")


class KeysMissing(Exception):  # noqa: N818 - told to the operator as a sentence
    """A key file is missing; the message says which, and the command that makes it."""


class CannotOpen(Exception):  # noqa: N818
    """What was sealed was not sealed to this principal, or was tampered with."""


@dataclass(frozen=True)
class KeyRing:
    """One principal's secrets and everyone's public keys."""

    name: str
    signing: SigningKey
    sealing: PrivateKey
    kek: bytes = field(repr=False)
    verifying: dict[str, VerifyKey]
    boxes: dict[str, PublicKey]

    def sign(self, body: bytes) -> bytes:
        """An Ed25519 signature of 64 bytes."""
        return self.signing.sign(body).signature

    def verify(self, signer: str, body: bytes, signature: bytes) -> bool:
        """Whether this principal signed this body."""
        key = self.verifying.get(signer)
        if key is None:
            return False
        try:
            key.verify(body, signature)
        except (BadSignatureError, ValueError, TypeError):
            return False
        return True

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text so that only this principal opens it."""
        return Sealed(base64.b64encode(SealedBox(self.boxes[name]).encrypt(text.encode())).decode())

    def unseal(self, sealed: Sealed) -> str:
        """Open what was sealed to this principal. Raises CannotOpen."""
        try:
            return SealedBox(self.sealing).decrypt(base64.b64decode(sealed, validate=True)).decode()
        except (CryptoError, ValueError, TypeError) as error:
            raise CannotOpen("not sealed to this service") from error

    def keyed_hash(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 under a key of this principal's own for this purpose, in hex: a lookup that tells nothing."""
        key = hmac.digest(self.kek, f"lookup:{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _encode(raw: SupportsBytes) -> str:
    return base64.b64encode(bytes(raw)).decode()


def _write(path: Path, content: dict[str, str], mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        json.dump(content, file)


def make_keys(folder: Path) -> list[str]:
    """Make the keys that are missing; an existing key is never touched. Returns the principals that got new ones."""
    made = []
    for name in PRINCIPALS:
        if (folder / "secret" / f"{name}.json").exists():
            continue
        signing, sealing = SigningKey.generate(), PrivateKey.generate()
        _write(
            folder / "secret" / f"{name}.json",
            {"signing": _encode(signing), "sealing": _encode(sealing), "kek": _encode(os.urandom(32))},
            0o600,
        )
        (folder / "public" / f"{name}.json").unlink(missing_ok=True)
        _write(
            folder / "public" / f"{name}.json",
            {"verifying": _encode(signing.verify_key), "box": _encode(sealing.public_key)},
            0o644,
        )
        made.append(name)
    return made


def load_keys(folder: Path, name: str) -> KeyRing:
    """This principal's ring. Raises KeysMissing."""
    try:
        secret = json.loads((folder / "secret" / f"{name}.json").read_text())
        public = {file.stem: json.loads(file.read_text()) for file in sorted((folder / "public").glob("*.json"))}
    except FileNotFoundError as error:
        raise KeysMissing(
            f"no key file {error.filename}; make the keys with `chapterhouse keys make` (CHAPTERHOUSE_KEYS is {folder})"
        ) from error
    decode = base64.b64decode
    return KeyRing(
        name=name,
        signing=SigningKey(decode(secret["signing"])),
        sealing=PrivateKey(decode(secret["sealing"])),
        kek=decode(secret["kek"]),
        verifying={who: VerifyKey(decode(keys["verifying"])) for who, keys in public.items()},
        boxes={who: PublicKey(decode(keys["box"])) for who, keys in public.items()},
    )
