from datetime import UTC, datetime

from shared.contracts.base import Mode, Role
from shared.contracts.errors import NotFound, TooLate
from shared.contracts.notifications import AskJoinDetails, JoinDetails
from shared.contracts.registration import (
    GiveUpSeat,
    ListMySeats,
    ModeFull,
    MySeats,
    SeatState,
    SwitchMode,
)
from tests.component.portal.conftest import Browser, a_seat
from tests.support.world import ring


def test_my_places_are_for_me_alone(browser: Browser) -> None:
    """Whoever is not signed in is asked to; the questions are asked as that member."""
    for path in (
        "/my",
        "/my/meetings",
        "/my/meetings/m1",
        "/my/notices",
        "/my/yes",
        "/my/contacts",
        "/my/contacts/add",
    ):
        browser.open(path)
        assert browser.path == "/sign-in"
    browser.client.cookies.clear()
    browser.sign_in()
    browser.open("/my/meetings/m1")
    asked = {type(query): actor for query, actor in browser.asking.asked}
    assert (asked[ListMySeats].role, asked[ListMySeats].id) == (Role.MEMBER, "ana")
    assert (asked[AskJoinDetails].role, asked[AskJoinDetails].id) == (Role.MEMBER, "ana")


def test_the_list_says_where_i_stand(browser: Browser) -> None:
    """Kept, or in line and where."""
    browser.sign_in()
    assert "In the room: Your place is kept" in browser.open("/my/meetings")
    browser.asking.answer(ListMySeats, MySeats(seats=(a_seat(SeatState.WAITLISTED, line=2),)))
    assert "You are in line: number 2" in browser.open("/my/meetings")
    browser.asking.answer(ListMySeats, MySeats(seats=()))
    assert "You have no place yet. Choose a time that suits you." in browser.open("/my/meetings")


def test_i_see_what_my_mode_needs(browser: Browser) -> None:
    """The place for the room; for online the link, opened only here, when it is time."""
    browser.sign_in()
    assert "Library, 1 Main St" in browser.open("/my/meetings/m1")
    link = ring("notifications").seal_for("portal", "https://rooms.example.org/x")
    browser.asking.answer(ListMySeats, MySeats(seats=(a_seat(mode=Mode.ONLINE),)))
    browser.asking.answer(AskJoinDetails, JoinDetails(mode=Mode.ONLINE, link=link))
    browser.open("/my/meetings/m1")
    assert 'href="https://rooms.example.org/x" rel="noreferrer noopener"' in browser.page.text
    soon = datetime(2026, 11, 4, 0, 45, tzinfo=UTC)
    browser.asking.answer(AskJoinDetails, JoinDetails(mode=Mode.ONLINE, link_from=soon))
    assert "from 6:45 pm on Tuesday 3 November" in browser.open("/my/meetings/m1")


def test_a_link_that_is_no_web_link_is_never_pressed(browser: Browser) -> None:
    """Whoever typed it."""
    browser.sign_in()
    link = ring("notifications").seal_for("portal", "javascript:alert(1)")
    browser.asking.answer(AskJoinDetails, JoinDetails(mode=Mode.ONLINE, link=link))
    browser.open("/my/meetings/m1")
    assert "javascript:" not in browser.page.text


def test_a_seat_that_notifications_has_not_heard_of_is_waited_for(browser: Browser) -> None:
    """In words, not with an error."""
    browser.sign_in()
    browser.asking.answer(AskJoinDetails, NotFound("not yet"))
    assert "We are getting this ready" in browser.open("/my/meetings/m1")


def test_i_come_another_way(browser: Browser) -> None:
    """Where it is full, my place is kept and waiting is offered; only then is it given up."""
    browser.sign_in()
    browser.asking.answer(SwitchMode, ModeFull("full"), a_seat(SeatState.WAITLISTED, Mode.ONLINE, 1))
    browser.open("/my/meetings/m1")
    text = browser.press("/my/meetings/m1/switch", mode="online")
    assert "All places online are taken at the moment" in text
    assert "is still yours" in text
    browser.press("/my/meetings/m1/switch")
    first, second = browser.asking.sent_of(SwitchMode)
    assert (first.or_wait, second.or_wait) == (False, True)
    assert second.mode is Mode.ONLINE


def test_too_late_to_switch_is_said_on_the_page(browser: Browser) -> None:
    """In the words of the service."""
    browser.sign_in()
    browser.asking.answer(SwitchMode, TooLate("It has begun."))
    browser.open("/my/meetings/m1")
    assert "It has begun." in browser.press("/my/meetings/m1/switch", mode="online")


def test_a_place_is_given_up_after_a_question(browser: Browser) -> None:
    """And not by following a link."""
    browser.sign_in()
    browser.open("/my/meetings/m1/give-up")
    assert browser.asking.sent_of(GiveUpSeat) == []
    assert "You gave up your place" in browser.press("/my/meetings/m1/give-up")
    assert browser.asking.sent_of(GiveUpSeat) == [GiveUpSeat(meeting_id="m1")]


def test_the_calendar_file_has_a_neutral_name(browser: Browser) -> None:
    """It lies in a folder of downloads."""
    browser.sign_in()
    file = browser.client.get("/my/meetings/m1/calendar.ics")
    assert file.headers["content-type"] == "text/calendar; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="calendar.ics"'
    assert file.headers["cache-control"] == "no-store"


def test_a_place_that_i_gave_up_leads_to_where_i_can_ask_again(browser: Browser) -> None:
    """A notice's link still works; what would change something does not."""
    browser.sign_in()
    browser.open("/my/meetings/m2")
    assert browser.path == "/meetings/m2"
    browser.open("/my/meetings/m2/give-up")
    assert browser.page.status_code == 404


def test_a_notices_link_leads_to_its_place_after_signing_in(browser: Browser) -> None:
    """And nowhere else."""
    browser.open("/my/meetings/m1")
    assert browser.path == "/sign-in"
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    browser.press("/join/code", code="123456")
    assert browser.path == "/my/meetings/m1"
