"""Who may do what. A gateway is not believed: each command and query is checked here, against what is stored."""

from __future__ import annotations

from services.meetings.model.meeting import Gathering
from services.meetings.model.network import Chapter, Group
from services.meetings.model.series import Series
from services.meetings.work import Work
from shared.contracts.base import Actor, ChapterId, GroupId, MeetingId, Role, SeriesId
from shared.contracts.errors import Forbidden, NotFound

NO_CHAPTER = "there is no such chapter among those you look after"
NO_GROUP = "there is no such group in the chapters you look after"
NO_SERIES = "there is no such series in the chapters you look after"
NO_MEETING = "there is no such meeting in the chapters you look after"


def require(actor: Actor, *roles: Role) -> None:
    """Only these roles. Raises Forbidden."""
    if actor.role not in roles:
        raise Forbidden("this needs another role than yours")


def may_run(actor: Actor, chapter_id: ChapterId) -> bool:
    """Whether the actor runs this chapter: its coordinator, or the operator."""
    return actor.role == Role.OPERATOR or (actor.role == Role.COORDINATOR and chapter_id in actor.chapters)


def own_chapter(chapter_id: ChapterId, actor: Actor, work: Work) -> Chapter:
    """The chapter, if the actor runs it. Raises Forbidden by role; NotFound alike for unknown and foreign ones."""
    require(actor, Role.OPERATOR, Role.COORDINATOR)
    chapter = work.chapters.get(chapter_id)
    if chapter is None or not may_run(actor, chapter.chapter_id):
        raise NotFound(NO_CHAPTER, field="chapter_id")
    return chapter


def own_group(group_id: GroupId, actor: Actor, work: Work) -> Group:
    """The group, if the actor runs its chapter. Raises as :func:`own_chapter`."""
    require(actor, Role.OPERATOR, Role.COORDINATOR)
    group = work.groups.get(group_id)
    if group is None or not may_run(actor, group.chapter_id):
        raise NotFound(NO_GROUP, field="group_id")
    return group


def own_series(series_id: SeriesId, actor: Actor, work: Work) -> Series:
    """The series, locked, if the actor runs its chapter. Raises as :func:`own_chapter`."""
    require(actor, Role.OPERATOR, Role.COORDINATOR)
    series = work.series.get(series_id)
    if series is None or not may_run(actor, series.chapter_id):
        raise NotFound(NO_SERIES, field="series_id")
    return series


def own_meeting(meeting_id: MeetingId, actor: Actor, work: Work) -> Gathering:
    """The meeting, locked, if the actor runs its chapter. Raises as :func:`own_chapter`."""
    require(actor, Role.OPERATOR, Role.COORDINATOR)
    gathering = work.meetings.to_change(meeting_id)
    if gathering is None or not may_run(actor, gathering.meeting.chapter_id):
        raise NotFound(NO_MEETING, field="meeting_id")
    return gathering
