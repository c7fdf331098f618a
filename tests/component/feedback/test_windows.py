"""A whole window: opened, codes drawn, slips handed in, closed, read."""

from __future__ import annotations

import pytest

from shared.contracts.base import WindowId
from shared.contracts.errors import Forbidden, Invalid, NotFound
from shared.contracts.feedback import (
    CurrentForm,
    ListWindows,
    OpenWindow,
    ReadReport,
    ReportNotReady,
    ReportPublished,
    WindowClash,
    WindowClosed,
    WindowOpened,
    WindowState,
)
from tests.component.feedback.given import Feedback, chapter_opened
from tests.support.world import OPERATOR, REGIONAL, SERVICE, START, VISITOR, coordinator, member


def test_a_window_is_opened_closed_and_its_report_read(feedback: Feedback) -> None:
    """The whole life: one chapter is one person below the minimum, so another is withheld with it."""
    window = feedback.open()
    feedback.answered(window, "ash", 12, 3, present=20)
    feedback.answered(window, "birch", 8, 1, present=12)
    feedback.answered(window, "cedar", 20, 6, present=34)
    feedback.close()
    report = feedback.report(window)
    assert report.window.state is WindowState.CLOSED
    assert report.region.persons == 50
    assert {block.chapter_id: block.persons for block in report.chapters} == {"ash": None, "birch": None, "cedar": 25}
    assert {block.chapter_id: block.withheld for block in report.chapters} == {
        "ash": "its figure would give away another's",
        "birch": "fewer than 10 answered",
        "cedar": None,
    }
    assert [type(event) for event in feedback.world.said()] == [WindowOpened, WindowClosed, ReportPublished]


def test_windows_of_a_region_do_not_overlap(feedback: Feedback) -> None:
    """Two reports on partly the same people could be subtracted from each other."""
    feedback.open(days=28)
    with pytest.raises(WindowClash, match="November") as refused:
        feedback.open(days=28, after=27)
    assert refused.value.field == "opens_at"
    feedback.open(days=28, after=28, name="December 2026")
    feedback.open(days=28, name="elsewhere", region="region-2")


@pytest.mark.parametrize("actor", [VISITOR, member("ana"), coordinator("ash")])
def test_only_regional_staff_and_the_operator_open_windows(feedback: Feedback, actor) -> None:
    """A coordinator who could choose the window could choose it to hold one evening."""
    command = OpenWindow(region_id="region-1", name="mine", opens_at=START, closes_at=START.replace(day=9))
    with pytest.raises(Forbidden):
        feedback.world.send(command, actor)
    feedback.world.send(command, OPERATOR)


def test_a_window_must_end_after_it_begins_and_in_the_future(feedback: Feedback) -> None:
    """What is wrong is said with its field."""
    for days, after in [(-1, 0), (1, -2)]:
        with pytest.raises(Invalid) as refused:
            feedback.open(days=days, after=after)
        assert refused.value.field == "closes_at"


def test_an_open_window_has_no_report(feedback: Feedback) -> None:
    """Figures that still change could be compared."""
    window = feedback.open()
    feedback.answered(window, "ash", 12)
    with pytest.raises(ReportNotReady):
        feedback.report(window)
    feedback.world.tick(days=28)  # closed for attendance, in its grace
    with pytest.raises(ReportNotReady):
        feedback.report(window)
    feedback.world.tick(days=3)
    assert feedback.report(window).region.persons == 10


def test_a_coordinator_reads_their_own_chapters_and_the_region(feedback: Feedback) -> None:
    """And nobody else but staff reads anything."""
    window = feedback.open()
    feedback.answered(window, "ash", 12)
    feedback.answered(window, "birch", 14)
    feedback.close()
    assert [block.chapter_id for block in feedback.report(window, coordinator("birch")).chapters] == ["birch"]
    assert feedback.report(window, coordinator("birch")).region == feedback.report(window).region
    for actor in (VISITOR, member("ana"), SERVICE):
        with pytest.raises(Forbidden):
            feedback.report(window, actor)
    with pytest.raises(NotFound):
        feedback.world.ask(ReadReport(window_id=WindowId("nowhere")), REGIONAL)


def test_a_report_is_frozen(feedback: Feedback) -> None:
    """What is learnt after closing changes nothing in it, and it is published once."""
    window = feedback.open()
    feedback.answered(window, "ash", 12)
    feedback.close()
    before = feedback.report(window)
    feedback.world.deliver(chapter_opened("birch"))
    feedback.world.tick(days=1)
    assert feedback.report(window) == before
    assert len(feedback.world.published(ReportPublished)) == 1


def test_a_chapter_in_which_nobody_answered_has_a_line(feedback: Feedback) -> None:
    """A missing line would say that nobody did."""
    window = feedback.open()
    feedback.world.deliver(chapter_opened("ash"))
    feedback.close()
    report = feedback.report(window)
    assert [(block.chapter_id, block.withheld) for block in report.chapters] == [("ash", "fewer than 10 answered")]
    assert report.region.persons is None


def test_windows_are_listed_newest_first_to_staff_and_services(feedback: Feedback) -> None:
    """Members and visitors have no use for the list."""
    feedback.open(name="first", days=7)
    feedback.open(name="second", days=7, after=7)
    for actor in (REGIONAL, OPERATOR, SERVICE, coordinator("ash")):
        windows = feedback.world.ask(ListWindows(), actor).windows
        assert [window.name for window in windows] == ["second", "first"]
    with pytest.raises(Forbidden):
        feedback.world.ask(ListWindows(), VISITOR)


def test_anyone_reads_the_form(feedback: Feedback) -> None:
    """A language that we do not have is answered in English."""
    form = feedback.world.ask(CurrentForm(locale="de-AT"), VISITOR)
    assert len(form.questions) == 5
    assert "CC0" in form.source
