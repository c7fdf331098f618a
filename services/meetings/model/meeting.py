"""One meeting, and what may become of it. Each decision gives the meeting as it is afterwards, or refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from services.meetings.model.network import Group, Room, Venue
from services.meetings.model.series import LONGEST_AHEAD, Offers, Series, all_online, check_offers, offers_mode
from services.meetings.recurrence.dates import Occurrence
from services.meetings.recurrence.zones import instant, local
from shared.contracts.base import ChapterId, GroupId, MeetingId, Mode, RegionId, RoomId, SeriesId, VenueId
from shared.contracts.errors import AlreadyDone, Invalid, Stale
from shared.contracts.meetings import (
    MeetingCancelled,
    MeetingFacts,
    MeetingIsOver,
    MeetingMoved,
    MeetingMovedBack,
    MeetingMovedOnline,
    MeetingResized,
    MeetingStatus,
    MeetingView,
    NoRoomOnline,
)

FactsT = TypeVar("FactsT", bound=MeetingFacts)


@dataclass(frozen=True)
class Meeting:
    """One occurrence. ``series_date`` is the local date that its series gave it, whatever it was moved to.

    It is None where the series gave the date up again. ``offers_before`` are the offers to go back to while everybody
    meets online instead. ``by_hand`` says that a person gave this one meeting another time or place.
    """

    meeting_id: MeetingId
    series_id: SeriesId | None
    series_date: date | None
    group_id: GroupId
    chapter_id: ChapterId
    region_id: RegionId
    revision: int
    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue_id: VenueId | None
    room_id: RoomId | None
    offers: Offers
    offers_before: Offers | None
    changed_at: datetime
    by_hand: bool = False

    @property
    def online_instead(self) -> bool:
        """Whether the venue is shut and everybody attends online."""
        return self.offers_before is not None

    @property
    def starts_local(self) -> datetime:
        """The start as the clock in the chapter shows it; naive."""
        return local(self.starts_at, self.time_zone)

    def offers_mode(self, mode: Mode) -> bool:
        """Whether one can attend this way now."""
        return offers_mode(self.offers, mode)


def laid_out(meeting_id: MeetingId, series: Series, region_id: RegionId, at: Occurrence, now: datetime) -> Meeting:
    """A meeting of this series on this date."""
    return Meeting(
        meeting_id=meeting_id,
        series_id=series.series_id,
        series_date=at.date,
        group_id=series.group_id,
        chapter_id=series.chapter_id,
        region_id=region_id,
        revision=1,
        status=MeetingStatus.SCHEDULED,
        starts_at=at.starts_at,
        ends_at=at.ends_at,
        time_zone=series.timing.zone,
        venue_id=series.venue_id,
        room_id=series.room_id,
        offers=all_online(series.offers) if series.shut else series.offers,
        offers_before=series.offers if series.shut else None,
        changed_at=now,
    )


def check_open(meeting: Meeting, revision: int, now: datetime) -> None:
    """A meeting may change until it is over, by someone who saw it as it is. Raises MeetingIsOver, Stale."""
    if meeting.status == MeetingStatus.CANCELLED:
        raise MeetingIsOver("this meeting was cancelled")
    if meeting.status == MeetingStatus.ENDED or meeting.ends_at <= now:
        raise MeetingIsOver("this meeting is over")
    if meeting.revision != revision:
        raise Stale("this meeting was changed meanwhile; look at it again", field="revision", revision=meeting.revision)


def moved(
    meeting: Meeting,
    now: datetime,
    *,
    starts_local: datetime | None,
    minutes: int | None,
    venue: VenueId | None,
    room: Room | None = None,
) -> Meeting:
    """Another time, venue or online room. A new venue ends "online instead". Raises Invalid where it cannot be.

    Gives the same meeting where nothing would change.
    """
    starts_at, ends_at = _new_times(meeting, now, starts_local, minutes)
    change = replace(meeting, starts_at=starts_at, ends_at=ends_at)
    if venue is not None:
        offers = meeting.offers_before or meeting.offers
        if not offers_mode(offers, Mode.IN_PERSON):
            raise Invalid("nobody meets in a room at this meeting, so it has no venue to change", field="venue_id")
        change = replace(change, venue_id=venue, offers=offers, offers_before=None)
    if room is not None:
        check_offers(change.offers, venue=change.venue_id is not None, room=room)
        change = replace(change, room_id=room.room_id)
    return changed(replace(change, by_hand=True), now) if change != meeting else meeting


def _new_times(
    meeting: Meeting, now: datetime, starts_local: datetime | None, minutes: int | None
) -> tuple[datetime, datetime]:
    length = timedelta(minutes=minutes) if minutes is not None else meeting.ends_at - meeting.starts_at
    if starts_local is None:
        starts_at = meeting.starts_at
    elif starts_local.tzinfo is not None:
        raise Invalid("say the chapter's local time, without a zone or offset", field="starts_local")
    else:
        if not abs(starts_local - now.replace(tzinfo=None)) <= LONGEST_AHEAD:
            raise Invalid("choose a date within the next three years", field="starts_local")
        starts_at = instant(starts_local.replace(second=0, microsecond=0), meeting.time_zone)
        if starts_at <= now and starts_at != meeting.starts_at:
            raise Invalid("this time has passed; choose a coming one", field="starts_local")
    if starts_at + length <= now:
        raise Invalid("it would be over already; make it longer", field="minutes")
    return starts_at, starts_at + length


def moved_online(meeting: Meeting, room: Room | None, now: datetime) -> Meeting:
    """The venue is shut: in_person goes, online holds everybody. Raises NoRoomOnline, AlreadyDone."""
    if meeting.online_instead or not meeting.offers_mode(Mode.IN_PERSON):
        raise AlreadyDone("nobody meets in a room at this meeting; it is online already")
    if room is None or not room.has_link:
        raise NoRoomOnline("this group's meetings have no online room with a link; cancel, or move to another venue")
    return changed(replace(meeting, offers=all_online(meeting.offers), offers_before=meeting.offers), now)


def moved_back(meeting: Meeting, now: datetime) -> Meeting:
    """The venue is open after all: the modes are as before. Raises AlreadyDone."""
    if meeting.offers_before is None:
        raise AlreadyDone("this meeting is held as it was planned; there is nothing to take back")
    return changed(replace(meeting, offers=meeting.offers_before, offers_before=None), now)


def cancelled(meeting: Meeting, now: datetime) -> Meeting:
    """It does not take place. The revision rises, so that calendars take it in (RFC 5546 section 2.1.4)."""
    return changed(replace(meeting, status=MeetingStatus.CANCELLED), now)


def ended(meeting: Meeting) -> Meeting:
    """Its end has passed. No revision: neither time nor place nor mode changed."""
    return replace(meeting, status=MeetingStatus.ENDED)


def follow(meeting: Meeting, old: Series, new: Series, now: datetime) -> Meeting:
    """The meeting when its series changes from ``old`` to ``new``: what a person changed by hand stays.

    Gives the same meeting where nothing would change.
    """
    planned = meeting.offers_before or meeting.offers
    change = replace(
        meeting,
        venue_id=new.venue_id if meeting.venue_id == old.venue_id else meeting.venue_id,
        room_id=new.room_id if meeting.room_id == old.room_id else meeting.room_id,
    )
    planned = new.offers if planned == old.offers else planned
    online_instead = meeting.online_instead if new.shut == old.shut else new.shut
    online_instead = online_instead and offers_mode(planned, Mode.IN_PERSON)
    change = replace(
        change,
        offers=all_online(planned) if online_instead else planned,
        offers_before=planned if online_instead else None,
    )
    starts_at, ends_at = times_on(meeting.series_date, new)
    if (meeting.starts_at, meeting.ends_at) == times_on(meeting.series_date, old) and starts_at > now:
        change = replace(change, starts_at=starts_at, ends_at=ends_at, time_zone=new.timing.zone)
    return changed(change, now) if change != meeting else meeting


def times_on(day: date | None, series: Series) -> tuple[datetime, datetime]:
    """When a meeting of this series begins and ends on this local day."""
    timing = series.timing
    starts_at = instant(datetime.combine(day or timing.starts_on, timing.starts), timing.zone)
    return starts_at, starts_at + timedelta(minutes=timing.minutes)


def changed(meeting: Meeting, now: datetime) -> Meeting:
    """The meeting, as a new revision."""
    return replace(meeting, revision=meeting.revision + 1, changed_at=now)


def news_of(before: Meeting, after: Meeting) -> type[MeetingFacts] | None:
    """What is said when a meeting became this; None where it is as it was."""
    if after.revision == before.revision:
        return None
    if after.status is MeetingStatus.CANCELLED:
        return MeetingCancelled
    if after.online_instead and not before.online_instead:
        return MeetingMovedOnline
    if before.online_instead and not after.online_instead and after.offers_mode(Mode.IN_PERSON):
        return MeetingMovedBack
    return MeetingResized if _there(before) == _there(after) else MeetingMoved


def _there(meeting: Meeting) -> tuple[object, ...]:
    return meeting.starts_at, meeting.ends_at, meeting.venue_id, meeting.room_id


@dataclass(frozen=True)
class Gathering:
    """A meeting with what one needs to speak of it."""

    meeting: Meeting
    chapter_name: str
    group: Group
    venue: Venue | None
    has_link: bool  # its room has a link, so that it can be moved online

    def facts(self, kind: type[FactsT]) -> FactsT:
        """The meeting's whole state, as an event of this kind."""
        meeting = self.meeting
        return kind(
            meeting_id=meeting.meeting_id,
            series_id=meeting.series_id,
            group_id=meeting.group_id,
            group_name=self.group.name,
            chapter_id=meeting.chapter_id,
            region_id=meeting.region_id,
            revision=meeting.revision,
            status=meeting.status,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            time_zone=meeting.time_zone,
            place=self.venue.place() if self.venue else None,
            offers=meeting.offers,
            online_instead=meeting.online_instead,
        )

    def view(self) -> MeetingView:
        """As pages show it."""
        meeting, group = self.meeting, self.group
        return MeetingView(
            meeting_id=meeting.meeting_id,
            series_id=meeting.series_id,
            group_id=group.group_id,
            chapter_id=meeting.chapter_id,
            chapter_name=self.chapter_name,
            group_name=group.name,
            purpose=group.purpose,
            kind=group.kind,
            format=group.format,
            audience=group.audience,
            languages=group.languages,
            access=group.access,
            policy=group.policy,
            revision=meeting.revision,
            status=meeting.status,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            time_zone=meeting.time_zone,
            place=self.venue.place() if self.venue else None,
            offers=meeting.offers,
            online_instead=meeting.online_instead,
            has_room=self.has_link,
        )
