"""Schedule series, preview them, and lay their meetings out ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from services.meetings.handlers.access import own_chapter, own_group
from services.meetings.model.meeting import Gathering, laid_out
from services.meetings.model.network import Room, Venue
from services.meetings.model.series import AHEAD, Series, check_offers, offers_mode, timing_of
from services.meetings.recurrence.dates import Occurrence, notes_on, occurrences
from services.meetings.recurrence.rules import Timing
from services.meetings.work import Work
from shared.contracts.base import Actor, ChapterId, MeetingId, Mode, RoomId, SeriesId, VenueId
from shared.contracts.errors import Invalid
from shared.contracts.meetings import MeetingScheduled, PreviewSeries, ScheduleSeries, SeriesPreview, SeriesView

LAY_OUT_AT_ONCE = 100
"""Series that one turn of the timer lays out further."""


def schedule_series(command: ScheduleSeries, actor: Actor, work: Work) -> SeriesView:
    """Schedule a series and lay out its first weeks. Raises Invalid with the field that is wrong."""
    group = own_group(command.group_id, actor, work)
    chapter = own_chapter(group.chapter_id, actor, work)
    venue = venue_of(chapter.chapter_id, command.venue_id, work)
    room = room_of(chapter.chapter_id, command.room_id, work)
    check_offers(command.offers, venue=venue is not None, room=room)
    in_person = offers_mode(command.offers, Mode.IN_PERSON)
    series = Series(
        series_id=SeriesId(work.new_id()),
        group_id=group.group_id,
        chapter_id=chapter.chapter_id,
        rrule=clean_rrule(command.rule.rrule),
        timing=timing_of(command.rule, chapter.time_zone, work.now),
        offers=command.offers,
        venue_id=venue.venue_id if venue and in_person else None,
        room_id=room.room_id if room else None,
        laid_out_to=work.now,
        changed_at=work.now,
    )
    work.series.add(series)
    lay_out(series, work)
    return SeriesView(series_id=series.series_id, meetings=tuple(work.meetings.of_series(series.series_id)))


def clean_rrule(text: str) -> str:
    """The rule's text as it is kept."""
    return text.strip().upper().removeprefix("RRULE:").rstrip(";")


def venue_of(chapter_id: ChapterId, venue_id: VenueId | None, work: Work) -> Venue | None:
    """The chapter's venue. Raises Invalid alike for an unknown one and another chapter's."""
    if venue_id is None:
        return None
    venue = work.venues.get(venue_id)
    if venue is None or venue.chapter_id != chapter_id:
        raise Invalid("there is no such venue in this chapter", field="venue_id")
    return venue


def room_of(chapter_id: ChapterId, room_id: RoomId | None, work: Work) -> Room | None:
    """The chapter's online room. Raises Invalid alike for an unknown one and another chapter's."""
    if room_id is None:
        return None
    room = work.rooms.get(room_id)
    if room is None or room.chapter_id != chapter_id:
        raise Invalid("there is no such online room in this chapter", field="room_id")
    return room


def lay_out(series: Series, work: Work) -> Series:
    """Make the meetings that are due, say so, and note how far the series is laid out."""
    lay_out_on(series, series.due(work.now), work)
    further = replace(series, laid_out_to=max(series.laid_out_to, work.now + AHEAD), open=series.goes_on(work.now))
    work.series.change(further)
    return further


def lay_out_on(series: Series, dates: Sequence[Occurrence], work: Work) -> None:
    """Make the series' meetings on these dates, and say so."""
    chapter, group = work.chapters.get(series.chapter_id), work.groups.get(series.group_id)
    if chapter is None or group is None:
        raise LookupError("a series without its chapter or group")
    venue = work.venues.get(series.venue_id) if series.venue_id else None
    room = work.rooms.get(series.room_id) if series.room_id else None
    meetings = [laid_out(MeetingId(work.new_id()), series, chapter.region_id, at, work.now) for at in dates]
    work.meetings.add(meetings)
    for meeting in meetings:
        gathering = Gathering(meeting, chapter.name, group, venue, has_link=room is not None and room.has_link)
        work.publish(gathering.facts(MeetingScheduled))


def lay_out_ahead(work: Work) -> int:
    """By timer: keep every series laid out eight weeks ahead. A series is looked at once a day; how many were."""
    due = work.series.to_lay_out(work.now + AHEAD - timedelta(days=1), LAY_OUT_AT_ONCE)
    for series in due:
        lay_out(series, work)
    return len(due)


def preview_series(query: PreviewSeries, actor: Actor, work: Work) -> SeriesPreview:
    """The first coming dates of a rule, with what a person should know of them. Raises Invalid as scheduling does."""
    chapter = own_chapter(query.chapter_id, actor, work)
    timing = timing_of(query.rule, chapter.time_zone, work.now)
    passed, shown = _shown(timing, query.most, work)
    notes = notes_on(timing, shown, chapter.languages[0])
    if passed:
        dates = "1 date has" if passed == 1 else f"{passed} dates have"
        notes = (f"{dates} passed and will not be laid out.", *notes)
    return SeriesPreview(starts=tuple(at.starts_at for at in shown), time_zone=chapter.time_zone, notes=notes)


def _shown(timing: Timing, most: int, work: Work) -> tuple[int, list[Occurrence]]:
    """How many dates have begun already, and the next ones."""
    passed = 0
    dates = occurrences(timing)
    for at in dates:
        if at.starts_at > work.now:
            return passed, [at, *islice(dates, most - 1)]
        passed += 1
    return passed, []
