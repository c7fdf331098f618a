from datetime import time

from shared.contracts.base import Channel, Role
from shared.contracts.notifications import (
    ConfirmCode,
    Discretion,
    PreviewLockScreen,
    RemoveContact,
    SetPreferences,
    StartVerification,
    Verified,
)
from shared.contracts.registration import ConsentChoice, DecideConsents, Membership, MyMembership, Purpose
from tests.component.portal.conftest import Browser


def test_a_lock_screen_is_shown_for_a_choice_before_it_is_kept(browser: Browser) -> None:
    """By a button where there is no script, as a part of the page where there is."""
    browser.sign_in()
    assert "line-discreet" in browser.open("/my/notices")
    form = {
        **browser.secrets("/my/notices"),
        "discretion": "silent",
        "quiet_from": "22:00",
        "quiet_to": "07:00",
        "time_zone": "America/Chicago",
    }
    whole = browser.client.post("/my/notices/preview", data=form)
    assert "line-silent" in whole.text
    assert 'value="22:00"' in whole.text
    part = browser.client.post("/my/notices/preview", data=form, headers={"HX-Request": "true"})
    assert "line-silent" in part.text
    assert "<html" not in part.text
    assert browser.asking.sent_of(SetPreferences) == []


def test_preferences_are_kept(browser: Browser) -> None:
    """Local times in my zone."""
    browser.sign_in()
    browser.open("/my/notices")
    text = browser.press(
        "/my/notices",
        discretion="open",
        quiet_from="22:30",
        quiet_to="07:00",
        time_zone="Europe/Berlin",
        urgent="yes",
    )
    assert "Saved." in text
    kept = browser.asking.sent_of(SetPreferences)[-1].preferences
    assert (kept.discretion, kept.quiet_from, kept.quiet_to) == (Discretion.OPEN, time(22, 30), time(7))
    assert (kept.time_zone, kept.urgent_in_quiet_hours) == ("Europe/Berlin", True)


def test_what_is_wrong_stands_beside_its_field(browser: Browser) -> None:
    """And nothing is kept."""
    browser.sign_in()
    browser.open("/my/notices")
    text = browser.press("/my/notices", discretion="loud", quiet_from="late", quiet_to="07:00", time_zone="Moon/Sea")
    assert browser.page.status_code == 422
    for words in ("Choose how much a message may say", "Enter a time, like 21:00", "Choose a time zone from the list"):
        assert words in text
    assert all(
        query.discretion in set(Discretion) for query, _ in browser.asking.asked if isinstance(query, PreviewLockScreen)
    )


def test_an_empty_box_is_a_no(browser: Browser) -> None:
    """For every purpose and channel at once."""
    ticked = ConsentChoice(purpose=Purpose.FEEDBACK_ASK, channel=Channel.EMAIL, granted=True)
    browser.asking.answer(MyMembership, Membership(joined=True, agreement_current=True, consents=(ticked,)))
    browser.sign_in()
    browser.open("/my/yes")
    assert browser.page.text.count(" checked") == 1
    browser.press("/my/yes", consents=["meeting_changes.sms", "world_peace.pigeon"])
    choices = browser.asking.sent_of(DecideConsents)[0].choices
    assert len(choices) == 6
    assert [(each.purpose, each.channel) for each in choices if each.granted] == [
        (Purpose.MEETING_CHANGES, Channel.SMS)
    ]


def test_another_contact_is_proved_by_a_code_as_myself(browser: Browser) -> None:
    """It becomes mine and nobody else's."""
    browser.sign_in()
    browser.open("/my/contacts/add")
    browser.press("/my/contacts/add", channel="sms", contact="312 555 0199", country="US")
    assert browser.path == "/my/contacts/code"
    browser.asking.answer(ConfirmCode, Verified(member_id="ana", known=False))  # type: ignore[arg-type]
    text = browser.press("/my/contacts/code", code="123456")
    assert "It is yours" in text
    actors = [(type(command), actor.role, actor.id) for command, actor, _ in browser.asking.sent]
    assert (StartVerification, Role.MEMBER, "ana") in actors
    assert (ConfirmCode, Role.MEMBER, "ana") in actors
    assert browser.asking.sent_of(ConfirmCode)[-1].member_id == "ana"


def test_a_contact_is_shown_masked_and_removed_after_a_question(browser: Browser) -> None:
    """The last one too, with a word on what that means."""
    browser.sign_in()
    assert "a…@e….org" in browser.open("/my/contacts")
    assert "This is the only one we have" in browser.open("/my/contacts/p1/remove")
    browser.press("/my/contacts/p1/remove")
    assert browser.asking.sent_of(RemoveContact) == [RemoveContact(contact_point_id="p1")]


def test_signing_out_everywhere_ends_every_session(browser: Browser) -> None:
    """Also on the phone that was lost."""
    browser.sign_in()
    lost = dict(browser.client.cookies)
    browser.client.cookies.clear()
    browser.sign_in()
    browser.open("/my")
    assert "signed in on 2 devices" in browser.text
    browser.press("/my/sign-out-everywhere")
    assert "cache" in browser.page.history[0].headers["clear-site-data"]
    browser.client.cookies.clear()
    browser.client.cookies.update(lost)
    browser.open("/my")
    assert browser.path == "/sign-in"


def test_leaving_the_page_signs_out_with_one_token(browser: Browser) -> None:
    """What the button's script posts."""
    browser.sign_in()
    token = browser.page.text.split('data-out="', 1)[1].split('"', 1)[0]
    assert browser.client.post("/my/sign-out", data={"csrf": token}).status_code == 200
    browser.open("/my")
    assert browser.path == "/sign-in"


def test_nothing_changes_without_a_form_of_ours(browser: Browser) -> None:
    """A post from elsewhere is refused, whoever is signed in."""
    browser.sign_in()
    before = len(browser.asking.sent)
    for path in (
        "/my/notices",
        "/my/yes",
        "/my/meetings/m1/give-up",
        "/my/contacts/p1/remove",
        "/my/sign-out",
        "/join",
    ):
        assert browser.client.post(path, data={"mode": "online"}).status_code == 403
    assert len(browser.asking.sent) == before
