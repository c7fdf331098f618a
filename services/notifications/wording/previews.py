"""What a stranger sees on a lock screen, for the page on which a member chooses the level."""

from __future__ import annotations

from datetime import UTC, datetime

from services.notifications.messages import Facts
from services.notifications.wording.rendering import Wordings
from shared.contracts.base import Channel, Mode
from shared.contracts.notifications import Discretion, LockScreen, NoticeKind

EXAMPLE = Facts(
    portal_url="https://portal.example",
    group_name="Tuesday Evening Circle",
    chapter_name="Northside",
    starts=datetime(2026, 11, 3, 19, 0, tzinfo=UTC),
    ends=datetime(2026, 11, 3, 20, 30, tzinfo=UTC),
    mode=Mode.IN_PERSON,
    place="Library, 12 Elm Street",
    place_in_line=2,
    code="123456",
    meeting_id="example",
)
"""A meeting that does not exist."""

LINE = 110
"""About as many characters as a phone shows of a notice while it is locked."""


def lock_screens(
    level: Discretion, locale: str, *, portal_url: str, email_sender: str, sms_sender: str
) -> tuple[LockScreen, ...]:
    """Every kind and channel, worded as it would be sent. Of a mail: the subject and how its text begins."""
    facts = Facts(**{**EXAMPLE.__dict__, "portal_url": portal_url})
    wordings = Wordings()
    screens = []
    for kind in NoticeKind:
        for channel in Channel:
            words = wordings.words(kind, channel, level, locale, facts)
            line = f"{words.subject} \u2013 {words.text}" if words.subject else words.text
            sender = email_sender if channel is Channel.EMAIL else sms_sender
            screens.append(LockScreen(kind=kind, channel=channel, sender=sender, line=_cut(line)))
    return tuple(screens)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE else line[: LINE - 1].rstrip() + "\u2026"
