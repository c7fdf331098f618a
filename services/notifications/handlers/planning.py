"""By timer: who is due to be reminded, who is due to be asked, and what is to be forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.notifications.handlers.notices import ask_for_feedback, tell
from services.notifications.model.gate import CONSENT_GRACE
from services.notifications.model.planning import News, held_since, meeting_day, newest, remind_at
from services.notifications.model.records import ContactPoint, Meeting
from services.notifications.work import Work
from shared.contracts.base import MeetingId, MemberId
from shared.contracts.notifications import NoticeKind
from shared.contracts.registration import Purpose, SeatState
from shared.runtime import metrics

KEEP_VERIFICATIONS = timedelta(hours=24)
KEEP_ATTENDANCES = timedelta(days=90)
"""After a meeting. A window that reaches farther back when it opens asks nobody about what lies before that."""
FEEDBACK_EXPIRES = timedelta(hours=72)


def plan_reminders(work: Work, *, before: timedelta) -> None:
    """One reminder per person, meeting and day, due ``before`` its start (or two hours before, for late comers)."""
    reminded: dict[tuple[MeetingId, datetime], list[MemberId]] = {}
    meetings: dict[MeetingId, Meeting] = {}
    for meeting, states in work.calendar.to_remind(work.now, work.now + before):
        seat, since = newest(states)[0], held_since(states)
        due = remind_at(meeting, since, before) if since is not None else None
        if due is not None and due <= work.now and seat.state is SeatState.CONFIRMED:
            meetings[meeting.meeting_id] = meeting
            reminded.setdefault((meeting.meeting_id, due), []).append(seat.member_id)
    for (meeting_id, due), members in reminded.items():
        meeting = meetings[meeting_id]
        news = News(NoticeKind.REMINDER, meeting_day(meeting))
        tell(work, news, members, meeting_id, meeting.chapter_id, due_at=due)


def plan_feedback(work: Work, *, after_end: timedelta) -> None:
    """One ask per person and window, some hours after the first meeting of theirs that is known to lie in it."""
    for attended, meeting, window in work.feedback.to_ask():
        contact = _reachable(work, attended.member_id)
        if contact is None and not _decided(work, attended.member_id, meeting):
            continue  # the news of consent may be behind
        if contact is not None:
            due = max(meeting.ends_at + after_end, work.now)
            ask_for_feedback(
                work,
                attended.member_id,
                attended.chapter_id,
                window.window_id,
                contact,
                due_at=due,
                expires_at=min(window.last_slip_at, due + FEEDBACK_EXPIRES),
            )
        work.feedback.planned(attended)


def _reachable(work: Work, member_id: MemberId) -> ContactPoint | None:
    """The first contact point at which this member agreed to be asked, email before texts."""
    for contact in work.contacts.of(member_id):
        consent = work.members.consent(member_id, Purpose.FEEDBACK_ASK, contact.channel)
        silenced = any(
            each.purpose in ("", Purpose.FEEDBACK_ASK.value) for each in work.members.suppressions(contact.contact_hash)
        )
        if consent is not None and consent.granted and not silenced:
            return contact
    return None


def _decided(work: Work, member_id: MemberId, meeting: Meeting) -> bool:
    """Whether no is an answer already, and not only news that is late."""
    return work.now > meeting.ends_at + CONSENT_GRACE


def measure(work: Work) -> None:
    """Show how it stands with the notices that have not left."""
    standing = work.notices.standing()
    metrics.notices_late.set(standing.late_seconds)
    metrics.notices_again.set(standing.again)
    metrics.notices_doubtful.set(standing.doubtful)
    metrics.notices_held.set(standing.held)


def forget(work: Work) -> None:
    """Erase what is needed no more: expired codes with their addresses, attendances no window asks about."""
    work.contacts.prune(work.real_now, work.real_now - KEEP_VERIFICATIONS)
    work.feedback.prune(work.now - KEEP_ATTENDANCES)
