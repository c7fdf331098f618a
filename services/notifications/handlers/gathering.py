"""All that is to be known of one notice at one moment: for the gate, and for its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notifications.messages import Facts
from services.notifications.model.gate import Standing, mode_now
from services.notifications.model.kinds import purpose_of
from services.notifications.model.planning import change_words, held_since, newest, was_moved
from services.notifications.model.records import ContactPoint, Meeting, Notice, Seat, Suppression
from services.notifications.model.tokens import unsubscribe_token
from services.notifications.work import Work
from shared.contracts.base import Channel, MemberId, Mode
from shared.contracts.meetings import Place
from shared.contracts.notifications import NoticeKind, Preferences


@dataclass(frozen=True)
class Terms:
    """What of the settings bears on a single notice."""

    portal_url: str
    unsubscribe_url: str  # the token follows
    remind_before: timedelta
    link_within: timedelta


def standing(work: Work, notice: Notice, terms: Terms) -> Standing:
    """What the gate looks at, in this transaction."""
    contact = work.contacts.get(notice.contact_point_id) if notice.contact_point_id else None
    if contact is not None and work.contacts.address(contact) is None:
        contact = None  # erased
    meeting = seat = since = what = consent = code = window = None
    has_decided = moved = False
    suppressions: tuple[Suppression, ...] = ()
    newest_change = 0
    purpose = purpose_of(notice.kind)
    if notice.verification_id is not None:
        code = work.contacts.verification(notice.verification_id)
        suppressions = work.members.suppressions(code.contact_hash if code else "")
    elif contact is not None and purpose is not None:
        consent = work.members.consent(contact.member_id, purpose, contact.channel)
        has_decided = work.members.has_decided(contact.member_id)
        suppressions = work.members.suppressions(contact.contact_hash)
    if notice.window_id is not None:
        window = work.feedback.window(notice.window_id)
    elif notice.verification_id is None and notice.meeting_id is not None and notice.member_id is not None:
        meeting = work.calendar.meeting(notice.meeting_id)
        every = work.calendar.seats(notice.meeting_id, notice.member_id)
        seat = newest_of(every)
        states = [state for state in every if seat is not None and state.seat_id == seat.seat_id]
        since, moved = held_since(states), was_moved(states)
        changes = dict(work.calendar.changes(notice.meeting_id))
        what = changes.get(notice.revision) if notice.revision is not None else None
        newest_change = max(changes, default=0)
    return Standing(
        notice=notice,
        now=work.now,
        real_now=work.real_now,
        preferences=preferences_of(work, notice.member_id, contact, _zone_about(work, notice, meeting)),
        contact=contact,
        left=contact is None and work.members.has_left(notice.member_id),
        consent=consent,
        has_decided=has_decided,
        suppressions=suppressions,
        meeting=meeting,
        what=what,
        newest_change=newest_change,
        seat=seat,
        since=since,
        moved=moved,
        remind_before=terms.remind_before,
        verification=code,
        window_open=window is not None,
        attended=(
            window is not None and notice.member_id is not None and work.feedback.attended(notice.member_id, window)
        ),
    )


def _zone_about(work: Work, notice: Notice, meeting: Meeting | None) -> str | None:
    """The zone of what the notice is about: its meeting's, or that of the chapter that asks for feedback."""
    if notice.window_id is not None and notice.chapter_id is not None:
        chapter = work.calendar.chapter(notice.chapter_id)
        return chapter[1] if chapter else None
    return meeting.time_zone if meeting else None


def newest_of(states: list[Seat]) -> Seat | None:
    """A member's seat at one meeting: the newest state, whichever seat it is of."""
    return max(newest(states), key=lambda seat: (seat.heard_at, seat.change), default=None)


def preferences_of(
    work: Work, member_id: MemberId | None, contact: ContactPoint | None, zone: str | None
) -> Preferences:
    """What the member chose, else the default in this zone and the language they came in."""
    chosen = work.members.preferences(member_id) if member_id else None
    if chosen is not None:
        return chosen
    return Preferences(time_zone=zone or "UTC", locale=contact.locale if contact else "en")


def facts_of(work: Work, at: Standing, terms: Terms) -> Facts:
    """What wording may need, but for what must be asked elsewhere (a join link, a feedback code)."""
    notice = at.notice
    if notice.verification_id is not None and at.verification is not None:
        return Facts(portal_url=terms.portal_url, code=work.contacts.code(at.verification))
    facts = Facts(
        portal_url=terms.portal_url,
        unsubscribe_url=_unsubscribe_url(work, at, terms),
        change=change_words(at.what) if notice.kind is NoticeKind.MEETING_CHANGED else None,
    )
    if notice.kind is NoticeKind.FEEDBACK_ASK:
        kept = work.notices.code(notice.notice_id)
        return replace(facts, code=kept[0], answer_by=local(kept[1], at.preferences.time_zone)) if kept else facts
    return meeting_facts(work, at.meeting, at.seat, facts) if at.meeting is not None else facts


def _unsubscribe_url(work: Work, at: Standing, terms: Terms) -> str | None:
    purpose = purpose_of(at.notice.kind)
    if at.contact is None or purpose is None or at.contact.channel is not Channel.EMAIL:
        return None
    return terms.unsubscribe_url + unsubscribe_token(at.contact.contact_point_id, purpose, work.keys.keyed_hash)


def meeting_facts(work: Work, meeting: Meeting, seat: Seat | None, facts: Facts) -> Facts:
    """A meeting as one person's mode needs it: the place for who comes, nothing of it for who dials in."""
    chapter = work.calendar.chapter(meeting.chapter_id)
    mode = mode_now(seat, meeting) if seat else None
    place = meeting.place if mode in (None, Mode.IN_PERSON) else None
    return replace(
        facts,
        group_name=meeting.group_name,
        chapter_name=chapter[0] if chapter else "",
        starts=local(meeting.starts_at, meeting.time_zone),
        ends=local(meeting.ends_at, meeting.time_zone),
        mode=mode,
        place=place_line(place) if place and mode is Mode.IN_PERSON else None,
        access=place.access or None if place and mode is Mode.IN_PERSON else None,
        meeting_id=meeting.meeting_id,
        member_ref=work.keys.keyed_hash("calendar", f"{seat.member_id}|{meeting.meeting_id}") if seat else "",
        revision=meeting.revision + (seat.change if seat else 0),  # rises with either; RFC 5546 2.1.4 asks no more
    )


def place_line(place: Place) -> str:
    """Venue and address on one line."""
    city = " ".join(part for part in (place.postal_code, place.city) if part)
    return ", ".join(part for part in (place.name, place.address, city) if part)


def local(moment: datetime, zone: str) -> datetime:
    """As the clock in this zone shows it."""
    return moment.astimezone(ZoneInfo(zone))


def wants_link(at: Standing, within: timedelta) -> bool:
    """Whether this notice is to carry the way into an online room: a reminder, or news shortly before the start."""
    meeting, seat, kind = at.meeting, at.seat, at.notice.kind
    if meeting is None or seat is None or mode_now(seat, meeting) is Mode.IN_PERSON:
        return False
    if kind is NoticeKind.REMINDER:
        return True
    carries = kind in (NoticeKind.MEETING_CHANGED, NoticeKind.SEAT_CONFIRMED, NoticeKind.SEAT_PROMOTED)
    return carries and meeting.starts_at - at.now <= within
