from sqlalchemy import text

from shared.contracts.base import Channel, Mode, Role
from shared.contracts.errors import Invalid, TooMany, Unreachable
from shared.contracts.notifications import CodeExpired, ConfirmCode, SetPreferences, StartVerification, WrongCode
from shared.contracts.registration import (
    AcceptAgreement,
    Join,
    MeetingNotOpen,
    Membership,
    MyMembership,
    Purpose,
    RoleInAttending,
    TakeSeat,
)
from tests.component.portal.conftest import Browser

NEW = Membership(joined=False)


def walk_to_agreement(browser: Browser, *, meeting: bool = True) -> str:
    browser.asking.answer(MyMembership, NEW)
    if meeting:
        browser.open("/meetings/m1")
        browser.press("/meetings/m1/seat", mode="online")
    else:
        browser.open("/join")
    assert browser.path == "/join"
    browser.press("/join", alias="Anastasia of the Lake", channel="sms", contact="312 555 0199", country="US")
    assert browser.path == "/join/code"
    return browser.press("/join/code", code="123-456")


def test_someone_new_walks_from_a_meeting_to_a_seat(browser: Browser) -> None:
    """Reach, code, agreement, seat; what was typed travels sealed, and nothing of it stands in an address."""
    shown = walk_to_agreement(browser)
    assert browser.path == "/join/agreement"
    assert "What is said here stays here. Except danger." in shown
    browser.press(
        "/join/agreement",
        role="lived_experience",
        agree="yes",
        consents=["meeting_changes.sms", "meeting_reminders.sms"],
    )
    assert browser.path == "/my/meetings/m1"
    started, confirmed = browser.asking.sent_of(StartVerification)[0], browser.asking.sent_of(ConfirmCode)[0]
    assert (started.channel, started.country) == (Channel.SMS, "US")
    assert browser.opened(started.contact, "notifications") == "312 555 0199"
    assert browser.opened(confirmed.code, "notifications") == "123456"
    joined = browser.asking.sent_of(Join)[0]
    assert browser.opened(joined.alias, "registration") == "Anastasia of the Lake"
    assert (joined.role_in_attending, joined.agreement_version) == (RoleInAttending.LIVED_EXPERIENCE, 3)
    assert {(each.purpose, each.granted) for each in joined.consents if each.channel is Channel.SMS} == {
        (Purpose.MEETING_CHANGES, True),
        (Purpose.MEETING_REMINDERS, True),
        (Purpose.FEEDBACK_ASK, False),
    }
    assert all(each.channel is Channel.SMS for each in joined.consents), "nobody decides on what was not asked"
    assert browser.asking.sent_of(TakeSeat) == [TakeSeat(meeting_id="m1", mode=Mode.ONLINE)]


def test_actors_are_visitors_until_the_code_was_right_and_then_themselves(browser: Browser) -> None:
    """The id of someone new is minted here, once, and is theirs from then on."""
    walk_to_agreement(browser)
    browser.press("/join/agreement", role="family", agree="yes")
    actors = {type(command): actor for command, actor, _ in browser.asking.sent}
    minted = browser.asking.sent_of(ConfirmCode)[0].member_id
    assert actors[StartVerification].role is actors[ConfirmCode].role is Role.VISITOR
    assert actors[Join].role is actors[TakeSeat].role is Role.MEMBER
    assert actors[Join].id == actors[TakeSeat].id == minted


def test_no_box_is_ticked_beforehand(browser: Browser) -> None:
    """A consent is given, never taken."""
    walk_to_agreement(browser)
    assert " checked" not in browser.page.text


def test_the_agreement_must_be_accepted(browser: Browser) -> None:
    """Without it nothing is sent, and what was chosen is kept."""
    walk_to_agreement(browser)
    text = browser.press("/join/agreement", role="family", consents=["feedback_ask.sms"])
    assert browser.page.status_code == 422
    assert "Tick the box if you agree" in text
    assert browser.asking.sent_of(Join) == []
    assert 'value="feedback_ask.sms" aria-describedby="feedback_ask-sms-note" checked' in browser.page.text


def test_someone_known_is_simply_signed_in_by_the_same_pages(browser: Browser) -> None:
    """And asked for nothing that they said before."""
    browser.open("/join")
    browser.press("/join", alias="Somebody else", channel="email", contact="ana@example.org")
    browser.press("/join/code", code="123456")
    assert browser.path == "/join/done"
    assert browser.asking.sent_of(Join) == []


def test_known_and_unknown_are_told_the_same_before_the_code(browser: Browser) -> None:
    """Nobody finds out whether an address belongs here."""
    pages = []
    for membership in (NEW, Membership(joined=True, alias="Ana", agreement_current=True)):
        browser.client.cookies.clear()
        browser.asking.answer(MyMembership, membership)
        browser.open("/join")
        browser.press("/join", alias="Ana", channel="email", contact="ana@example.org")
        pages.append((browser.path, browser.text))
    assert pages[0] == pages[1]


def test_an_agreement_that_changed_is_shown_again_and_accepted(browser: Browser) -> None:
    """Without asking again who one is."""
    browser.asking.answer(MyMembership, Membership(joined=True, alias="Ana", agreement_current=False))
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    text = browser.press("/join/code", code="123456")
    assert "This has changed since you last said yes" in text
    browser.press("/join/agreement", agree="yes")
    assert browser.asking.sent_of(AcceptAgreement) == [AcceptAgreement(version=3)]
    assert browser.path == "/my/meetings"


def test_a_wrong_code_says_how_many_tries_are_left(browser: Browser) -> None:
    """Beside the field."""
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    browser.asking.answer(ConfirmCode, WrongCode("no", field="code", tries_left=2))
    text = browser.press("/join/code", code="999999")
    assert browser.page.status_code == 422
    assert "That is not the code we sent last. You can try 2 more times." in text


def test_an_old_code_can_be_replaced(browser: Browser) -> None:
    """To the same contact, without typing it again."""
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    browser.asking.answer(ConfirmCode, CodeExpired("too old"))
    assert "This code no longer works" in browser.press("/join/code", code="123456")
    text = browser.press("/join/code/again")
    assert "We sent another code" in text
    first, second = browser.asking.sent_of(StartVerification)
    assert first.contact == second.contact


def test_what_cannot_be_a_contact_is_said_beside_the_field(browser: Browser) -> None:
    """And nothing is sent."""
    browser.open("/join")
    assert "Enter an email address" in browser.press("/join", alias="Ana", channel="email", contact="nobody")
    assert "Enter a phone number" in browser.press("/join", alias="Ana", channel="sms", contact="ana@example.org")
    assert "not an address or a phone number" in browser.press(
        "/join", alias="ana@example.org", channel="email", contact="ana@example.org"
    )
    assert browser.asking.sent == []


def test_the_services_refusals_stand_where_they_belong(browser: Browser) -> None:
    """An unreachable number beside its field, too many codes on top."""
    browser.open("/sign-in")
    browser.asking.answer(
        StartVerification, Invalid("This number cannot get texts.", field="contact"), TooMany("Wait a little.")
    )
    assert "Error: This number cannot get texts." in browser.press("/sign-in", channel="sms", contact="312 555 0199")
    assert "Wait a little." in browser.press("/sign-in", channel="sms", contact="312 555 0199")


def test_pressing_twice_is_the_same_request(browser: Browser) -> None:
    """The same id and the same bytes, though a sealed box is different each time."""
    browser.open("/sign-in")
    form = {**browser.secrets("/sign-in"), "channel": "email", "contact": "ana@example.org"}
    for _ in range(2):
        browser.client.post("/sign-in", data=form)
    (first, _, one), (second, _, other) = browser.asking.sent
    assert (first, one) == (second, other)


def test_codes_are_limited_by_network_without_its_address(browser: Browser) -> None:
    """A keyed hash."""
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    client = browser.asking.sent_of(StartVerification)[0].client
    assert len(client) == 32
    assert "testclient" not in client


def test_a_seat_that_cannot_be_taken_does_not_undo_joining(browser: Browser) -> None:
    """They are in, and are told why there is no place."""
    walk_to_agreement(browser)
    browser.asking.answer(TakeSeat, MeetingNotOpen("It has begun."))
    text = browser.press("/join/agreement", role="family", agree="yes")
    assert "You are in, but this place could not be taken" in text


def test_a_name_that_registration_refuses_can_be_changed_on_the_last_page(browser: Browser) -> None:
    """Without walking back."""
    walk_to_agreement(browser)
    browser.asking.answer(Join, Invalid("Choose another name.", field="alias"))
    text = browser.press("/join/agreement", role="family", agree="yes")
    assert "Choose another name." in text
    assert 'name="alias"' in browser.page.text


def test_quiet_hours_begin_in_the_only_zone_there_is(browser: Browser) -> None:
    """Someone new shall not be woken because nobody asked them where they live."""
    walk_to_agreement(browser)
    browser.press("/join/agreement", role="family", agree="yes")
    assert browser.asking.sent_of(SetPreferences)[0].preferences.time_zone == "America/Chicago"


def test_a_lost_network_is_said_at_once_and_the_way_is_kept(browser: Browser) -> None:
    """Nothing is half done, and the code still waits."""
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    good = browser.asking._scripts[ConfirmCode]
    browser.asking.answer(ConfirmCode, Unreachable())
    assert "cannot be reached right now" in browser.press("/join/code", code="123456")
    assert browser.page.status_code == 503
    browser.asking._scripts[ConfirmCode] = good
    browser.open("/join/code")
    browser.press("/join/code", code="123456")
    assert browser.path == "/my/meetings"


def test_a_network_lost_after_the_code_was_taken_is_not_said_to_have_done_nothing(browser: Browser) -> None:
    """The step before was done; the same form again goes on from there."""
    browser.open("/sign-in")
    browser.press("/sign-in", channel="email", contact="ana@example.org")
    good = browser.asking._scripts[MyMembership]
    browser.asking.answer(MyMembership, Unreachable())
    text = browser.press("/join/code", code="123456")
    assert browser.asking.sent_of(ConfirmCode)
    assert "We do not know whether it was done" in text
    assert "Nothing was done" not in text
    browser.asking._scripts[MyMembership] = good
    browser.open("/join/code")
    browser.press("/join/code", code="123456")
    assert browser.path == "/my/meetings"


def test_the_way_holds_nothing_in_the_clear(browser: Browser) -> None:
    """Neither in the portal's database nor in a cookie."""
    walk_to_agreement(browser)
    with browser.client.app.state.portal.database.reading() as connection:  # type: ignore[attr-defined]
        rows = str(connection.execute(text("select * from ways")).all()) + str(
            connection.execute(text("select * from sessions")).all()
        )
    for planted in ("Anastasia", "555 0199", "5550199", "123456"):  # long enough to stand in no random id
        assert planted not in rows
        assert planted not in str(dict(browser.client.cookies))
