"""A language is a folder of templates. One that lacks a file borrows the English one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.core import UnknownLocaleError
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.wording.caution import Caution

TEMPLATES = Path(__file__).parent.parent / "templates"
FALLBACK = "en"


def known_languages() -> tuple[str, ...]:
    """The languages that have a folder."""
    return tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir()))


class Language:
    """One language's templates, date patterns and telling words."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self.code = locale.language
        self.direction = locale.text_direction
        self._folders = [TEMPLATES / locale.language, TEMPLATES / FALLBACK]
        self._environment = Environment(
            loader=FileSystemLoader([*self._folders, TEMPLATES]),
            undefined=StrictUndefined,
            autoescape=select_autoescape(enabled_extensions=("html",), default=False),  # the rest is plain text
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.patterns: dict[str, str] = json.loads(self._read("patterns.json"))
        # A street in any language may be named in English too.
        lists = [folder / "telling.txt" for folder in self._folders]
        self.caution = Caution(word for file in lists if file.exists() for word in file.read_text("utf-8").split())

    def _read(self, name: str) -> str:
        return next(folder / name for folder in self._folders if (folder / name).exists()).read_text("utf-8")

    def block(self, template: str, block: str, facts: Mapping[str, object]) -> str:
        """One block of a template, filled in. A fact that is missing raises jinja2.UndefinedError."""
        found = self._environment.get_template(template)
        return "".join(found.blocks[block](found.new_context(dict(facts))))

    def page(self, template: str, facts: Mapping[str, object]) -> str:
        """A whole template, filled in; in .html everything is escaped."""
        return self._environment.get_template(template).render(facts)


@lru_cache(maxsize=64)
def language(locale: str) -> Language:
    """The language of a locale such as ``en``, ``en-CA`` or ``es_US``; English where we have no folder for it."""
    try:
        parsed = Locale.parse(locale.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        parsed = Locale(FALLBACK)
    return Language(parsed if parsed.language in known_languages() else Locale(FALLBACK))
