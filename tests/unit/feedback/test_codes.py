"""Codes as people type them, forms as data."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.model.codes import ALPHABET, new_code, plain
from services.feedback.model.forms import CURRENT, form
from services.feedback.model.windows import codes_allowed
from shared.contracts.feedback import Form


def _from(places):
    left = iter(places)
    return lambda _below: next(left)


codes = st.lists(st.integers(0, 31), min_size=11, max_size=11).map(lambda places: new_code(_from(places)))


@given(codes)
def test_a_code_is_read_however_it_is_typed(code) -> None:
    """Small letters, spaces, dashes of any kind, and the letters that look like digits."""
    bare = code.replace("-", "")
    assert len(bare) == 12
    for typed in (
        code,
        bare,
        code.lower(),
        f" {code} ",
        bare.replace("0", "O").replace("1", "l"),
        code.replace("-", "\u2013"),
    ):
        assert plain(typed) == bare


@given(codes, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code, place, letter) -> None:
    """So that the page can say "mistyped" and not "unknown"."""
    bare = code.replace("-", "")
    wrong = bare[:place] + letter + bare[place + 1 :]
    assert plain(wrong) == (bare if wrong == bare else None)


@given(codes, st.integers(0, 11), st.integers(0, 11))
def test_two_characters_that_changed_places_are_noticed(code, one, other) -> None:
    """Wherever they stand."""
    letters = list(code.replace("-", ""))
    letters[one], letters[other] = letters[other], letters[one]
    wrong, bare = "".join(letters), code.replace("-", "")
    assert plain(wrong) == (bare if wrong == bare else None)


@pytest.mark.parametrize("typed", ["", "7K2M", "7K2M-Q8ZT-0V4X-1", "UUUU-UUUU-UUUU", "ÄÖÜ4-5678-9ABC", "''; --"])
def test_what_is_no_code_is_none(typed) -> None:
    """Too short, too long, letters that no code has."""
    assert plain(typed) is None


def test_codes_are_random() -> None:
    """A thousand of them differ, in each place."""
    drawn = {new_code() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(len({code[place] for code in drawn}) == 32 for place in range(14) if place not in (4, 9))


def test_every_form_file_is_a_form_under_its_own_name() -> None:
    """Forms are data; a bad one must not wait for the first reader."""
    folder = resources.files("services.feedback") / "forms"
    names = [
        (language.name, file.name) for language in folder.iterdir() if language.is_dir() for file in language.iterdir()
    ]
    assert ("en", f"{CURRENT}.json") in names
    for language, name in names:
        found = form(name.removesuffix(".json"), language)
        assert isinstance(found, Form)
        assert f"{found.form_id}.json" == name
        assert all(question.text and len(question.labels) == 4 for question in found.questions)
        assert json.loads((folder / language / name).read_text("utf-8"))["source"]


def test_how_many_codes_may_be_drawn() -> None:
    """None where nobody was counted; else a fifth more, three at least."""
    assert [codes_allowed(members) for members in (0, 1, 10, 15, 40)] == [0, 4, 13, 18, 48]
