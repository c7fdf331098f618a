"""What each kind of notice is: how urgent, for which purpose, known by which key."""

from __future__ import annotations

import hashlib

from shared.contracts.base import Channel, NoticeId
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.contracts.registration import Purpose

URGENCY: dict[NoticeKind, int] = {
    NoticeKind.CODE: 0,
    NoticeKind.MEETING_CANCELLED: 1,
    NoticeKind.MEETING_CHANGED: 1,
    NoticeKind.SEAT_PROMOTED: 2,
    NoticeKind.SEAT_CONFIRMED: 3,
    NoticeKind.SEAT_WAITLISTED: 3,
    NoticeKind.SEAT_RELEASED: 3,
    NoticeKind.REMINDER: 4,
    NoticeKind.FEEDBACK_ASK: 5,
}
"""Lower goes first: nobody stands before a shut door because others were being reminded."""

URGENT = frozenset(
    {NoticeKind.CODE, NoticeKind.MEETING_CANCELLED, NoticeKind.MEETING_CHANGED, NoticeKind.SEAT_PROMOTED}
)
"""Kinds whose email goes out once again when its outcome is unknown."""

CHANGES = frozenset({NoticeKind.MEETING_CHANGED, NoticeKind.MEETING_CANCELLED})
"""Kinds that tell that a meeting is not as it was."""

SEAT_NEWS = frozenset(
    {NoticeKind.SEAT_CONFIRMED, NoticeKind.SEAT_PROMOTED, NoticeKind.SEAT_WAITLISTED, NoticeKind.SEAT_RELEASED}
)
"""Kinds that tell of one change of one seat."""

OPEN_STATES = frozenset({NoticeState.WAITING, NoticeState.SENDING})
"""States in which a notice is not settled."""


def purpose_of(kind: NoticeKind) -> Purpose | None:
    """What its reader must have consented to; None for a code, which they asked for."""
    if kind is NoticeKind.CODE:
        return None
    if kind is NoticeKind.REMINDER:
        return Purpose.MEETING_REMINDERS
    if kind is NoticeKind.FEEDBACK_ASK:
        return Purpose.FEEDBACK_ASK
    return Purpose.MEETING_CHANGES


def natural_key(
    kind: NoticeKind, *, who: str, about: str = "", version: str = "", channel: Channel | None = None, contact: str = ""
) -> NoticeId:
    """The notice's id: the same news for the same person through the same contact is the same notice.

    ``who`` is a member (or a verification), ``about`` a meeting or a window, ``version`` a revision, a seat's
    change or a day, ``contact`` the keyed hash of the contact, so that one who has two addresses gets both.
    """
    parts = (kind.value, who, about, version, channel.value if channel else "", contact)
    return NoticeId(hashlib.sha256("|".join(parts).encode()).hexdigest())
