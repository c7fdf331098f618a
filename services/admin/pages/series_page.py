"""A series: what it is, its coming meetings, and after a change how the telling goes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Response

from services.admin.access import ChapterDesk, OwnChapter
from shared.contracts.base import SeriesId
from shared.contracts.errors import NotFound
from shared.contracts.meetings import MeetingView, SeriesPage, SeriesPlan
from shared.contracts.notifications import NoticeProgress, Progress
from shared.gateway.pages import wants_fragment

router = APIRouter()


@dataclass(frozen=True)
class Dated:
    """A coming meeting of a series, and how the telling of its last change goes."""

    meeting: MeetingView
    progress: Progress | None

    @property
    def busy(self) -> bool:
        """Whether messages are still on their way, or not even made yet."""
        return self.progress is not None and not self.progress.complete


async def plan_of(desk: ChapterDesk, series_id: str) -> SeriesPlan:
    """The series, if it is one of this chapter."""
    plan = await desk.ask(SeriesPage(series_id=SeriesId(series_id)))
    if plan.chapter_id != desk.chapter_id:
        raise NotFound("there is no such series in the chapters you look after")
    return plan


async def dated(desk: ChapterDesk, plan: SeriesPlan) -> list[Dated]:
    """The coming meetings; of those that were changed, how the telling goes."""

    async def one(meeting: MeetingView) -> Dated:
        if meeting.revision == 1:
            return Dated(meeting, None)
        query = NoticeProgress(meeting_id=meeting.meeting_id, revision=meeting.revision)
        try:
            return Dated(meeting, await desk.ask(query))
        except NotFound:  # laid out a moment ago: notifications has not heard of it, so nobody holds a seat
            return Dated(meeting, None)

    return list(await asyncio.gather(*map(one, plan.meetings)))


DONE = {"change": "The series is changed.", "stop": "The series is stopped."}


@router.get("/chapters/{chapter_id}/series/{series_id}")
async def series(desk: OwnChapter, series_id: str, done: str = "") -> Response:
    """What it is, its coming meetings, and of those that were changed who was told."""
    plan, holdings = await plan_of(desk, series_id), await desk.holdings()
    dates = await dated(desk, plan)
    return desk.page(
        "_series_dates.html" if wants_fragment(desk.request) else "series.html",
        plan=plan,
        dates=dates,
        busy=any(each.busy for each in dates),
        here=f"/chapters/{desk.chapter_id}/series/{plan.series_id}",
        venue=next((venue for venue in holdings.venues if venue.venue_id == plan.venue_id), None),
        room=next((room for room in holdings.rooms if room.room_id == plan.room_id), None),
        done=DONE.get(done, ""),
    )
