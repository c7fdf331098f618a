"""What anyone, a coordinator, and another service may see."""

from __future__ import annotations

from services.meetings.handlers.access import own_chapter, require
from services.meetings.work import Work
from shared.contracts.base import Actor, Mode, Role, Sealed
from shared.contracts.errors import Forbidden, Invalid, NotFound
from shared.contracts.meetings import (
    AskJoinLink,
    ChapterHoldings,
    ChapterPage,
    Chapters,
    FindMeetings,
    JoinLink,
    ListChapters,
    MeetingIsOver,
    MeetingPage,
    Meetings,
    MeetingStatus,
    MeetingView,
    NoRoomOnline,
)


def list_chapters(query: ListChapters, actor: Actor, work: Work) -> Chapters:
    """All chapters, by name. Anyone."""
    region = work.regions.the_one()
    return Chapters(
        region_name=region.name if region else None,
        region_id=region.region_id if region else None,
        chapters=tuple(chapter.view() for chapter in work.chapters.all()),
    )


def chapter_page(query: ChapterPage, actor: Actor, work: Work) -> ChapterHoldings:
    """What a coordinator can schedule with."""
    chapter = own_chapter(query.chapter_id, actor, work)
    return ChapterHoldings(
        chapter=chapter.view(),
        groups=tuple(group.view() for group in work.groups.of(chapter.chapter_id)),
        venues=tuple(venue.place() for venue in work.venues.of(chapter.chapter_id)),
        rooms=tuple(room.view() for room in work.rooms.of(chapter.chapter_id)),
        series=tuple(series.line() for series in work.series.listed(chapter.chapter_id)),
    )


def meeting_page(query: MeetingPage, actor: Actor, work: Work) -> MeetingView:
    """One meeting. Anyone."""
    gathering = work.meetings.get(query.meeting_id)
    if gathering is None:
        raise NotFound("there is no such meeting", field="meeting_id")
    return gathering.view()


def find_meetings(query: FindMeetings, actor: Actor, work: Work) -> Meetings:
    """Meetings by start. Anyone."""
    if query.before <= query.after:
        raise Invalid("the end of the search lies before its beginning", field="before")
    found = work.meetings.find(query)
    return Meetings(
        meetings=tuple(gathering.view() for gathering in found[: query.limit]), more=len(found) > query.limit
    )


def ask_join_link(query: AskJoinLink, actor: Actor, work: Work) -> JoinLink:
    """The online room of a meeting that is held online or by phone, sealed to the service that asks.

    The signature says that a service asks; what it names itself is what the answer is sealed to, so that a
    service that borrows a name cannot open it.
    """
    require(actor, Role.SERVICE)
    gathering = work.meetings.get(query.meeting_id)
    if gathering is None:
        raise NotFound("there is no such meeting", field="meeting_id")
    meeting = gathering.meeting
    if meeting.status != MeetingStatus.SCHEDULED:
        raise MeetingIsOver("this meeting is over or was cancelled; there is nothing to enter")
    online, phone = meeting.offers_mode(Mode.ONLINE), meeting.offers_mode(Mode.PHONE)
    if meeting.room_id is None or not (online or phone):
        raise NoRoomOnline("this meeting is held in a room only")
    secrets = work.rooms.secrets(meeting.room_id)
    return JoinLink(
        link=_sealed(secrets.link, actor, work) if online else None,
        dial_in=_sealed(secrets.dial_in, actor, work),
        passcode=_sealed(secrets.passcode, actor, work),
    )


def _sealed(text: str | None, actor: Actor, work: Work) -> Sealed | None:
    if text is None:
        return None
    try:
        return work.seal_for(actor.id or "", text)
    except KeyError as error:
        raise Forbidden("no service has this name") from error
