"""What a notice says to the one who reads it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from services.notifications.channels import gsm
from services.notifications.messages import Facts
from services.notifications.wording import Wordings, answer, rendering
from services.notifications.wording.languages import TEMPLATES, known_languages, language
from shared.contracts.base import Channel, Mode
from shared.contracts.notifications import Discretion, NoticeKind

ZONE = ZoneInfo("America/New_York")
MEETING = "0192f0c1-7c3e-7d3a-9d2e-2f4b6a1c8e55"
MY = f"https://portal.example.org/my/meetings/{MEETING}"
FACTS = Facts(
    portal_url="https://portal.example.org/",
    group_name="Tuesday Evening",
    chapter_name="Northside",
    starts=datetime(2026, 11, 3, 19, 0, tzinfo=ZONE),
    ends=datetime(2026, 11, 3, 20, 30, tzinfo=ZONE),
    mode=Mode.IN_PERSON,
    place="Library, 12 Elm Street, Springfield",
    access="No steps; the lift is on the left",
    link="https://zoom.us/j/83912345678?pwd=abcdefghij",
    dial_in="+1 555 010 0199",
    passcode="4711",
    place_in_line=2,
    code="482915",
    meeting_id=MEETING,
    unsubscribe_url="https://portal.example.org/u/8f2c",
)
WORDINGS = Wordings()
EVERYTHING = list(itertools.product(NoticeKind, Channel, Discretion, known_languages(), (*Mode, None)))


def said(
    kind: NoticeKind, channel: Channel = Channel.EMAIL, level: Discretion = Discretion.DISCREET, **facts: object
) -> str:
    return WORDINGS.words(kind, channel, level, "en", replace(FACTS, **facts)).text  # type: ignore[arg-type]


def test_every_notice_can_be_said_at_every_level_in_every_language_and_mode() -> None:
    """Nothing undefined, nothing empty, no trace of a template; a mail begins with words and not with a blank."""
    for kind, channel, level, locale, mode in EVERYTHING:
        for bare in (False, True):
            facts = replace(FACTS, mode=mode)
            if bare:
                facts = Facts(FACTS.portal_url, starts=FACTS.starts, mode=mode, code="1", meeting_id=MEETING)
            words = WORDINGS.words(kind, channel, level, locale, facts)
            everything = f"{words.subject} {words.text} {words.html}"
            assert words.text.strip()
            assert words.text[0].strip()
            assert not re.search(r"\{[{%#]|[}%#]\}", everything)
            assert "Undefined" not in everything
            assert (words.subject is None) == (words.html is None) == (channel is Channel.SMS)


def test_a_text_fits_into_one_part() -> None:
    """With a link of 75 characters, a room's address or a video link in it; and in GSM-7, so that 160 is the limit."""
    for kind, channel, level, locale, mode in EVERYTHING:
        if channel is Channel.SMS:
            text = WORDINGS.words(kind, channel, level, locale, replace(FACTS, mode=mode)).text
            assert gsm.is_gsm(text)
            assert gsm.parts(text) == 1 or (kind, mode) == (NoticeKind.REMINDER, Mode.ONLINE), text


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("level", [Discretion.OPEN, Discretion.DISCREET])
def test_a_reminder_carries_what_its_readers_mode_needs_and_nothing_else(channel: Channel, level: Discretion) -> None:
    """The address, the link or the number; and a link to attend another way."""
    in_person = said(NoticeKind.REMINDER, channel, level, mode=Mode.IN_PERSON)
    assert "12 Elm Street" in in_person
    assert "zoom" not in in_person
    assert "4711" not in in_person
    online = said(NoticeKind.REMINDER, channel, level, mode=Mode.ONLINE)
    assert "https://zoom.us/j/83912345678?pwd=abcdefghij" in online
    assert "Elm Street" not in online
    assert "0199" not in online
    phone = said(NoticeKind.REMINDER, channel, level, mode=Mode.PHONE)
    assert "+1 555 010 0199" in phone
    assert "4711" in phone
    assert "zoom" not in phone
    assert all(MY in text for text in (in_person, online, phone))


def test_a_link_that_comes_later_is_announced() -> None:
    """With where it will be."""
    text = said(NoticeKind.SEAT_CONFIRMED, mode=Mode.ONLINE, link=None, passcode=None, link_comes_later=True)
    assert "shortly before the start" in text
    assert MY in text


def test_who_attends_from_afar_is_told_the_zone() -> None:
    """Someone in the room knows it."""
    assert "Tuesday 3 November, 7:00 pm (Eastern Standard Time)" in said(NoticeKind.REMINDER, mode=Mode.ONLINE)
    assert "Eastern" not in said(NoticeKind.REMINDER, mode=Mode.IN_PERSON)
    assert "Tue 3 Nov, 7:00 pm EST" in said(NoticeKind.REMINDER, Channel.SMS, mode=Mode.ONLINE)
    paris = datetime(2026, 11, 3, 19, 0, tzinfo=ZoneInfo("Europe/Paris"))
    assert "7:00 pm Paris" in said(NoticeKind.REMINDER, Channel.SMS, mode=Mode.ONLINE, starts=paris, link=None)
    fixed = datetime(2026, 11, 3, 19, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert "7:00 pm UTC+5:30" in said(NoticeKind.REMINDER, Channel.SMS, mode=Mode.ONLINE, starts=fixed, link=None)


def test_moved_online_says_not_to_travel() -> None:
    """In both channels, first of all."""
    for channel in Channel:
        text = said(NoticeKind.MEETING_CHANGED, channel, change="moved_online", mode=Mode.ONLINE)
        assert "online only" in text
        assert "not travel" in text
    assert "in the room again" in said(NoticeKind.MEETING_CHANGED, change="moved_back")


def test_asking_for_feedback_gives_a_code_and_says_that_nobody_is_watching() -> None:
    """The form's address is the same for everyone; only the code differs. At "open" a helpline stands beside it."""
    for channel, level in itertools.product(Channel, Discretion):
        text = said(NoticeKind.FEEDBACK_ASK, channel, level)
        assert "https://portal.example.org/f" in text
        assert "482915" in text
        assert MEETING not in text
        assert ("Nobody is watching" in text) is (level is not Discretion.SILENT)
    open_ = said(NoticeKind.FEEDBACK_ASK, level=Discretion.OPEN, group_name="")
    assert "988" in open_
    assert "not an emergency service" in open_


def test_a_code_is_the_first_thing_in_its_text() -> None:
    """So that a lock screen shows it, and phones can fill it in. No mail with a code offers to unsubscribe."""
    assert said(NoticeKind.CODE, Channel.SMS).startswith("482915 is your code.")
    assert said(NoticeKind.CODE).startswith("482915 is your code.")
    assert "Stop these emails" not in said(NoticeKind.CODE)
    assert "Stop these emails: https://portal.example.org/u/8f2c" in said(NoticeKind.REMINDER)


def test_html_escapes_what_was_typed_in_and_links_only_to_what_is_ours() -> None:
    """A group's name cannot become a link or a script; nothing is fetched from anywhere."""
    name = "<script>alert(1)</script> https://evil.example/"
    html = WORDINGS.words(
        NoticeKind.REMINDER, Channel.EMAIL, Discretion.OPEN, "en", replace(FACTS, group_name=name)
    ).html
    assert html is not None
    assert "<script" not in html
    assert set(re.findall(r'href="([^"]*)"', html)) == {MY, "https://portal.example.org/u/8f2c"}
    assert not re.search(r"<img|src=|@import|url\(", html)
    assert 'lang="en"' in html


@given(st.text())
def test_no_name_breaks_a_subject_or_begins_a_paragraph(name: str) -> None:
    """Whatever an owner types."""
    words = WORDINGS.words(
        NoticeKind.REMINDER, Channel.EMAIL, Discretion.OPEN, "en", replace(FACTS, group_name=name, place=name)
    )
    assert words.subject is not None
    assert words.subject.isprintable()
    assert words.text.count("\n\n") <= 3


def test_an_unknown_language_is_answered_in_english() -> None:
    """A region, a missing folder or nonsense."""
    for locale in ("en-GB", "en_CA", "xx", "", "not a locale", "../../etc"):
        assert WORDINGS.words(NoticeKind.CODE, Channel.SMS, Discretion.OPEN, locale, FACTS).text.startswith("482915")


def test_a_template_that_asks_for_an_unknown_fact_fails() -> None:
    """Rather than send a gap."""
    with pytest.raises(UndefinedError):
        language("en").block("reminder.txt", "subject", {})


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("Library, 12 Elm Street", "Library, 12 Elm Street"),
        ("Grief House, 12 Elm Street, Springfield", "12 Elm Street, Springfield"),
        ("Ana's Group House - 12 Elm Street", "12 Elm Street"),
        ("12 Recovery Road, Springfield", None),
        ("Grief House, Springfield", None),
        (None, None),
    ],
)
def test_a_place_that_tells_is_cut_to_its_street(place: str | None, left: str | None) -> None:
    """And where no street is left, the reader is sent to the page."""
    assert language("en").caution.with_names("Ana's Group").unnamed(place) == left


def test_answers_to_texts_are_short_and_promote_nothing() -> None:
    """After STOP exactly one, with no link."""
    stop = answer("stop", "en", "https://portal.example.org")
    assert gsm.parts(stop) == 1
    assert "http" not in stop
    for to in ("help", "start", "wrong"):
        assert gsm.parts(answer(to, "en", "https://portal.example.org/")) <= 2  # type: ignore[arg-type]


def test_no_language_lacks_a_template() -> None:
    """A folder that has only half of them would speak two languages in one message."""
    english = {file.name for file in (TEMPLATES / "en").iterdir()}
    for code in known_languages():
        assert {file.name for file in (TEMPLATES / code).iterdir()} == english


def test_what_is_worded_once_for_all_carries_each_readers_own_link() -> None:
    """In the text, and escaped in the page; neither another reader's nor what stood for it."""
    everyones = replace(FACTS, code=None, link=None, dial_in=None, passcode=None)
    for kind, level in itertools.product(NoticeKind, Discretion):
        if kind is NoticeKind.CODE:
            continue
        for token in ("ana?a=1&b=2", "ben"):
            url = f"https://portal.example.org/u/{token}"
            words = WORDINGS.words(kind, Channel.EMAIL, level, "en", replace(everyones, unsubscribe_url=url))
            assert re.findall(r"\S+/u/\S+", words.text) == [url]
            assert words.html is not None
            assert f'<a href="{url.replace("&", "&amp;")}">' in words.html
            assert ".invalid" not in words.text + words.html


def test_a_moment_is_told_by_its_own_clock_however_equal_it_is_to_another() -> None:
    """The same instant in another zone; and the second of the two hours of the night that sets clocks back."""
    everyones = replace(FACTS, code=None, link=None, dial_in=None, passcode=None, mode=Mode.ONLINE, ends=None)
    there = replace(everyones, starts=FACTS.starts.astimezone(ZoneInfo("America/Chicago")))  # type: ignore[union-attr]
    twice = datetime(2026, 11, 1, 1, 30, tzinfo=ZONE)
    first, second = (replace(everyones, starts=twice.replace(fold=fold)) for fold in (0, 1))
    for one, other in ((everyones, there), (first, second)):
        said_of = [
            WORDINGS.words(NoticeKind.REMINDER, Channel.EMAIL, Discretion.OPEN, "en", facts).text
            for facts in (one, other)
        ]
        assert said_of[0] != said_of[1]


def test_words_with_a_secret_are_not_kept() -> None:
    """A link or a code stays in memory no longer than the mail that carries it."""
    before = rendering._kept_mail.cache_info().currsize
    for secret in ("code", "link", "dial_in", "passcode"):
        facts = replace(FACTS, **dict.fromkeys(("code", "link", "dial_in", "passcode")) | {secret: "never kept"})
        WORDINGS.words(NoticeKind.REMINDER, Channel.EMAIL, Discretion.OPEN, "en", facts)
        assert rendering._kept_mail.cache_info().currsize == before
