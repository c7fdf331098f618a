"""How notices come to be and come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.notifications.model.kinds import URGENCY, natural_key
from services.notifications.model.planning import News, expiry
from services.notifications.model.reasons import LEFT
from services.notifications.model.records import ContactPoint, Meeting, Notice, Verification
from services.notifications.work import Work
from shared.contracts.base import Channel, ChapterId, MeetingId, MemberId, WindowId
from shared.contracts.notifications import NoticeKind, NoticeSettled, NoticeState


def tell(
    work: Work,
    news: News,
    member_ids: Sequence[MemberId],
    meeting_id: MeetingId,
    chapter_id: ChapterId,
    *,
    due_at: datetime | None = None,
) -> None:
    """Make a notice for each contact point of these members, or one that says that they have none, or have left.

    Telling the same news again changes nothing.
    """
    if not member_ids:
        return
    meeting = work.calendar.meeting(meeting_id)
    contacts = work.contacts.of_all(member_ids)
    made = [
        _about_meeting(
            work,
            news,
            member_id=member_id,
            meeting_id=meeting_id,
            chapter_id=chapter_id,
            contact=contact,
            meeting=meeting,
            due_at=due_at,
        )
        for member_id in member_ids
        for contact in (*contacts[member_id],) or (None,)
    ]
    unreachable: dict[str, list[Notice]] = {}
    for notice in work.notices.add(*made):
        if notice.contact_point_id is None:
            reason = LEFT if work.members.has_left(notice.member_id) else "no_contact"
            unreachable.setdefault(reason, []).append(notice)
    for reason, notices in unreachable.items():
        settle(work, notices, NoticeState.REFUSED, reason)


def _about_meeting(
    work: Work,
    news: News,
    *,
    member_id: MemberId,
    meeting_id: MeetingId,
    chapter_id: ChapterId,
    contact: ContactPoint | None,
    meeting: Meeting | None,
    due_at: datetime | None,
) -> Notice:
    channel = contact.channel if contact else None
    known_as = contact.contact_hash if contact else ""
    due = due_at or work.now
    return Notice(
        notice_id=natural_key(
            news.kind, who=member_id, about=meeting_id, version=news.version, channel=channel, contact=known_as
        ),
        kind=news.kind,
        member_id=member_id,
        channel=channel,
        contact_point_id=contact.contact_point_id if contact else None,
        created_at=work.now,
        due_at=due,
        not_before=due,
        expires_at=expiry(news.kind, meeting) if meeting else None,
        chapter_id=chapter_id,
        meeting_id=meeting_id,
        version=news.version,
        revision=news.revision,
        seat_change=news.seat_change,
        urgency=URGENCY[news.kind],
    )


def send_code(work: Work, verification: Verification) -> None:
    """Make the notice that carries a verification code. It goes before everything else, at any hour."""
    work.notices.add(
        Notice(
            notice_id=natural_key(NoticeKind.CODE, who=verification.verification_id),
            kind=NoticeKind.CODE,
            member_id=None,
            channel=verification.channel,
            verification_id=verification.verification_id,
            created_at=work.now,
            due_at=work.now,
            not_before=work.now,
            urgency=URGENCY[NoticeKind.CODE],
        )
    )


def ask_for_feedback(
    work: Work,
    member_id: MemberId,
    chapter_id: ChapterId,
    window_id: WindowId,
    contact: ContactPoint,
    *,
    due_at: datetime,
    expires_at: datetime,
) -> None:
    """Make the one notice that asks this member for feedback in this window.

    Its key names no contact, and its row no meeting: it is one a person and window, and says nothing of which evening.
    """
    work.notices.add(
        Notice(
            notice_id=natural_key(NoticeKind.FEEDBACK_ASK, who=member_id, about=window_id),
            kind=NoticeKind.FEEDBACK_ASK,
            member_id=member_id,
            channel=contact.channel,
            contact_point_id=contact.contact_point_id,
            created_at=work.now,
            due_at=due_at,
            not_before=due_at,
            expires_at=expires_at,
            chapter_id=chapter_id,
            window_id=window_id,
            urgency=URGENCY[NoticeKind.FEEDBACK_ASK],
        )
    )


def settle(work: Work, notices: Sequence[Notice], state: NoticeState, reason: str = "") -> None:
    """Notices reached their end. Live pages hear of those that are about a meeting."""
    work.notices.settle(notices, state, reason)
    for notice in notices:
        if notice.meeting_id is None or notice.chapter_id is None:
            continue
        work.publish(
            NoticeSettled(
                notice_id=notice.notice_id,
                kind=notice.kind,
                channel=notice.channel,
                meeting_id=notice.meeting_id,
                chapter_id=notice.chapter_id,
                state=state,
            )
        )


def channel_order(contact: ContactPoint) -> tuple[bool, str]:
    """Email first: it says more, and costs nothing."""
    return (contact.channel is not Channel.EMAIL, contact.contact_point_id)
