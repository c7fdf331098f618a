"""Sealed columns: AES-256-GCM with a key per member, wrapped by a key that lies outside data folder and backup.

To forget a member is to destroy their key. The associated data binds a value to its place, so that a value
copied to another row does not open.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from sqlalchemy import Connection, bindparam, delete, select

from shared.storage.core import member_keys
from shared.storage.engine import upsert

_KEYS = select(member_keys.c.member_id, member_keys.c.wrapped).where(
    member_keys.c.member_id.in_(bindparam("these", expanding=True))
)


class Forgotten(Exception):  # noqa: N818
    """The key of this member was destroyed; the value cannot be read any more."""


class Vault:
    """Seals and opens columns of one database. Keys are cached for the life of the vault (one unit of work)."""

    def __init__(self, connection: Connection, kek: bytes) -> None:
        self._connection = connection
        self._kek = kek
        self._keys: dict[str, bytes] = {}

    def seal(self, owner: str, place: str, value: str) -> bytes:
        """Seal a value of this owner (a member, contact point, guest or room id) for this place (``table.column.row``)."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self._key(owner, make=True)).encrypt(nonce, value.encode(), place.encode())

    def open(self, owner: str, place: str, sealed: bytes) -> str:
        """Open a sealed value. Raises Forgotten when the owner's key is gone, ValueError when it was moved or changed."""
        try:
            return AESGCM(self._key(owner, make=False)).decrypt(sealed[:12], sealed[12:], place.encode()).decode()
        except InvalidTag as error:
            raise ValueError(f"the sealed value at {place} does not belong there") from error

    def fetch(self, owners: Collection[str]) -> None:
        """Read the keys of these owners at once, where many are about to be opened."""
        rows = self._connection.execute(_KEYS, {"these": list(owners)})
        self._keys |= {row.member_id: aes_key_unwrap(self._kek, row.wrapped) for row in rows}

    def forget(self, owner: str) -> None:
        """Destroy the owner's key: nothing sealed with it opens again."""
        self._connection.execute(delete(member_keys).where(member_keys.c.member_id == owner))
        self._keys.pop(owner, None)

    def lose_cached(self) -> None:
        """A savepoint was undone, and perhaps the making of a key with it: read keys anew."""
        self._keys.clear()

    def _key(self, owner: str, *, make: bool) -> bytes:
        if owner in self._keys:
            return self._keys[owner]
        wrapped = self._connection.scalar(select(member_keys.c.wrapped).where(member_keys.c.member_id == owner))
        if wrapped is not None:
            key = aes_key_unwrap(self._kek, wrapped)
        elif make:
            key = self._make(owner)
        else:
            raise Forgotten(owner)
        self._keys[owner] = key
        return key

    def _make(self, owner: str) -> bytes:
        """A new key, unless another transaction makes one at this moment: then that one, after its commit."""
        key = AESGCM.generate_key(256)
        made = self._connection.execute(
            upsert(self._connection, member_keys)
            .values(member_id=owner, wrapped=aes_key_wrap(self._kek, key))
            .on_conflict_do_nothing(index_elements=[member_keys.c.member_id])
        )
        return key if made.rowcount else self._key(owner, make=False)
