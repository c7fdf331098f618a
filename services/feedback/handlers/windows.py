"""Windows are opened; chapters and attendance are heard of, the latter as counts only."""

from __future__ import annotations

from services.feedback.model.forms import CURRENT, form
from services.feedback.model.windows import CountedMeeting, Window, last_slip
from services.feedback.work import FeedbackWork
from shared.contracts.base import Actor, Role, WindowId
from shared.contracts.errors import Forbidden
from shared.contracts.feedback import CurrentForm, Form, OpenWindow, WindowAnswer, WindowClash, WindowOpened
from shared.contracts.meetings import ChapterOpened
from shared.contracts.registration import AttendanceCounted


def open_window(command: OpenWindow, actor: Actor, work: FeedbackWork) -> WindowAnswer:
    """Open a window, unless another of the region covers part of its time."""
    if actor.role not in (Role.REGIONAL, Role.OPERATOR):
        raise Forbidden("only regional staff open a feedback window")
    window = Window(
        window_id=WindowId(work.new_id()),
        region_id=command.region_id,
        name=command.name,
        form_id=CURRENT,
        opens_at=command.opens_at,
        closes_at=command.closes_at,
        last_slip_at=last_slip(work.now, command.opens_at, command.closes_at, command.grace_hours),
    )
    work.windows.lock_region(window.region_id)
    other = work.windows.overlapping(window.region_id, window.opens_at, window.closes_at)
    if other is not None:
        raise WindowClash(
            f"“{other.name}” covers part of that time ({other.opens_at:%Y-%m-%d %H:%M} to"
            f" {other.closes_at:%Y-%m-%d %H:%M} UTC); windows of a region do not overlap, since comparing them could"
            " give someone away",
            field="opens_at",
            window_id=other.window_id,
        )
    work.windows.add(window)
    work.publish(
        WindowOpened(
            window_id=window.window_id,
            region_id=window.region_id,
            opens_at=window.opens_at,
            closes_at=window.closes_at,
            last_slip_at=window.last_slip_at,
        )
    )
    return WindowAnswer(window_id=window.window_id)


def know_chapter(event: ChapterOpened, work: FeedbackWork) -> None:
    """A chapter that nobody answers in has a line in the report, too."""
    work.attendance.know_chapter(event.chapter_id, event.region_id)


def count_attendance(event: AttendanceCounted, work: FeedbackWork) -> None:
    """Remember how many members attended: so many codes may be drawn."""
    work.attendance.count(
        CountedMeeting(
            meeting_id=event.meeting_id,
            chapter_id=event.chapter_id,
            meeting_day=event.meeting_day,
            members=event.members,
            change=event.change,
        )
    )


def current_form(query: CurrentForm, actor: Actor, work: FeedbackWork) -> Form:
    """The form, for anyone."""
    return form(CURRENT, query.locale)
