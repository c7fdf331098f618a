"""What may be an alias."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.model.alias import checked_alias
from shared.contracts.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "alias"),
    [
        ("Ana", "Ana"),
        ("  Sam   T ", "Sam T"),
        ("Zoë", "Zoë"),
        ("Łukasz", "Łukasz"),
        ("مريم", "مريم"),
        ("小林", "小林"),
        ("Sam 1984", "Sam 1984"),
        ("O'Neil", "O'Neil"),
        ("J", None),
        ("", None),
        ("  ", None),
        ("x" * 41, None),
        ("--", None),
        ("A\u202ena", None),
        ("A\x00na", None),
    ],
)
def test_an_alias_has_2_to_40_characters_that_can_be_read(typed: str, alias: str | None) -> None:
    """Any script; spaces are trimmed; nothing that turns the writing round or cannot be seen."""
    if alias is None:
        with pytest.raises(Invalid) as refusal:
            checked_alias(typed)
        assert refusal.value.field == "alias"
    else:
        assert checked_alias(typed) == alias


@pytest.mark.parametrize(
    "typed",
    [
        "ana@example.org",
        "ana @ example",
        "ana\uff20example.org",
        "ana (at) example.org",
        "ana[at]example",
        "https://a.example",
        "www.example.org",
        "+44 20 7946 0958",
        "555-0199 ana",
        "(206) 555-0100",
        "٠٢٠٧٩٤٦٠",
    ],
)
def test_an_address_or_a_number_is_no_alias_and_is_not_repeated(typed: str) -> None:
    """Others see the alias: by it nobody may be reached. The refusal does not hold what was typed."""
    with pytest.raises(Invalid, match="looks like") as refusal:
        checked_alias(typed)
    assert refusal.value.field == "alias"
    assert typed not in refusal.value.message


@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_alias_or_refused_by_its_field(typed: str) -> None:
    """Nothing else can come of it, and an accepted alias is accepted again."""
    try:
        alias = checked_alias(typed)
    except Invalid as refusal:
        refused = refusal
    else:
        assert checked_alias(alias) == alias
        assert 2 <= len(alias) <= 40
        return
    assert refused.field == "alias"
