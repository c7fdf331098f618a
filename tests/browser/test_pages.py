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


FORMS = {
    ("admin", "/sign-in"): "Go on",
    ("admin", "/sign-in/code"): "Sign in",
    ("admin", "/invitation/{token}"): "Go on",
    ("admin", "/second-factor"): "Turn it on",
    ("admin", "/account/password"): "Change it",
    ("admin", "/account/recovery-codes"): "Make new codes",
    ("admin", "/chapters/{chapter_id}/groups/new"): "Add a group",
    ("admin", "/chapters/{chapter_id}/venues/new"): "Add a venue",
    ("admin", "/chapters/{chapter_id}/rooms/new"): "Add an online room",
    ("admin", "/chapters/{chapter_id}/series/new"): "Show the dates",
    ("admin", "/chapters/{chapter_id}/import"): "Import",
    ("admin", "/region/chapters/new"): "Open the chapter",
    ("portal", "/join"): "Send me the code",
    ("portal", "/join/code"): "Go on",
    ("portal", "/join/agreement"): "I agree, go on",
    ("portal", "/sign-in"): "Send me the code",
    ("portal", "/f"): "Send my answers",
    ("portal", "/my/contacts/add"): "Send me the code",
    ("portal", "/my/contacts/code"): "Go on",
}
"""Pages with a form that cannot be sent empty, and its button."""


@pytest.mark.parametrize(("app", "path"), FORMS)
def test_a_form_sent_empty_says_what_is_missing(walk: Tour, app: str, path: str) -> None:
    """The summary takes the focus; each of its links leads to a field that has the same words beside it."""
    window = (tour.ADMIN if app == "admin" else tour.PORTAL)[path](walk)
    page = window.page
    page.locator("main").get_by_role("button", name=FORMS[app, path], exact=True).click()
    page.wait_for_selector("#errors:focus")
    links = page.locator("#errors a")
    assert links.count() > 0
    for link in links.all():
        name = (link.get_attribute("href") or "#").removeprefix("#")
        beside = page.locator(f"#{name}-error")
        assert page.locator(f"#{name}").is_visible()
        assert " ".join((beside.text_content() or "").split()) == f"Error: {link.inner_text()}"
    assert wrong(page, schemes=("light",)) + window.faults() == []


def test_no_page_is_left_out() -> None:
    """A new page must be put into the tour, and a page that is gone be taken out of it."""
    assert set(tour.ADMIN) == set(routes.ADMIN)
    assert set(tour.PORTAL) == set(routes.PORTAL)
