"""What must be asked of other services before a notice can be worded. Outside every transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.notifications.messages import Facts
from shared.contracts.base import ChapterId, MeetingId, Mode, WindowId
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.feedback import DrawCode, DrawnCode
from shared.contracts.meetings import AskJoinLink, JoinLink
from shared.runtime.keys import CannotOpen, KeyRing
from shared.runtime.parts import Ask

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WayIn:
    """How to enter an online room, in the clear, in memory only."""

    link: str | None
    dial_in: str | None
    passcode: str | None


class NotNow(Exception):  # noqa: N818
    """The other service did not answer, or says no; ``reason`` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def ask_way_in(ask: Ask, keys: KeyRing, meeting_id: MeetingId) -> WayIn:
    """Ask meetings for the room. Raises NotNow."""
    try:
        sealed: JoinLink = ask(AskJoinLink(meeting_id=meeting_id))
        return WayIn(*(keys.unseal(part) if part else None for part in (sealed.link, sealed.dial_in, sealed.passcode)))
    except (Refused, Fault, Unreachable, CannotOpen) as error:
        log.warning("join_link_not_given", error=type(error).__name__)
        raise NotNow("no_link") from error


def draw_code(ask: Ask, keys: KeyRing, window_id: WindowId, chapter_id: ChapterId) -> tuple[str, datetime]:
    """Draw one feedback code, and until when it is good. Nothing of it is logged. Raises NotNow."""
    try:
        drawn: DrawnCode = ask(DrawCode(window_id=window_id, chapter_id=chapter_id))
        return keys.unseal(drawn.code), drawn.last_slip_at
    except (Refused, Fault, Unreachable, CannotOpen) as error:
        raise NotNow("no_code") from error


def with_way_in(facts: Facts, way: WayIn | None) -> Facts:
    """The facts with what this person's mode needs; without a way in, it is said to come later."""
    if way is None:
        return replace(facts, link_comes_later=True)
    if facts.mode is Mode.PHONE:
        return replace(facts, dial_in=way.dial_in, passcode=way.passcode, link_comes_later=way.dial_in is None)
    return replace(facts, link=way.link, passcode=way.passcode, link_comes_later=way.link is None)
