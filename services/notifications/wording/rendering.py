"""Notices in words: a text and an HTML form of a mail, or a short text message."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from services.notifications.channels import gsm
from services.notifications.messages import Calendar, Facts, Worded
from services.notifications.wording import invitations
from services.notifications.wording.languages import Language, language
from services.notifications.wording.saying import common, one_line, sayable, secret
from shared.contracts.base import Channel
from shared.contracts.notifications import Discretion, NoticeKind
from shared.runtime.clock import Clock, SystemClock

CARRIES_A_CODE = frozenset({NoticeKind.CODE, NoticeKind.FEEDBACK_ASK})
"""Kinds that say their code at every level: it is kept nowhere where it could be looked up instead."""

_URL = re.compile(r"https?://\S+")
_ANYONES = f"https://{secrets.token_hex(16)}.invalid"
"""Stands for the reader's own link in words that are kept for all. No name that somebody typed in can be it."""


@dataclass(frozen=True)
class Piece:
    """A run of text, or one of our links."""

    text: str
    url: bool = False


class Wordings:
    """Implements :class:`services.notifications.messages.Wording` from the templates. Keeps nothing of a person, and no secret."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()  # for a calendar object's DTSTAMP

    def words(self, kind: NoticeKind, channel: Channel, level: Discretion, locale: str, facts: Facts) -> Worded:
        """The notice in words. ``discreet`` and ``silent`` say nothing of what the network, group or chapter is."""
        tongue = language(locale)
        if channel is Channel.SMS:
            return Worded(
                text=_shortest_fit(tongue.block(_template(kind, level), "sms", sayable(facts, level, tongue)))
            )
        if secret(facts):
            return _mail(kind, level, tongue, facts, "")
        same, clock = common(facts)
        url = one_line(facts.unsubscribe_url)
        if url is None:
            return _kept_mail(kind, level, tongue, same, clock)
        words = _kept_mail(kind, level, tongue, replace(same, unsubscribe_url=_ANYONES), clock)
        html = words.html.replace(_ANYONES, escape(url)) if words.html else None
        return Worded(subject=words.subject, text=words.text.replace(_ANYONES, url), html=html)

    def calendar(
        self, kind: NoticeKind, level: Discretion, locale: str, facts: Facts, *, organizer: str, attendee: str
    ) -> Calendar | None:
        """The invitation that enters, updates or takes out this member's meeting; None for other kinds."""
        method = invitations.METHODS.get(kind)
        if method is None or facts.starts is None:
            return None
        return invitations.calendar(
            method, level, language(locale), facts, organizer=organizer, attendee=attendee, now=self._clock.now()
        )

    def calendar_file(self, level: Discretion, locale: str, facts: Facts) -> str:
        """The same entry as a file to download: METHOD PUBLISH, with nobody named in it."""
        return invitations.published(level, language(locale), facts, now=self._clock.now())


def _mail(kind: NoticeKind, level: Discretion, tongue: Language, facts: Facts, _clock: str) -> Worded:
    said = sayable(facts, level, tongue)
    template = _template(kind, level)
    subject = one_line(tongue.block(template, "subject", said)) or ""
    paragraphs = _paragraphs(tongue.block(template, "email", said))
    footer = _paragraphs(tongue.block("footer.txt", "footer", said)) if kind is not NoticeKind.CODE else []
    ours = {said[name] for name in ("portal", "my", "form", "link", "unsubscribe_url")}
    return Worded(
        subject=subject,
        text="\n\n".join("\n".join(lines) for lines in (*paragraphs, *footer)) + "\n",
        html=_html(tongue, subject, paragraphs, footer, ours),
    )


_kept_mail = lru_cache(maxsize=128)(_mail)
"""Ten thousand people are told the same, but for the link by which each stops it."""


def _template(kind: NoticeKind, level: Discretion) -> str:
    silent = level is Discretion.SILENT and kind not in CARRIES_A_CODE
    return "silent.txt" if silent else f"{kind.value}.txt"


def _shortest_fit(variants: str) -> str:
    """The first of the template's variants that fits into one part, else the last."""
    texts = [gsm.plain(" ".join(variant.split())) for variant in variants.split("\n---\n")]
    return next((text for text in texts if gsm.parts(text) == 1), texts[-1])


def _paragraphs(text: str) -> list[list[str]]:
    blocks = re.split(r"\n\s*\n", text.strip())
    return [[line.strip() for line in block.splitlines() if line.strip()] for block in blocks if block.strip()]


def _pieces(line: str, ours: set[object]) -> list[Piece]:
    """Only links of ours become links: a name that somebody typed in stays text."""
    pieces, end = [], 0
    for found in _URL.finditer(line):
        if found.group() in ours:
            pieces += [Piece(line[end : found.start()]), Piece(found.group(), url=True)]
            end = found.end()
    return [*pieces, Piece(line[end:])]


def _html(
    tongue: Language, subject: str, paragraphs: list[list[str]], footer: list[list[str]], ours: set[object]
) -> str:
    return tongue.page(
        "layout.html",
        {
            "language": tongue.code,
            "direction": tongue.direction,
            "subject": subject,
            "paragraphs": [[_pieces(line, ours) for line in lines] for lines in paragraphs],
            "footer": [_pieces(line, ours) for lines in footer for line in lines],
        },
    )
