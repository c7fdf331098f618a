from datetime import UTC, datetime, timedelta

from shared.contracts.base import Mode
from shared.contracts.errors import NotFound, Unreachable
from shared.contracts.meetings import FindMeetings, MeetingPage, Meetings, MeetingStatus
from shared.contracts.registration import ListMySeats, MySeats, Openings, TakeSeat
from tests.component.portal.conftest import NOW, Browser, a_meeting


def test_a_visitor_sees_times_in_the_meetings_zone_and_where_there_is_a_place(browser: Browser) -> None:
    """Never how many people come."""
    text = browser.open("/")
    assert "Tuesday 3 November" in text
    assert "7:00 pm" in text
    assert "Central Standard Time" in text
    assert "In the room: you would wait" in text
    assert "Online: places free" in text
    assert "12" not in text.replace("2026", "")
    assert "60" not in text


def test_what_is_looked_for_is_asked_of_the_service(browser: Browser) -> None:
    """Day, mode, chapter and word, from now on."""
    browser.open("/?day=1&mode=online&chapter=lakeside&text=family")
    query = next(each for each, _ in browser.asking.asked if isinstance(each, FindMeetings))
    assert (query.weekday, query.mode, query.chapter_ids, query.text) == (1, Mode.ONLINE, ("c1",), "family")
    assert query.after == NOW


def test_the_search_is_folded_and_its_line_says_what_is_looked_for(browser: Browser) -> None:
    """So that a phone's first screen shows meetings; it is open where nothing was found. It works without a script."""
    text = browser.open("/")
    assert "<details" in browser.page.text
    assert "Show only some: any day, any way to come" in text
    assert "Show only some: Tuesday, online, Lakeside, “family”" in browser.open(
        "/?day=1&mode=online&chapter=lakeside&text=family"
    )
    assert '<details class="card finder">' in browser.page.text
    browser.asking.answer(FindMeetings, Meetings(meetings=()))
    browser.open("/?day=1")
    assert '<details class="card finder" open>' in browser.page.text


def test_nonsense_in_the_address_is_left_out(browser: Browser) -> None:
    """A finder that is asked nonsense shows everything."""
    browser.open("/?day=9&mode=balloon&after=yesterday&text=" + "x" * 300)
    assert browser.page.status_code == 200
    query = next(each for each, _ in browser.asking.asked if isinstance(each, FindMeetings))
    assert (query.weekday, query.mode, query.after) == (None, None, NOW)


def test_an_empty_list_says_what_to_do_next(browser: Browser) -> None:
    """With filters: leave one out. Without: look again, and who answers now."""
    browser.asking.answer(FindMeetings, Meetings(meetings=()))
    assert "leave something out" in browser.open("/?day=1")
    assert "look again in a few days" in browser.open("/")


def test_an_unknown_chapter_finds_nothing(browser: Browser) -> None:
    """And is not taken for all chapters."""
    assert "Nothing fits" in browser.open("/?chapter=nowhere")


def test_meetings_are_shown_without_openings_where_registration_is_away(browser: Browser) -> None:
    """A slow or dead part slows only itself."""
    browser.asking.answer(Openings, Unreachable())
    text = browser.open("/")
    assert "Tuesday circle" in text
    assert "places free" not in text


def test_a_long_list_goes_on_where_the_page_ended(browser: Browser) -> None:
    """Those that begin together are never torn apart, and none is shown twice."""
    later = datetime(2026, 11, 5, 1, 0, tzinfo=UTC)
    together = [a_meeting(f"b{number}", starts_at=later, ends_at=later + timedelta(hours=1)) for number in range(2)]
    browser.asking.answer(FindMeetings, Meetings(meetings=(a_meeting("first"), *together), more=True))
    browser.open("/?mode=online")
    assert "/meetings/first" in browser.page.text
    assert "/meetings/b0" not in browser.page.text
    assert "/?mode=online&amp;after=2026-11-05T01%3A00%3A00Z" in browser.page.text


def test_a_meetings_page_tells_the_place_and_never_the_link(browser: Browser) -> None:
    """The way in online is for those who have a place, shortly before."""
    text = browser.open("/meetings/m1")
    assert "Library, 1 Main St, Chicago" in text
    assert "https://" not in text


def test_an_unknown_meeting_is_a_kind_404(browser: Browser) -> None:
    """With a way on."""
    browser.asking.answer(MeetingPage, NotFound("there is no such meeting"))
    assert "There is no such meeting." in browser.open("/meetings/zzz")
    assert browser.page.status_code == 404


def test_a_cancelled_meeting_says_so_and_cannot_be_asked_for(browser: Browser) -> None:
    """Nobody stands at a closed door."""
    browser.asking.answer(MeetingPage, a_meeting(status=MeetingStatus.CANCELLED))
    text = browser.open("/meetings/m1")
    assert "does not take place" in text
    assert "Ask for a place" not in text


def test_someone_signed_in_takes_a_seat_at_once(browser: Browser) -> None:
    """Without any more questions."""
    browser.sign_in()
    browser.asking.answer(ListMySeats, MySeats(seats=()), browser.asking._scripts[ListMySeats][0])
    browser.open("/meetings/m1")
    browser.press("/meetings/m1/seat", mode="in_person")
    assert browser.asking.sent_of(TakeSeat) == [TakeSeat(meeting_id="m1", mode=Mode.IN_PERSON)]
    assert browser.path == "/my/meetings/m1"


def test_a_way_to_come_must_be_chosen(browser: Browser) -> None:
    """And the page says so beside the choice."""
    browser.open("/meetings/m1")
    text = browser.press("/meetings/m1/seat")
    assert browser.page.status_code == 422
    assert "Choose how you would like to come" in text
