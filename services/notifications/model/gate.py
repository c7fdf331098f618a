"""The gate: whether a notice may leave now. Asked at the last moment, so that nothing stale is ever sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notifications.model.kinds import CHANGES, SEAT_NEWS, purpose_of
from services.notifications.model.planning import expiry, meeting_day, remind_at
from services.notifications.model.quiet import is_quiet, quiet_ends
from services.notifications.model.reasons import LEFT
from services.notifications.model.records import Consent, ContactPoint, Meeting, Notice, Seat, Suppression, Verification
from shared.contracts.base import Mode
from shared.contracts.meetings import MeetingStatus
from shared.contracts.notifications import NoticeKind, NoticeState, Preferences
from shared.contracts.registration import SeatReason, SeatState

CONSENT_GRACE = timedelta(minutes=15)
"""How long a decision is waited for whose member has decided on something else: longer than an event climbs the retry
ladder. After that they were not asked, as of a number that was added after the joining."""
CONSENT_AGAIN = timedelta(minutes=10)
"""How often it is looked whether a decision has come, beside the waking by its news."""
SEAT_GRACE = timedelta(minutes=10)
"""How long a change notice waits for the word of which mode its reader is moved to."""
LOOK_AGAIN = timedelta(seconds=2)
MEETING_WAIT = timedelta(seconds=30)
URGENT_WITHIN = timedelta(hours=3)
CODE_STOPPERS = frozenset({"stop", "wrong_person"})
"""Suppressions that stop even a code: the person at that number asked for silence."""


@dataclass(frozen=True)
class Standing:
    """All that the gate looks at. ``now`` is domain time, ``real_now`` the machine's."""

    notice: Notice
    now: datetime
    real_now: datetime
    preferences: Preferences  # with the chapter's zone where the member chose none
    contact: ContactPoint | None = None
    left: bool = False  # asked where there is no contact
    consent: Consent | None = None
    has_decided: bool = False  # for whatever purpose and channel
    suppressions: tuple[Suppression, ...] = ()
    meeting: Meeting | None = None
    what: str | None = None  # the change of the notice's revision: moved, moved_online, moved_back
    newest_change: int = 0  # the newest revision that people are told of; a later one may only have other places
    seat: Seat | None = None  # newest state
    since: datetime | None = None  # since when the seat is confirmed
    moved: bool = False  # a change put it into its mode, not its member
    remind_before: timedelta = timedelta(hours=24)
    verification: Verification | None = None
    window_open: bool = False
    attended: bool = False


@dataclass(frozen=True)
class Go:
    """Send it now."""


@dataclass(frozen=True)
class Wait:
    """Not now; look again at that time (domain time)."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class End:
    """Never. ``reason`` is a code that reasons.py explains."""

    state: NoticeState
    reason: str


Verdict = Go | Wait | End


def gate(at: Standing) -> Verdict:
    """May this notice leave now? In order: person, suppression, consent, still true, still in time, quiet hours.

    Where nothing was decided, that is looked at last: a notice that nobody needs any more is not waited with.
    """
    for look in (_person, _suppression, _consent, _still_true, _in_time, _quiet, _undecided):
        verdict = look(at)
        if verdict is not None:
            return verdict
    return Go()


def _refused(reason: str) -> End:
    return End(NoticeState.REFUSED, reason)


def _person(at: Standing) -> Verdict | None:
    if at.notice.kind is NoticeKind.CODE:
        code = at.verification
        over = code is None or code.settled or at.real_now >= code.expires_at
        return End(NoticeState.EXPIRED, "expired") if over else None
    if at.contact is None:
        return _refused(LEFT if at.left else "contact_removed")
    return None


def _consent(at: Standing) -> Verdict | None:
    no = purpose_of(at.notice.kind) is not None and at.consent is not None and not at.consent.granted
    return _refused("no_consent") if no else None


def _suppression(at: Standing) -> Verdict | None:
    purpose = purpose_of(at.notice.kind)
    for suppression in at.suppressions:
        if purpose is None:
            if suppression.reason in CODE_STOPPERS:
                return _refused("suppressed")
        elif suppression.purpose in ("", purpose.value):
            return _refused("suppressed")
    return None


def _still_true(at: Standing) -> Verdict | None:
    if at.notice.kind is NoticeKind.CODE:
        return None
    if at.notice.kind is NoticeKind.FEEDBACK_ASK:
        return _feedback(at)
    if at.meeting is None:
        return Wait(at.now + MEETING_WAIT, "meeting_unknown")
    return _about_meeting(at, at.meeting)


def _feedback(at: Standing) -> Verdict | None:
    if not at.window_open:
        return _refused("window_closed")
    return None if at.attended else _refused("not_attended")


def _about_meeting(at: Standing, meeting: Meeting) -> Verdict | None:
    kind = at.notice.kind
    if kind is NoticeKind.MEETING_CANCELLED:
        return _cancellation(at, meeting)
    if meeting.status is MeetingStatus.CANCELLED and kind is not NoticeKind.SEAT_RELEASED:
        return _refused("meeting_cancelled")
    if kind is NoticeKind.MEETING_CHANGED:
        return _change(at, meeting)
    if kind in SEAT_NEWS:
        stale = at.seat is None or at.seat.change != at.notice.seat_change
        return _refused("superseded") if stale else None
    return _reminder(at, meeting)


def _cancellation(at: Standing, meeting: Meeting) -> Verdict | None:
    if meeting.status is not MeetingStatus.CANCELLED:
        return Wait(at.now + LOOK_AGAIN, "meeting_unknown")
    seat = at.seat
    gave_up = seat is not None and not seat.held and seat.reason is not SeatReason.MEETING_CANCELLED
    return _refused("seat_released") if gave_up else None


def _change(at: Standing, meeting: Meeting) -> Verdict | None:
    revision = at.notice.revision or 0
    if at.newest_change > revision:
        return _refused("superseded")
    if meeting.revision < revision:
        return Wait(at.now + LOOK_AGAIN, "meeting_unknown")
    seat = at.seat
    if seat is None or (not seat.held and seat.reason is not SeatReason.MOVED):
        return _refused("seat_released")
    if at.now < at.notice.created_at + SEAT_GRACE and _to_be_moved(seat, meeting, at):
        return Wait(at.now + LOOK_AGAIN, "seat_to_be_moved")
    return None


def _to_be_moved(seat: Seat, meeting: Meeting, at: Standing) -> bool:
    """Whether registration will yet say in which mode this person now attends."""
    if seat.meeting_revision >= meeting.revision or not seat.held:
        return False
    return seat.mode not in meeting.modes or (at.what == "moved_back" and at.moved)


def _reminder(at: Standing, meeting: Meeting) -> Verdict | None:
    if meeting.status is not MeetingStatus.SCHEDULED:
        return End(NoticeState.EXPIRED, "expired")
    if at.seat is None or at.seat.state is not SeatState.CONFIRMED or at.since is None:
        return _refused("seat_released")
    if at.notice.version != meeting_day(meeting):
        return _refused("superseded")
    due = remind_at(meeting, at.since, at.remind_before)
    if due is None:
        return _refused("superseded")
    return Wait(due, "not_due") if at.now < due else None


def _expires(at: Standing) -> datetime | None:
    if at.meeting is not None and at.notice.kind is not NoticeKind.FEEDBACK_ASK:
        return expiry(at.notice.kind, at.meeting)
    return at.notice.expires_at


def _in_time(at: Standing) -> Verdict | None:
    expires = _expires(at)
    over = expires is not None and at.now >= expires
    return End(NoticeState.EXPIRED, "expired") if over else None


def _quiet(at: Standing) -> Verdict | None:
    """A notice that quiet hours would hold past its end is settled at once, so that someone may act on it."""
    if at.notice.kind is NoticeKind.CODE or _breaks_the_quiet(at):
        return None
    chosen, zone = at.preferences, ZoneInfo(at.preferences.time_zone)
    if not is_quiet(at.now, zone, chosen.quiet_from, chosen.quiet_to):
        return None
    until = quiet_ends(at.now, zone, chosen.quiet_from, chosen.quiet_to)
    expires = _expires(at)
    if expires is not None and until >= expires:
        return End(NoticeState.EXPIRED, "quiet_hours")
    return Wait(until, "quiet_hours")


def _breaks_the_quiet(at: Standing) -> bool:
    if at.notice.kind not in CHANGES or at.meeting is None or not at.preferences.urgent_in_quiet_hours:
        return False
    return at.meeting.starts_at - at.now <= URGENT_WITHIN


def _undecided(at: Standing) -> Verdict | None:
    """One joins with a decision for every purpose: of whom none at all was heard, the news of it is on its way."""
    if purpose_of(at.notice.kind) is None or at.consent is not None:
        return None
    until = at.notice.created_at + CONSENT_GRACE if at.has_decided else at.now + CONSENT_AGAIN
    if at.now >= until:
        return _refused("no_consent")
    expires = _expires(at)
    return Wait(min(until, expires) if expires else until, "no_consent")


def mode_now(seat: Seat, meeting: Meeting) -> Mode:
    """How this person attends, where registration has not said yet after a change: online, if that is offered."""
    if seat.mode in meeting.modes or Mode.ONLINE not in meeting.modes or seat.meeting_revision >= meeting.revision:
        return seat.mode
    return Mode.ONLINE
