"""The query that picks the notices to send next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, text

from services.notifications.store.tables import notices
from shared.contracts.notifications import NoticeState


def free(now: datetime, machine_now: datetime) -> Any:
    """Due and leased by nobody, or left behind while it was being sent.

    The states stand in the statement as the index of open notices has them, and not as parameters: else SQLite cannot
    know that it may use it, and reads all notices that ever were.
    """
    lapsed = notices.c.leased_until <= machine_now
    return and_(
        text("notices.state IN ('waiting', 'sending')"),
        or_(
            and_(
                notices.c.state == NoticeState.WAITING.value,
                notices.c.not_before <= now,
                or_(notices.c.leased_until.is_(None), lapsed),
            ),
            and_(notices.c.state == NoticeState.SENDING.value, lapsed),
        ),
    )


def next_due(now: datetime, machine_now: datetime, limit: int) -> Select[str]:
    """The next notices to send: the most urgent first, and among equals each chapter's first, then each one's second.

    So a chapter with ten thousand notices delays another's one by one notice, not by ten thousand.
    """
    turn = (
        func.row_number()
        .over(
            partition_by=(notices.c.urgency, notices.c.chapter_id),
            order_by=(notices.c.not_before, notices.c.notice_id),
        )
        .label("turn")
    )
    due = (
        select(notices.c.notice_id, notices.c.urgency, notices.c.not_before, turn)
        .where(free(now, machine_now))
        .subquery("due")
    )
    return select(due.c.notice_id).order_by(due.c.urgency, due.c.turn, due.c.not_before, due.c.notice_id).limit(limit)
