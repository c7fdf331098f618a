"""The use cases of feedback."""

from services.feedback.handlers.reports import close_windows, list_windows, read_report
from services.feedback.handlers.slips import draw_code, submit_slip
from services.feedback.handlers.windows import count_attendance, current_form, know_chapter, open_window

__all__ = [
    "close_windows",
    "count_attendance",
    "current_form",
    "draw_code",
    "know_chapter",
    "list_windows",
    "open_window",
    "read_report",
    "submit_slip",
]
