"""A window closes, its report is frozen, and is read."""

from __future__ import annotations

from services.feedback.disclosure.blocks import RULES, compile_blocks
from services.feedback.disclosure.figures import MINIMUM, STEP
from services.feedback.model.forms import form
from services.feedback.model.windows import SPENT_KEPT, Window
from services.feedback.work import FeedbackWork
from shared.contracts.base import Actor, Role
from shared.contracts.errors import Forbidden, NotFound
from shared.contracts.feedback import (
    ListWindows,
    ReadReport,
    Report,
    ReportNotReady,
    ReportPublished,
    WindowClosed,
    Windows,
    WindowState,
)

READERS = (Role.REGIONAL, Role.OPERATOR, Role.COORDINATOR)


def close_windows(work: FeedbackWork) -> int:
    """Close the windows whose time has come; the number of them. Afterwards no code of theirs can be used."""
    due = work.windows.due(work.now)
    for window in due:
        work.windows.freeze(window.window_id, compile_report(window, work))
        work.urn.void_unused(window.window_id)
        work.publish(WindowClosed(window_id=window.window_id, region_id=window.region_id))
        work.publish(ReportPublished(window_id=window.window_id, region_id=window.region_id))
    work.urn.forget_spent(work.now - SPENT_KEPT)
    return len(due)


def compile_report(window: Window, work: FeedbackWork) -> Report:
    """The report of the slips that are in, with a block for each chapter of the region."""
    slips = work.urn.slips(window.window_id)
    everywhere = {*work.attendance.chapters_of(window.region_id), *slips}
    region, chapters = compile_blocks(
        form(window.form_id).questions,
        {chapter: slips.get(chapter, []) for chapter in everywhere},
        {str(chapter): drawn for chapter, drawn in work.urn.codes_drawn(window.window_id).items()},
    )
    closed = window.view().model_copy(update={"state": WindowState.CLOSED})
    return Report(window=closed, minimum=MINIMUM, rounding=STEP, region=region, chapters=chapters, rules=RULES)


def list_windows(query: ListWindows, actor: Actor, work: FeedbackWork) -> Windows:
    """All windows, newest first."""
    if actor.role not in (*READERS, Role.SERVICE):
        raise Forbidden("only staff see the list of feedback windows")
    return Windows(windows=tuple(window.view() for window in work.windows.all()))


def read_report(query: ReadReport, actor: Actor, work: FeedbackWork) -> Report:
    """The frozen report; of the chapters, a coordinator sees their own."""
    if actor.role not in READERS:
        raise Forbidden("only staff read feedback reports")
    window = work.windows.get(query.window_id)
    if window is None:
        raise NotFound("no such feedback window")
    report = work.windows.report(query.window_id)
    if report is None:
        raise ReportNotReady(
            f"the report is made once, after {window.last_slip_at:%Y-%m-%d %H:%M} UTC; figures that still change could"
            " be compared, and give someone away",
            ready_at=window.last_slip_at.isoformat(),
        )
    if actor.role is Role.COORDINATOR:
        own = tuple(block for block in report.chapters if block.chapter_id in actor.chapters)
        return report.model_copy(update={"chapters": own})
    return report
