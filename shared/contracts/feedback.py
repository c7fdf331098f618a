"""What feedback says and answers: forms, windows, codes, slips, reports."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from shared.contracts.base import (
    ChapterId,
    Command,
    Contract,
    Done,
    Event,
    Instant,
    Line,
    Locale,
    Query,
    RegionId,
    Sealed,
    View,
    WindowId,
)
from shared.contracts.errors import Refused


class WindowState(StrEnum):
    """A window takes slips while open; once closed its report never changes."""

    OPEN = "open"
    CLOSED = "closed"


# -- events -----------------------------------------------------------------------------------


class WindowOpened(Event):
    """People who attend a meeting from now until it closes are asked once."""

    type: ClassVar[str] = "feedback.window_opened.v1"
    subject: ClassVar[str] = "window_id"

    window_id: WindowId
    region_id: RegionId
    opens_at: Instant
    closes_at: Instant  # of the attendance; slips are taken until ``last_slip_at``
    last_slip_at: Instant


class WindowClosed(Event):
    """No more slips; codes that were not used are void."""

    type: ClassVar[str] = "feedback.window_closed.v1"
    subject: ClassVar[str] = "window_id"

    window_id: WindowId
    region_id: RegionId


class ReportPublished(Event):
    """The window's report is frozen and can be read."""

    type: ClassVar[str] = "feedback.report_published.v1"
    subject: ClassVar[str] = "window_id"

    window_id: WindowId
    region_id: RegionId


# -- refusals ---------------------------------------------------------------------------------


class CodeUsed(Refused):
    """The code has been used: the answers that came with it count."""

    code = "code_used"


class CodeUnknown(Refused):
    """No open window knows this code."""

    code = "code_unknown"


class WindowClash(Refused):
    """Another window of the region covers part of that time."""

    code = "window_clash"


# -- commands ---------------------------------------------------------------------------------


class WindowAnswer(View):
    """The window's id."""

    window_id: WindowId


class OpenWindow(Command[WindowAnswer]):
    """Open a feedback window. Regional staff or operator. Windows of a region do not overlap."""

    type: ClassVar[str] = "feedback.open_window.v1"

    region_id: RegionId
    name: Line  # "November 2026"
    opens_at: Instant
    closes_at: Instant
    grace_hours: int = 72  # how long after ``closes_at`` slips are still taken


class DrawnCode(View):
    """A random one-use code in the clear, sealed to notifications. Only its hash stays in feedback."""

    code: Sealed
    last_slip_at: Instant


class DrawCode(Command[DrawnCode]):
    """Draw one code for one person of a chapter. Role SERVICE. Leaves no request, event, log line or time.

    Refuses TooMany where more codes were drawn than people were counted (with some slack for lost answers).
    """

    type: ClassVar[str] = "feedback.draw_code.v1"
    remembered: ClassVar[bool] = False

    window_id: WindowId
    chapter_id: ChapterId


class Answers(Contract):
    """The answers to one form: question id to chosen scale value. A question may be left out."""

    values: dict[str, int]


class SubmitSlip(Command[Done]):
    """Hand in one anonymous slip. Anyone with a code. Leaves no request, event, log line or time.

    Refuses CodeUnknown, CodeUsed, Invalid (field = question id), TooLate.
    """

    type: ClassVar[str] = "feedback.submit_slip.v1"
    remembered: ClassVar[bool] = False

    code: Sealed  # sealed to feedback; spaces, dashes and case do not matter
    answers: Sealed  # sealed to feedback: Answers as JSON


# -- queries ----------------------------------------------------------------------------------


class Question(Contract):
    """One item with a labelled scale, lowest value first."""

    question_id: str
    text: str
    labels: tuple[str, ...]  # value 0 is the first label


class Form(View):
    """The form in use."""

    form_id: str
    title: str
    intro: str
    questions: tuple[Question, ...]
    source: str  # where the items come from and under which licence


class CurrentForm(Query[Form]):
    """The form. Anyone."""

    type: ClassVar[str] = "feedback.current_form.v1"

    locale: Locale = "en"


class WindowView(Contract):
    """A window in a list."""

    window_id: WindowId
    name: str
    state: WindowState
    opens_at: Instant
    closes_at: Instant
    last_slip_at: Instant


class Windows(View):
    """Windows, newest first."""

    windows: tuple[WindowView, ...]


class ListWindows(Query[Windows]):
    """The region's windows. Regional staff, coordinators, operator, services."""

    type: ClassVar[str] = "feedback.list_windows.v1"


class QuestionFigures(Contract):
    """One question in one block. None means withheld, and ``why`` says by which rule."""

    question_id: str
    text: str
    labels: tuple[str, ...]
    answered: int | None  # rounded to 5
    shares: tuple[int | None, ...] | None  # rounded count per label
    band: str | None  # "mostly", "mixed", "few": how many chose one of the upper half
    why: str | None = None


class BlockReport(Contract):
    """The figures of one chapter, or of the whole region (``chapter_id`` None)."""

    chapter_id: ChapterId | None
    persons: int | None  # rounded to 5; None when withheld
    withheld: str | None  # why nothing is shown: "fewer than 10 answered", "its figure would give away another's"
    questions: tuple[QuestionFigures, ...]


class Report(View):
    """A closed window's report, with what it withholds and by which rules."""

    window: WindowView
    minimum: int  # persons below which nothing is shown
    rounding: int
    region: BlockReport
    chapters: tuple[BlockReport, ...]
    rules: tuple[str, ...]  # in plain words


class ReadReport(Query[Report]):
    """A closed window's report. Regional staff see all; a coordinator their chapters and the region. TooLate never:
    an open window is refused as ``report_not_ready``.
    """

    type: ClassVar[str] = "feedback.read_report.v1"

    window_id: WindowId


class ReportNotReady(Refused):
    """The window is still open; figures that could change could be compared, and give someone away."""

    code = "report_not_ready"
