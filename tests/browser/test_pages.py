"""What holds for every page of both apps. The list of pages comes from the route tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import routes, tour
from tests.browser.looking import wrong
from tests.browser.scene import TOPIC, Scene
from tests.browser.tour import Tour, Visit

TELLING = ("Tuesday circle", TOPIC, "Northside")
"""What the title of a page, which stands in histories and task bars, may not say."""


@pytest.fixture(scope="module")
def walk(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """Everything there is to see, seen by those who may."""
    prepared = Tour(scene, tmp_path_factory.mktemp("files"))
    yield prepared
    prepared.close()


def look(walk: Tour, visit: Visit) -> None:
    """Open it, and look at it as an assistive program, a narrow phone and a stranger would."""
    window = visit(walk)
    found = wrong(window.page) + window.faults()
    found += [f"the title says {word}" for word in TELLING if word in window.page.title()]
    assert found == []


@pytest.mark.parametrize("path", routes.ADMIN)
def test_a_page_of_the_admin_app_is_fit_for_everyone(walk: Tour, path: str) -> None:
    """No axe violation in light or dark, nothing wider than a phone, nothing asked elsewhere, a title that is neutral."""
    look(walk, tour.ADMIN[path])


@pytest.mark.parametrize("name", tour.ADMIN_MORE)
def test_so_is_what_has_no_address_of_its_own(walk: Tour, name: str) -> None:
    """Error pages, previews, and pages shown once."""
    look(walk, tour.ADMIN_MORE[name])


@pytest.mark.parametrize("path", routes.PORTAL)
def test_a_page_of_the_portal_is_fit_for_everyone(walk: Tour, path: str) -> None:
    """No axe violation in light or dark, nothing wider than a phone, nothing asked elsewhere, a title that is neutral."""
    look(walk, tour.PORTAL[path])


@pytest.mark.parametrize("name", tour.PORTAL_MORE)
def test_so_is_what_a_member_meets_on_the_way(walk: Tour, name: str) -> None:
    """Empty lists, a place in line, a page that is not there."""
    look(walk, tour.PORTAL_MORE[name])


def test_no_page_is_left_out() -> None:
    """A new page must be put into the tour, and a page that is gone be taken out of it."""
    assert set(tour.ADMIN) == set(routes.ADMIN)
    assert set(tour.PORTAL) == set(routes.PORTAL)
