"""What may be an alias: how a person is called here, and nothing by which they could be reached or found."""

from __future__ import annotations

import re
import unicodedata

from shared.contracts.errors import Invalid

SHORTEST, LONGEST = 2, 40  # characters, after trimming

_ADDRESS = re.compile(r"\S\s*@\s*\S|\S\s*[\[(]\s*at\s*[\])]\s*\S|https?:|www\.", re.IGNORECASE)
_DIGITS_OF_A_NUMBER = 6
"""So many digits may be a number to ring; "Room 101" and "Sam 1984" are not."""


def checked_alias(text: str) -> str:
    """The alias, trimmed, in Unicode NFC. Raises Invalid (field ``alias``), which never repeats what was typed."""
    alias = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} for character in alias):
        raise Invalid(
            "This name holds a character that cannot be shown. Please type it with ordinary letters.", field="alias"
        )
    if not SHORTEST <= len(alias) <= LONGEST:
        raise Invalid("Please choose a name of 2 to 40 characters. It need not be your own.", field="alias")
    if _ADDRESS.search(unicodedata.normalize("NFKC", alias)):
        raise Invalid(
            "That looks like an email address. Others in the group see this name: choose a first name or a nickname.",
            field="alias",
        )
    if sum(character.isdigit() for character in alias) >= _DIGITS_OF_A_NUMBER:
        raise Invalid(
            "That looks like a phone number. Others in the group see this name: choose a first name or a nickname.",
            field="alias",
        )
    if not any(character.isalnum() for character in alias):
        raise Invalid("Please choose a name with at least one letter in it.", field="alias")
    return alias
