"""Which notices of one channel are sent next: the most urgent first, and among equals each chapter's first, then each one's second.

So a chapter with ten thousand notices delays another's by one notice, not by ten thousand. A hundred thousand may be
waiting, so they are not put in order: the index of open notices gives the first few of each chapter at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import Connection, and_, bindparam, or_, select, text

from services.notifications.store.tables import notices
from shared.contracts.base import Channel, NoticeId
from shared.contracts.notifications import NoticeState
from shared.storage.engine import Moment

OPEN = "state IN ('waiting', 'sending')"
"""Stands in a statement as the index of open notices has it, and not as parameters: else SQLite cannot know that it may
use it, and reads all notices that ever were."""


class Times(TypedDict):
    """What a statement here must know of the time."""

    now: datetime  # domain time
    machine_now: datetime
    farthest: datetime  # no lease that is given now ends later, by any process's clock


_NOW, _MACHINE_NOW = bindparam("now", type_=Moment), bindparam("machine_now", type_=Moment)
_FARTHEST = bindparam("farthest", type_=Moment)
_WAITING = and_(text(f"notices.{OPEN}"), notices.c.state == NoticeState.WAITING.value)
_FROM_AHEAD = notices.c.leased_until > _FARTHEST  # given before a clock was set back
_LAPSED = or_(notices.c.leased_until <= _MACHINE_NOW, _FROM_AHEAD)
_DUE = and_(_WAITING, notices.c.not_before <= _NOW, or_(notices.c.leased_until.is_(None), _LAPSED))
_LEFT_BEHIND = and_(text(f"notices.{OPEN}"), notices.c.state == NoticeState.SENDING.value, _LAPSED)
FREE = or_(_DUE, _LEFT_BEHIND)
"""Due and leased by nobody, or left behind while it was being sent. Wants ``Times``."""

_OF_CHANNEL = notices.c.channel == bindparam("channel")
_URGENCY = (
    select(notices.c.urgency)
    .where(_WAITING, _OF_CHANNEL, notices.c.urgency > bindparam("last"))
    .order_by(notices.c.urgency)
    .limit(1)
)
_BEHIND = (
    select(notices.c.urgency, notices.c.notice_id)
    .where(_LEFT_BEHIND, _OF_CHANNEL)
    .order_by(notices.c.urgency, notices.c.not_before, notices.c.notice_id)
    .limit(bindparam("most"))
)
_FIRST = (
    select(notices.c.not_before, notices.c.notice_id)
    .where(_DUE, _OF_CHANNEL, notices.c.urgency == bindparam("urgency"))
    .order_by(notices.c.not_before, notices.c.notice_id)
    .limit(bindparam("most"))
)
_FIRST_OF_CHAPTER = _FIRST.where(notices.c.chapter_id == bindparam("chapter_id"))
_FIRST_OF_NONE = _FIRST.where(notices.c.chapter_id.is_(None))  # codes

_CHAPTERS_SQL = text(
    f"""
    WITH RECURSIVE chapters (chapter_id) AS (
        SELECT min(n.chapter_id) FROM notices n
        WHERE n.{OPEN} AND n.state = 'waiting' AND n.channel = :channel AND n.urgency = :urgency
        UNION ALL
        SELECT (
            SELECT min(n.chapter_id) FROM notices n
            WHERE n.{OPEN} AND n.state = 'waiting' AND n.channel = :channel AND n.urgency = :urgency
            AND n.chapter_id > chapters.chapter_id
        ) FROM chapters WHERE chapter_id IS NOT NULL
    )
    SELECT earliest.not_before, earliest.notice_id, chapters.chapter_id
    FROM chapters JOIN notices earliest ON earliest.notice_id = (
        SELECT n.notice_id FROM notices n
        WHERE n.{OPEN} AND n.state = 'waiting' AND n.channel = :channel AND n.urgency = :urgency
        AND n.chapter_id = chapters.chapter_id AND n.not_before <= :now
        AND (n.leased_until IS NULL OR n.leased_until <= :machine_now OR n.leased_until > :farthest)
        ORDER BY n.not_before, n.notice_id LIMIT 1
    )
    """  # noqa: S608 - a constant of this file
)
_CHAPTERS = _CHAPTERS_SQL.bindparams(_NOW, _MACHINE_NOW, _FARTHEST).columns(not_before=Moment)
"""The earliest of each chapter that has one: from chapter to chapter through the index, past all that lies between."""


def next_due(connection: Connection, channel: Channel, times: Times, most: int) -> list[NoticeId]:
    """The next notices to send, in order. What was left behind while it was being sent is first among its equals."""
    known: dict[str, Any] = {**times, "channel": channel.value}
    found = [(row.urgency, row.notice_id) for row in connection.execute(_BEHIND, known | {"most": most})]
    urgency, waiting = -1, 0
    while waiting < most:
        after = connection.scalar(_URGENCY, known | {"last": urgency})
        if after is None:
            break
        urgency = after
        ids = list(_turns(connection, known | {"urgency": urgency}, most))
        found += [(urgency, notice_id) for notice_id in ids]
        waiting += len(ids)
    return [notice_id for _, notice_id in sorted(found, key=lambda each: each[0])[:most]]


def _turns(connection: Connection, known: dict[str, Any], most: int) -> Iterator[NoticeId]:
    """Those of one urgency. As many turns as are wanted are looked up, and the order is exact for as many."""
    earliest = connection.execute(_CHAPTERS, known).all()
    wanted = known | {"most": -(-most // max(1, len(earliest)))}
    if len(earliest) >= most:
        by_chapter = [[row] for row in earliest]
    else:
        by_chapter = [
            list(connection.execute(_FIRST_OF_CHAPTER, wanted | {"chapter_id": row.chapter_id})) for row in earliest
        ]
    by_chapter.append(list(connection.execute(_FIRST_OF_NONE, wanted)))
    turns = [(turn, row.not_before, row.notice_id) for rows in by_chapter for turn, row in enumerate(rows)]
    return (NoticeId(notice_id) for _, _, notice_id in sorted(turns))
