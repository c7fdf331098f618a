"""The report of a window that is over: figures for the region and the chapter, and what is withheld."""

from __future__ import annotations

from tests.browser import answers
from tests.browser.looking import heard, wrong
from tests.browser.scene import Scene


def test_a_report_shows_figures_and_no_person(scene: Scene) -> None:
    """Regional staff and the coordinator read it; both pages are fit for everyone and name nobody."""
    window = answers.play(scene)
    for who in (scene.rita, scene.ana):
        desk = scene.seated(who)
        page = desk.open(f"/windows/{window}/report")
        said = heard(page)
        assert "The whole region" in said
        assert "What is withheld, and why" in said
        assert [alias for alias in answers.CROWD if alias in said.split()] == []
        assert wrong(page) + desk.faults() == []
        desk.close()
