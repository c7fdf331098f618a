"""The meetings service: what it listens to. What each entrypoint promises stands in its contract."""

# ruff: noqa: D102

from __future__ import annotations

from services.meetings.handlers import changing, feeding, finding, importing, replanning, scheduling, setting_up
from services.meetings.store import MeetingsWork, metadata
from shared.contracts import meetings as said
from shared.contracts.base import Actor, Done
from shared.messaging.entrypoints import command, every, query
from shared.runtime.parts import Parts


class MeetingsService:
    """Owns region, chapters, groups, venues, rooms, series and meetings. Hears no events."""

    name = "meetings"
    work = MeetingsWork
    metadata = metadata

    def __init__(self, parts: Parts[MeetingsWork]) -> None:
        self.parts = parts

    @command(said.FoundRegion)
    def found_region(self, command: said.FoundRegion, actor: Actor, work: MeetingsWork) -> said.RegionFounded:
        return setting_up.found_region(command, actor, work)

    @command(said.OpenChapter)
    def open_chapter(self, command: said.OpenChapter, actor: Actor, work: MeetingsWork) -> said.ChapterAnswer:
        return setting_up.open_chapter(command, actor, work)

    @command(said.FoundGroup)
    def found_group(self, command: said.FoundGroup, actor: Actor, work: MeetingsWork) -> said.GroupAnswer:
        return setting_up.found_group(command, actor, work)

    @command(said.AddVenue)
    def add_venue(self, command: said.AddVenue, actor: Actor, work: MeetingsWork) -> said.VenueAnswer:
        return setting_up.add_venue(command, actor, work)

    @command(said.AddRoom)
    def add_room(self, command: said.AddRoom, actor: Actor, work: MeetingsWork) -> said.RoomAnswer:
        return setting_up.add_room(command, actor, work)

    @command(said.ScheduleSeries)
    def schedule_series(self, command: said.ScheduleSeries, actor: Actor, work: MeetingsWork) -> said.SeriesView:
        return scheduling.schedule_series(command, actor, work)

    @command(said.ChangeSeries)
    def change_series(self, command: said.ChangeSeries, actor: Actor, work: MeetingsWork) -> Done:
        return replanning.change_series(command, actor, work)

    @command(said.StopSeries)
    def stop_series(self, command: said.StopSeries, actor: Actor, work: MeetingsWork) -> Done:
        return replanning.stop_series(command, actor, work)

    @command(said.MoveMeeting)
    def move_meeting(self, command: said.MoveMeeting, actor: Actor, work: MeetingsWork) -> Done:
        return changing.move_meeting(command, actor, work)

    @command(said.MoveOnline)
    def move_online(self, command: said.MoveOnline, actor: Actor, work: MeetingsWork) -> Done:
        return changing.move_online(command, actor, work)

    @command(said.MoveBack)
    def move_back(self, command: said.MoveBack, actor: Actor, work: MeetingsWork) -> Done:
        return changing.move_back(command, actor, work)

    @command(said.CancelMeeting)
    def cancel_meeting(self, command: said.CancelMeeting, actor: Actor, work: MeetingsWork) -> Done:
        return changing.cancel_meeting(command, actor, work)

    @command(said.ImportMeetings)
    def import_meetings(self, command: said.ImportMeetings, actor: Actor, work: MeetingsWork) -> said.ImportReport:
        return importing.import_meetings(command, actor, work)

    @query(said.ListChapters)
    def list_chapters(self, query: said.ListChapters, actor: Actor, work: MeetingsWork) -> said.Chapters:
        return finding.list_chapters(query, actor, work)

    @query(said.ChapterPage)
    def chapter_page(self, query: said.ChapterPage, actor: Actor, work: MeetingsWork) -> said.ChapterHoldings:
        return finding.chapter_page(query, actor, work)

    @query(said.MeetingPage)
    def meeting_page(self, query: said.MeetingPage, actor: Actor, work: MeetingsWork) -> said.MeetingView:
        return finding.meeting_page(query, actor, work)

    @query(said.FindMeetings)
    def find_meetings(self, query: said.FindMeetings, actor: Actor, work: MeetingsWork) -> said.Meetings:
        return finding.find_meetings(query, actor, work)

    @query(said.PreviewSeries)
    def preview_series(self, query: said.PreviewSeries, actor: Actor, work: MeetingsWork) -> said.SeriesPreview:
        return scheduling.preview_series(query, actor, work)

    @query(said.SeriesPage)
    def series_page(self, query: said.SeriesPage, actor: Actor, work: MeetingsWork) -> said.SeriesPlan:
        return replanning.series_page(query, actor, work)

    @query(said.PreviewSeriesChange)
    def preview_series_change(
        self, query: said.PreviewSeriesChange, actor: Actor, work: MeetingsWork
    ) -> said.SeriesChangePreview:
        return replanning.preview_series_change(query, actor, work)

    @query(said.AskJoinLink)
    def ask_join_link(self, query: said.AskJoinLink, actor: Actor, work: MeetingsWork) -> said.JoinLink:
        return finding.ask_join_link(query, actor, work)

    @query(said.MeetingGuideFeed)
    def meeting_guide_feed(self, query: said.MeetingGuideFeed, actor: Actor, work: MeetingsWork) -> said.Feed:
        return feeding.meeting_guide_feed(query, actor, work)

    @query(said.CalendarFeed)
    def calendar_feed(self, query: said.CalendarFeed, actor: Actor, work: MeetingsWork) -> said.Feed:
        return feeding.calendar_feed(query, actor, work)

    @every(seconds=2)
    def end_meetings(self, work: MeetingsWork) -> int:
        return changing.end_meetings(work)

    @every(seconds=30)
    def lay_out_ahead(self, work: MeetingsWork) -> int:
        return scheduling.lay_out_ahead(work)
