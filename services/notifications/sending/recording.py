"""What is written about a notice before and after it is sent. Each function runs in one transaction."""

from __future__ import annotations

import structlog

from services.notifications.handlers.contacts import silence
from services.notifications.handlers.notices import settle
from services.notifications.messages import Accepted, Permanent, Result, Transient, Unknown
from services.notifications.model.gate import End, Verdict, Wait
from services.notifications.model.outcome import Next, after, after_unknown
from services.notifications.model.records import Notice, Suppression
from services.notifications.work import Work
from shared.contracts.base import NoticeId
from shared.contracts.notifications import ContactSuppressed, NoticeState

log = structlog.get_logger(__name__)

_OUTCOMES = {Accepted: "accepted", Transient: "transient", Permanent: "permanent", Unknown: "unknown"}


def put_aside(work: Work, notice: Notice, verdict: Verdict) -> None:
    """The gate did not let it through."""
    if isinstance(verdict, Wait):
        work.notices.release(notice.notice_id, not_before=max(verdict.until, work.now), reason=verdict.reason)
    elif isinstance(verdict, End):
        _end(work, notice, verdict.state, verdict.reason)


def mine(work: Work, notice_id: NoticeId, lease: str) -> Notice | None:
    """The notice, locked, if this lane still holds its lease."""
    notice = work.notices.get(notice_id, lock=True)
    return notice if notice is not None and notice.leased_by == lease else None


def conclude(
    work: Work, notice_id: NoticeId, lease: str, *, attempt: int, result: Result, found: Result | None
) -> None:
    """Record what became of an attempt. ``found`` is the provider's answer where the first one was Unknown.

    If the lease was lost meanwhile another decides; but that it was accepted is true whoever says it.
    """
    last = found if found is not None else result
    work.notices.close_delivery(
        notice_id,
        attempt,
        outcome=_OUTCOMES[type(last)],
        reason=getattr(last, "reason", ""),
        provider_id=last.provider_id if isinstance(last, Accepted) else "",
    )
    notice = work.notices.get(notice_id, lock=True)
    if notice is None:
        return
    if notice.leased_by != lease:
        if isinstance(last, Accepted) and notice.state in (NoticeState.SENDING, NoticeState.WAITING, NoticeState.HELD):
            _end(work, notice, NoticeState.SENT, "")
        return
    if isinstance(last, Permanent) and last.alarm:
        log.error("channel_needs_the_operator", channel=str(notice.channel), reason=last.reason)
    now = work.now
    _apply(work, notice, after(result, notice, now) if found is None else after_unknown(found, notice, now))


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
    _end(work, notice, then.state, then.reason)


def _end(work: Work, notice: Notice, state: NoticeState, reason: str) -> None:
    """Settle. A code whose outcome is known is erased: its hash is enough to check it."""
    settle(work, notice, state, reason)
    if notice.verification_id is not None and state is not NoticeState.HELD:
        work.contacts.erase_code(notice.verification_id)
    log.info("notice_settled", kind=notice.kind.value, channel=str(notice.channel), state=state.value, reason=reason)


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
