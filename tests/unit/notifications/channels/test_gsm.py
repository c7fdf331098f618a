"""How many parts a text costs, and where it may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.channels import gsm

GSM = st.text(alphabet=sorted(gsm.BASIC | gsm.EXTENSION), max_size=500)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" + "a" * 8, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the sign does not fit into what is left of the first part
        ("é" * 160, 1),
        ("ç" * 70, 1),  # Ç is in the alphabet, ç is not
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("\N{GRINNING FACE}" * 35, 1),
        ("\N{GRINNING FACE}" * 36, 2),
        ("\N{GRINNING FACE}" * 67, 3),  # 33 to a part: a pair is not cut
    ],
)
def test_a_text_costs_as_many_parts_as_the_standard_says(text: str, parts: int) -> None:
    """160 or 153 septets, 70 or 67 units."""
    assert gsm.parts(text) == parts


@given(st.text(max_size=500) | GSM)
def test_the_parts_together_are_the_text_and_each_can_be_read_alone(text: str) -> None:
    """No escape pair and no surrogate pair is cut, and no part is too long."""
    parts = gsm.split(text)
    assert "".join(parts) == text
    whole, each = (160, 153) if gsm.is_gsm(text) else (70, 67)
    limit = whole if len(parts) == 1 else each
    width = gsm._width_gsm if gsm.is_gsm(text) else gsm._width_ucs2
    assert all(sum(map(width, part)) <= limit for part in parts)
    if len(parts) > 1:
        assert all(parts)


@given(st.text(max_size=200))
def test_plain_never_costs_more(text: str) -> None:
    """What is written plainer fits into no more parts than before, or is left as it was."""
    simpler = gsm.plain(text)
    assert simpler == text or gsm.is_gsm(simpler)
    if simpler != text and len(simpler) <= len(text):
        assert gsm.parts(simpler) <= gsm.parts(text)


def test_typography_and_accents_give_way_but_no_letter_is_lost() -> None:
    """One curly apostrophe would halve the room; a name in another script stays as it is."""
    assert gsm.plain("Don\u2019t \u201cgo\u201d \u2013 Peñasco, Málaga\u2026") == 'Don\'t "go" - Peñasco, Malaga...'
    assert gsm.plain("Дом, 12") == "Дом, 12"
