"""What follows from a channel's answer. Nothing is sent twice on a guess, and nothing is dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notifications.messages import DOES_NOT_ANSWER, Accepted, Permanent, Result, Transient, Unknown
from services.notifications.model.kinds import URGENT
from services.notifications.model.records import Notice
from shared.contracts.base import Channel
from shared.contracts.notifications import NoticeKind, NoticeState

LONGEST_WAIT = timedelta(hours=1)
FIRST_WAIT = {True: timedelta(seconds=5), False: timedelta(seconds=30)}  # True: a person waits for a code


@dataclass(frozen=True)
class Next:
    """Where the notice stands now. ``suppress``: its contact is written to no more."""

    state: NoticeState
    reason: str = ""
    not_before: datetime | None = None
    suppress: bool = False
    doubtful: bool = False  # ask the provider before sending it again
    unknown: bool = False  # its outcome was unknown, this time


def after(result: Result, notice: Notice, now: datetime) -> Next:
    """Where a notice stands after its channel's answer. ``notice.attempts`` counts this attempt."""
    if isinstance(result, Accepted):
        return Next(NoticeState.SENT)
    if isinstance(result, Permanent):
        return Next(NoticeState.REFUSED, result.reason, suppress=result.suppress)
    if isinstance(result, Transient):
        return replace(_again(notice, now, result), doubtful=result.doubtful)
    return Next(NoticeState.HELD, "unknown", unknown=True)


def after_unknown(asked: Result, notice: Notice, now: datetime) -> Next:
    """Where a notice stands whose outcome was unknown, after the provider was asked whether it has it.

    An urgent email goes once again under the same Message-ID (the reader's program may show one); everything
    else that nobody can tell of is held for a person: a double text is worse than a late one. A provider that does not
    answer may tell later: it is asked again, and nothing sent, until the notice expires.
    """
    if asked == Unknown(DOES_NOT_ANSWER):
        return replace(_again(notice, now, Transient(DOES_NOT_ANSWER)), doubtful=True, unknown=True)
    if isinstance(asked, Transient):
        return replace(_again(notice, now, asked), doubtful=notice.channel is Channel.SMS, unknown=True)
    if not isinstance(asked, Unknown):
        return after(asked, notice, now)
    if notice.channel is Channel.EMAIL and notice.kind in URGENT and notice.unknowns == 0:
        return Next(NoticeState.WAITING, "unknown", now, unknown=True)
    return Next(NoticeState.HELD, "unknown", unknown=True)


def _again(notice: Notice, now: datetime, result: Transient) -> Next:
    first = FIRST_WAIT[notice.kind is NoticeKind.CODE]
    wait = min(first * 2 ** min(max(notice.attempts - 1, 0), 10), LONGEST_WAIT)
    wait = max(wait, timedelta(seconds=min(result.retry_after, LONGEST_WAIT.total_seconds())))
    if notice.expires_at is not None and now + wait >= notice.expires_at:
        return Next(NoticeState.EXPIRED, result.reason)
    return Next(NoticeState.WAITING, result.reason, now + wait)
