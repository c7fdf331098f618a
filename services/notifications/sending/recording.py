"""What is written about a notice before and after it is sent. Each function runs in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.notifications.handlers.contacts import silence
from services.notifications.handlers.notices import settle
from services.notifications.messages import Accepted, Permanent, Result, Transient, Unknown
from services.notifications.model.gate import End, Verdict, Wait
from services.notifications.model.outcome import Next, after, after_unknown
from services.notifications.model.reasons import LEFT
from services.notifications.model.records import Notice, Suppression, Try
from services.notifications.work import Work
from shared.contracts.base import NoticeId
from shared.contracts.notifications import ContactSuppressed, NoticeState

log = structlog.get_logger(__name__)

_MAY_HAVE_LEFT = (NoticeState.SENDING, NoticeState.WAITING, NoticeState.HELD)
_OUTCOMES = {Accepted: "accepted", Transient: "transient", Permanent: "permanent", Unknown: "unknown"}


def put_aside(work: Work, notice: Notice, verdict: Verdict) -> None:
    """The gate did not let it through."""
    if isinstance(verdict, Wait):
        work.notices.release(notice.notice_id, not_before=max(verdict.until, work.now), reason=verdict.reason)
    elif isinstance(verdict, End):
        _end(work, [notice], verdict.state, verdict.reason)


def mine(work: Work, notice_id: NoticeId, lease: str) -> Notice | None:
    """The notice, locked, if this lane still holds its lease."""
    notice = work.notices.get(notice_id, lock=True)
    return notice if notice is not None and notice.leased_by == lease else None


@dataclass(frozen=True)
class Tried:
    """A notice as it was marked for an attempt, and what its channel said.

    ``found`` is the provider's answer where the first one was Unknown.
    """

    notice: Notice
    result: Result
    found: Result | None = None

    @property
    def last(self) -> Result:
        """What is known of it now."""
        return self.result if self.found is None else self.found


def conclude(work: Work, lease: str, tried: Sequence[Tried], held: Mapping[NoticeId, Notice]) -> None:
    """Record what became of attempts; ``held`` are the notices, locked.

    Where the lease was lost meanwhile another decides; but that a notice was accepted is true whoever says it.
    """
    if not tried:
        return
    work.notices.close([_line(each) for each in tried])
    sent = []
    for each in tried:
        notice = held.get(each.notice.notice_id)
        if notice is None:
            continue
        ours = notice.leased_by == lease
        if isinstance(each.last, Accepted):
            if ours or notice.state in _MAY_HAVE_LEFT:
                sent.append(notice)
        elif ours:
            _failed(work, notice, each)
    _end(work, sent, NoticeState.SENT, "")


def take_back(work: Work, lease: str, marked: Sequence[Notice], held: Mapping[NoticeId, Notice]) -> None:
    """Not one byte of these left, though they were marked: each waits again as if it had not been."""
    for notice in marked:
        now = held.get(notice.notice_id)
        if now is not None and now.leased_by == lease and now.state is NoticeState.SENDING:
            work.notices.take_back(notice)


def _line(each: Tried) -> Try:
    last = each.last
    return Try(
        each.notice.notice_id,
        each.notice.attempts,
        outcome=_OUTCOMES[type(last)],
        reason=getattr(last, "reason", ""),
        provider_id=last.provider_id if isinstance(last, Accepted) else "",
    )


def _failed(work: Work, notice: Notice, each: Tried) -> None:
    if isinstance(each.last, Permanent) and each.last.alarm:
        log.error("channel_needs_the_operator", channel=str(notice.channel), reason=each.last.reason)
    now, found = work.now, each.found
    _apply(work, notice, after(each.result, notice, now) if found is None else after_unknown(found, notice, now))


def _apply(work: Work, notice: Notice, then: Next) -> None:
    if then.suppress:
        _suppress(work, notice)
    if then.state is NoticeState.WAITING:
        work.notices.update(
            notice,
            reason=then.reason,
            not_before=then.not_before or work.now,
            doubtful=then.doubtful,
            unknowns=notice.unknowns + then.unknown,
        )
        return
    if then.state is NoticeState.HELD and notice.member_id is not None and not work.members.stays(notice.member_id):
        _end(work, [notice], NoticeState.REFUSED, LEFT)  # there is nobody whom a person could ask
        return
    _end(work, [notice], then.state, then.reason)


def _end(work: Work, notices: Sequence[Notice], state: NoticeState, reason: str) -> None:
    """Settle. A code whose outcome is known is erased: its hash is enough to check it."""
    settle(work, notices, state, reason)
    for notice in notices:
        if notice.verification_id is not None and state is not NoticeState.HELD:
            work.contacts.erase_code(notice.verification_id)
        log.info(
            "notice_settled", kind=notice.kind.value, channel=str(notice.channel), state=state.value, reason=reason
        )


def _suppress(work: Work, notice: Notice) -> None:
    contact = work.contacts.get(notice.contact_point_id) if notice.contact_point_id else None
    if contact is None:
        return
    silence(
        work,
        contact,
        Suppression(contact.contact_hash, "", "hard_bounce"),
        ContactSuppressed(
            member_id=contact.member_id,
            contact_point_id=contact.contact_point_id,
            channel=contact.channel,
            reason="hard_bounce",
        ),
    )
