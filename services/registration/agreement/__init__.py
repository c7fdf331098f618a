"""The confidentiality agreement: one file a version and language, ``<language>/<version>.toml``.

A published version is never edited: members accepted those words. A change of meaning is the next number, and
everyone is asked again before their next new seat. English holds every version; another language holds those
that have been translated, and the English words are shown for the rest.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from shared.contracts.registration import AgreementText

FIRST_LANGUAGE = "en"


class Agreements:
    """Every version there is, read once when the process starts."""

    def __init__(self, folder: Path) -> None:
        self._texts = {(file.parent.name, int(file.stem)): _read(file) for file in sorted(folder.glob("*/*.toml"))}
        self.current = max(version for language, version in self._texts if language == FIRST_LANGUAGE)

    def text(self, locale: str) -> AgreementText:
        """The version in force, in this language (BCP 47) where there is one, else in English."""
        for language in (locale, locale.split("-", maxsplit=1)[0], FIRST_LANGUAGE):
            found = self._texts.get((language, self.current))
            if found is not None:
                return found
        raise LookupError("the English text of the current agreement is missing")


def _read(file: Path) -> AgreementText:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return AgreementText(
        version=int(file.stem),
        title=content["title"],
        paragraphs=tuple(" ".join(paragraph.split()) for paragraph in content["paragraphs"]),
    )


def published() -> Agreements:
    """The agreements that stand in this folder."""
    return Agreements(Path(__file__).parent)
