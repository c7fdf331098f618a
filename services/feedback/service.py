"""What feedback listens to."""

from __future__ import annotations

from services.feedback import handlers, store
from services.feedback.store import FeedbackWork
from shared.contracts.base import Actor, Done
from shared.contracts.feedback import (
    CurrentForm,
    DrawCode,
    DrawnCode,
    Form,
    ListWindows,
    OpenWindow,
    ReadReport,
    Report,
    SubmitSlip,
    WindowAnswer,
    Windows,
)
from shared.contracts.meetings import ChapterOpened
from shared.contracts.registration import AttendanceCounted
from shared.messaging.entrypoints import background, command, every, query, subscribe
from shared.runtime.parts import Parts


class FeedbackService:
    """Asks how it was, and forgets who said so."""

    name = "feedback"
    work = FeedbackWork
    metadata = store.metadata

    def __init__(self, parts: Parts[FeedbackWork]) -> None:
        self.parts = parts

    @subscribe(ChapterOpened)
    def know_chapter(self, event: ChapterOpened, work: FeedbackWork) -> None:
        """Know the chapters of a region."""
        handlers.know_chapter(event, work)

    @subscribe(AttendanceCounted)
    def count_attendance(self, event: AttendanceCounted, work: FeedbackWork) -> None:
        """Know how many people may be asked."""
        handlers.count_attendance(event, work)

    @command(OpenWindow)
    def open_window(self, asked: OpenWindow, actor: Actor, work: FeedbackWork) -> WindowAnswer:
        """Open a window."""
        return handlers.open_window(asked, actor, work)

    @command(DrawCode)
    def draw_code(self, asked: DrawCode, actor: Actor, work: FeedbackWork) -> DrawnCode:
        """Draw a code for one person."""
        return handlers.draw_code(asked, actor, work)

    @command(SubmitSlip)
    def submit_slip(self, asked: SubmitSlip, actor: Actor, work: FeedbackWork) -> Done:
        """Take a slip."""
        return handlers.submit_slip(asked, actor, work)

    @query(CurrentForm)
    def current_form(self, asked: CurrentForm, actor: Actor, work: FeedbackWork) -> Form:
        """Show the form."""
        return handlers.current_form(asked, actor, work)

    @query(ListWindows)
    def list_windows(self, asked: ListWindows, actor: Actor, work: FeedbackWork) -> Windows:
        """List the windows."""
        return handlers.list_windows(asked, actor, work)

    @query(ReadReport)
    def read_report(self, asked: ReadReport, actor: Actor, work: FeedbackWork) -> Report:
        """Show a closed window's report."""
        return handlers.read_report(asked, actor, work)

    @every(seconds=5)
    def close_windows(self, work: FeedbackWork) -> int:
        """Close windows and freeze their reports."""
        return handlers.close_windows(work)

    @background(seconds=300)
    def tidy(self) -> bool:
        """Overwrite what the database's own journal still tells of the order in which slips came."""
        store.tidy(self.parts.store.engine)
        return False
