"""The queries of coordinators and members: how the telling goes, what a notice would say, how one gets in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.notifications.handlers.gathering import Terms, local, meeting_facts, newest_of, place_line, preferences_of
from services.notifications.messages import Facts
from services.notifications.model.addresses import masked
from services.notifications.model.gate import mode_now
from services.notifications.model.kinds import OPEN_STATES
from services.notifications.model.planning import change_words
from services.notifications.model.reasons import NOT_NEEDED, explain
from services.notifications.model.records import Meeting, Notice, Seat
from services.notifications.outfit import Outfit
from services.notifications.work import Work
from shared.contracts.base import Actor, Channel, MeetingId, MemberId, Mode, Request, Role, Sealed
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.meetings import AskJoinLink, JoinLink, MeetingStatus
from shared.contracts.notifications import (
    AskCalendarFile,
    AskJoinDetails,
    CalendarFile,
    ChangePreview,
    ContactView,
    Discretion,
    JoinDetails,
    ListMyContacts,
    LockScreens,
    MyContacts,
    NoticeKind,
    NoticeProgress,
    NoticeState,
    PreviewChange,
    PreviewLockScreen,
    Progress,
    Unreached,
)
from shared.contracts.registration import SeatState

Ask = Callable[[Request[Any]], Any]


def list_my_contacts(query: ListMyContacts, actor: Actor, work: Work) -> MyContacts:
    """One's own contact points, masked."""
    member_id = _member(actor)
    found = []
    for contact in work.contacts.of(member_id):
        address = work.contacts.address(contact)
        if address is not None:
            silenced = any(each.purpose == "" for each in work.members.suppressions(contact.contact_hash))
            found.append(
                ContactView(
                    contact_point_id=contact.contact_point_id,
                    channel=contact.channel,
                    masked=masked(contact.channel, address),
                    suppressed=silenced,
                )
            )
    chosen = work.members.preferences(member_id)
    if chosen is None:
        zone = work.calendar.zone_of(member_id)
        chosen = preferences_of(work, member_id, next(iter(work.contacts.of(member_id)), None), None)
        chosen = chosen.model_copy(update={"time_zone": zone}) if zone else chosen
    return MyContacts(contacts=tuple(found), preferences=chosen)


def preview_lock_screen(query: PreviewLockScreen, actor: Actor, work: Work, outfit: Outfit) -> LockScreens:
    """What a lock screen would show, of a meeting that does not exist."""
    return LockScreens(previews=outfit.lock_screens(query.discretion, query.locale))


def preview_change(query: PreviewChange, actor: Actor, work: Work, outfit: Outfit, terms: Terms) -> ChangePreview:
    """The notice that a change would send to one who meets in the mode that it moves people to."""
    meeting = _coordinated(query.meeting_id, actor, work)
    facts = meeting_facts(work, meeting, None, Facts(portal_url=terms.portal_url))
    kind = NoticeKind.MEETING_CANCELLED
    if query.change != "cancelled":
        kind = NoticeKind.MEETING_CHANGED
        facts = _facts_after(facts, meeting, query)
    words = [
        outfit.wording.words(kind, channel, Discretion.DISCREET, query.locale, facts)
        for channel in (Channel.EMAIL, Channel.SMS)
    ]
    return ChangePreview(
        subject=words[0].subject or "",
        email_text=words[0].text,
        sms_text=words[1].text,
        sms_parts=outfit.sms_parts(words[1].text),
    )


def _facts_after(facts: Facts, meeting: Meeting, query: PreviewChange) -> Facts:
    if query.change == "moved_online":
        return replace(facts, change=change_words(query.change), mode=Mode.ONLINE, link_comes_later=True)
    place = query.place or meeting.place
    return replace(
        facts,
        change=change_words(query.change),
        starts=local(query.starts_at or meeting.starts_at, meeting.time_zone),
        ends=local(query.ends_at or meeting.ends_at, meeting.time_zone),
        mode=Mode.IN_PERSON if place else Mode.ONLINE,
        place=place_line(place) if place else None,
        access=place.access or None if place else None,
    )


def notice_progress(query: NoticeProgress, actor: Actor, work: Work) -> Progress:
    """People, not messages: one who got the mail is reached. A cancellation is told of under any revision."""
    meeting = _coordinated(query.meeting_id, actor, work)
    about = work.notices.about(query.meeting_id)
    wanted = [n for n in about if n.kind is NoticeKind.MEETING_CHANGED and n.revision == query.revision]
    if meeting.status is MeetingStatus.CANCELLED and query.revision >= meeting.revision:
        wanted = [n for n in about if n.kind is NoticeKind.MEETING_CANCELLED] or wanted
    people: dict[MemberId, list[Notice]] = defaultdict(list)
    for notice in wanted:
        if notice.member_id is not None:
            people[notice.member_id].append(notice)
    reached = waiting = 0
    unreached = []
    for member_id, notices in people.items():
        if any(notice.state is NoticeState.SENT for notice in notices):
            reached += 1
        elif any(notice.state in OPEN_STATES for notice in notices):
            waiting += 1
        elif any(notice.reason not in NOT_NEEDED for notice in notices):
            unreached.append(_unreached(member_id, notices))
    return Progress(
        meeting_id=query.meeting_id,
        revision=query.revision,
        due=reached + waiting + len(unreached),
        reached=reached,
        waiting=waiting,
        unreached=tuple(unreached),
        complete=waiting == 0 and meeting.revision >= query.revision,  # else the change itself is still on its way
    )


def _unreached(member_id: MemberId, notices: list[Notice]) -> Unreached:
    """The notice that a person can do most about speaks for all of them: one that is held, else the last made."""
    telling = next((n for n in notices if n.state is NoticeState.HELD), notices[-1])
    explanation, next_step = explain(telling.reason)
    return Unreached(
        member_id=member_id,
        notice_id=telling.notice_id,
        channel=telling.channel,
        state=telling.state,
        reason=telling.reason,
        explanation=explanation,
        next_step=next_step,
    )


def room_wanted(query: AskJoinDetails, actor: Actor, work: Work, link_within: timedelta) -> AskJoinLink | None:
    """What to ask meetings for, outside this transaction, before this person can be told how they get in."""
    meeting, mode = _attended(query.meeting_id, actor, work)
    open_now = meeting.starts_at - link_within <= work.now < meeting.ends_at
    return AskJoinLink(meeting_id=meeting.meeting_id) if open_now and mode is not Mode.IN_PERSON else None


def join_details(
    query: AskJoinDetails, actor: Actor, work: Work, link_within: timedelta, room: JoinLink | None
) -> JoinDetails:
    """What this person needs in their mode, and nothing else; the link sealed to the portal, and only shortly before."""
    meeting, mode = _attended(query.meeting_id, actor, work)
    if mode is Mode.IN_PERSON:
        place = meeting.place
        text = None
        if place is not None:
            city = " ".join(part for part in (place.postal_code, place.city) if part)
            text = "\n".join(part for part in (place.name, place.address, city, place.access) if part)
        return JoinDetails(mode=mode, place=text)
    link_from = meeting.starts_at - link_within
    if room is None or work.now >= meeting.ends_at:
        return JoinDetails(mode=mode, link_from=link_from)

    def passed_on(sealed: Sealed | None) -> Sealed | None:
        return work.seal_for("portal", work.unseal(sealed)) if sealed else None

    return JoinDetails(
        mode=mode,
        link=passed_on(room.link) if mode is Mode.ONLINE else None,
        dial_in=passed_on(room.dial_in) if mode is Mode.PHONE else None,
        passcode=passed_on(room.passcode),
        link_from=link_from,
    )


def _attended(meeting_id: MeetingId, actor: Actor, work: Work) -> tuple[Meeting, Mode]:
    """The meeting, where this person has a place there that stands, and the mode that it is now."""
    meeting, seat = _own_seat(meeting_id, actor, work)
    if seat.state is not SeatState.CONFIRMED or meeting.status is MeetingStatus.CANCELLED:
        raise _no_seat()
    return meeting, mode_now(seat, meeting)


def ask_calendar_file(query: AskCalendarFile, actor: Actor, work: Work, outfit: Outfit, terms: Terms) -> CalendarFile:
    """The entry of one's seat, at one's discretion level. Never a link."""
    meeting, seat = _own_seat(query.meeting_id, actor, work)
    if seat.state is not SeatState.CONFIRMED or meeting.status is MeetingStatus.CANCELLED:
        raise _no_seat()
    chosen = preferences_of(work, seat.member_id, next(iter(work.contacts.of(seat.member_id)), None), meeting.time_zone)
    facts = meeting_facts(work, meeting, seat, Facts(portal_url=terms.portal_url))
    return CalendarFile(body=outfit.wording.calendar_file(chosen.discretion, chosen.locale, facts))


def _own_seat(meeting_id: MeetingId, actor: Actor, work: Work) -> tuple[Meeting, Seat]:
    seat = newest_of(work.calendar.seats(meeting_id, _member(actor)))
    meeting = work.calendar.meeting(meeting_id)
    if meeting is None or seat is None or not seat.held:
        raise _no_seat()
    return meeting, seat


def _no_seat() -> NotFound:
    return NotFound("you have no seat at this meeting; take one first", field="meeting_id")


def _coordinated(meeting_id: MeetingId, actor: Actor, work: Work) -> Meeting:
    """The meeting, if this actor coordinates its chapter; whether another exists is not told."""
    meeting = work.calendar.meeting(meeting_id)
    if actor.role is not Role.COORDINATOR:
        raise Forbidden("only the coordinator of the chapter may look at this")
    if meeting is None or meeting.chapter_id not in actor.chapters:
        raise NotFound("no such meeting in your chapters", field="meeting_id")
    return meeting


def _member(actor: Actor) -> MemberId:
    if actor.role is not Role.MEMBER or actor.id is None:
        raise Forbidden("sign in first")
    return MemberId(actor.id)
