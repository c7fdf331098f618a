"""A planted text is found in whatever form a program may have left it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from services.local.books.disguises import Hunt
from services.local.books.where import Unreadable

DISGUISES: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "lower case": lambda text: text.lower().encode(),
    "upper case": lambda text: text.upper().encode(),
    "with underscores": lambda text: text.replace(" ", "_").encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16, big end first": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "hex, upper case": lambda text: text.encode().hex().upper().encode(),
    "in an address": lambda text: quote(text).encode(),
    "in a form": lambda text: quote_plus(text).encode(),
    "in JSON": lambda text: json.dumps(text).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 in the middle": lambda text: base64.b64encode(b'{"alias": "' + text.encode() + b'"}'),
    "base64, one further": lambda text: base64.b64encode(b'{"alias":  "' + text.encode() + b'"}'),
    "base64, two further": lambda text: base64.b64encode(b'{"alias":   "' + text.encode() + b'"}'),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"??>" + text.lower().encode() + b"??>"),
    "a hash without a key": lambda text: hashlib.sha256(text.encode()).hexdigest().encode(),
    "a hash of lower case": lambda text: hashlib.sha256(text.lower().encode()).digest(),
    "md5": lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().encode(),
}


@pytest.mark.parametrize("text", ["Heliotrope Redshank", "wood.warbler.07@mail.example", "+13125550177", "Zoë Ødegård"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_text_is_found_in_every_disguise(text: str, disguise: str) -> None:
    """As it is, otherwise written, encoded at any offset, or hashed without a key; and only then."""
    hunt = Hunt(["another one entirely", text])
    around = b"\x00\x01SQLite format 3 %d \xff" % 7
    assert hunt.found(around + DISGUISES[disguise](text) + around) == {1}
    assert hunt.found(around + DISGUISES[disguise]("Somebody Else") + around) == set()


@pytest.mark.parametrize("written", ["3125550177", "(312) 555-0177", "312-555-0177", "312.555.0177", "1 312 555 0177"])
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    """E.164, national, with dots, dashes or blanks."""
    assert Hunt(["+13125550177"]).found(f"call {written} now".encode()) == {0}


def test_a_name_that_stands_everywhere_by_chance_cannot_be_planted() -> None:
    """Else the books would be red for nothing, or silent for nothing."""
    with pytest.raises(Unreadable, match="plant one"):
        Hunt(["Ana"])
