"""All that is to be known of one notice at one moment: for the gate, and for its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notifications.messages import Facts
from services.notifications.model.gate import Standing, mode_now
from services.notifications.model.kinds import purpose_of
from services.notifications.model.planning import change_words, held_since, newest, was_moved
from services.notifications.model.records import ContactPoint, Meeting, Notice, Seat
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
    at = Standing(
        notice=notice,
        now=work.now,
        real_now=work.real_now,
        preferences=preferences_of(work, notice.member_id, contact, None),
        contact=contact,
        remind_before=terms.remind_before,
    )
    if notice.verification_id is not None:
        code = work.contacts.verification(notice.verification_id)
        known_as = code.contact_hash if code else ""
        return replace(at, verification=code, suppressions=work.members.suppressions(known_as))
    purpose = purpose_of(notice.kind)
    if contact is not None and purpose is not None:
        at = replace(
            at,
            consent=work.members.consent(contact.member_id, purpose, contact.channel),
            has_decided=work.members.has_decided(contact.member_id),
            suppressions=work.members.suppressions(contact.contact_hash),
        )
    if notice.window_id is not None:
        window = work.feedback.window(notice.window_id)
        return replace(
            at,
            preferences=_in_chapters_zone(work, at.preferences, notice),
            window_open=window is not None,
            attended=(
                window is not None and notice.member_id is not None and work.feedback.attended(notice.member_id, window)
            ),
        )
    return _about_meeting(work, at)


def _in_chapters_zone(work: Work, chosen: Preferences, notice: Notice) -> Preferences:
    chapter = work.calendar.chapter(notice.chapter_id) if notice.chapter_id else None
    if chapter is None or notice.member_id is None or work.members.preferences(notice.member_id) is not None:
        return chosen
    return chosen.model_copy(update={"time_zone": chapter[1]})


def _about_meeting(work: Work, at: Standing) -> Standing:
    notice = at.notice
    if notice.meeting_id is None or notice.member_id is None:
        return at
    meeting = work.calendar.meeting(notice.meeting_id)
    every = work.calendar.seats(notice.meeting_id, notice.member_id)
    seat = newest_of(every)
    states = [state for state in every if seat is not None and state.seat_id == seat.seat_id]
    changes = dict(work.calendar.changes(notice.meeting_id))
    return replace(
        at,
        meeting=meeting,
        what=changes.get(notice.revision) if notice.revision is not None else None,
        newest_change=max(changes, default=0),
        seat=seat,
        since=held_since(states),
        moved=was_moved(states),
        preferences=preferences_of(work, notice.member_id, at.contact, meeting),
    )


def newest_of(states: list[Seat]) -> Seat | None:
    """A member's seat at one meeting: the newest state, whichever seat it is of."""
    return max(newest(states), key=lambda seat: (seat.heard_at, seat.change), default=None)


def preferences_of(
    work: Work, member_id: MemberId | None, contact: ContactPoint | None, meeting: Meeting | None
) -> Preferences:
    """What the member chose, else the default in the zone of their meeting and the language they came in."""
    chosen = work.members.preferences(member_id) if member_id else None
    if chosen is not None:
        return chosen
    return Preferences(time_zone=meeting.time_zone if meeting else "UTC", locale=contact.locale if contact else "en")


def facts_of(work: Work, at: Standing, terms: Terms) -> Facts:
    """What wording may need, but for what must be asked elsewhere (a join link, a feedback code)."""
    notice = at.notice
    facts = Facts(portal_url=terms.portal_url)
    if notice.verification_id is not None and at.verification is not None:
        return replace(facts, code=work.contacts.code(at.verification))
    purpose = purpose_of(notice.kind)
    if at.contact is not None and purpose is not None and at.contact.channel is Channel.EMAIL:
        token = unsubscribe_token(at.contact.contact_point_id, purpose, work.keys.keyed_hash)
        facts = replace(facts, unsubscribe_url=terms.unsubscribe_url + token)
    if notice.kind is NoticeKind.FEEDBACK_ASK:
        kept = work.notices.code(notice.notice_id)
        return replace(facts, code=kept[0], answer_by=local(kept[1], at.preferences.time_zone)) if kept else facts
    if at.meeting is None:
        return facts
    facts = meeting_facts(work, at.meeting, at.seat, facts)
    if notice.kind is NoticeKind.MEETING_CHANGED:
        facts = replace(facts, change=change_words(at.what))
    return facts


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
