"""The discretion linter: whatever leaves below the level "open" says nothing of what the network is.

Every template, language, channel and level is rendered with the most hostile names that an owner could type.
The vocabulary here is this test's own: it is not read from the product.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar as ICalendar

from services.notifications.channels.mail import MailOptions
from services.notifications.channels.mail_message import build, from_header
from services.notifications.messages import Facts, Message
from services.notifications.wording import Wordings, answer, lock_screens
from services.notifications.wording.languages import known_languages
from shared.contracts.base import Channel, Mode
from shared.contracts.notifications import Discretion, NoticeKind
from shared.runtime.clock import SteppedClock

NAMES = ("Bipolar Recovery Circle", "Grief Chapter North", "Dr. Quillfeather")
VOCABULARY = (
    *("mental", "recovery", "support group", "supportgroup", "therapy", "therapeutic", "anxiety", "bipolar", "grief"),
    *("chapter", "chapterhouse", "depression", "crisis", "suicid", "peer", "circle", "facilitator", "sober"),
    *("quillfeather", "hostile"),
)
ZONE = ZoneInfo("America/New_York")

HOSTILE = Facts(
    portal_url="https://portal.example.org",
    group_name=NAMES[0],
    chapter_name=NAMES[1],
    starts=datetime(2026, 11, 3, 19, 0, tzinfo=ZONE),
    ends=datetime(2026, 11, 3, 20, 30, tzinfo=ZONE),
    place="Bipolar Recovery Circle House, 12 Elm Street, Springfield",
    access="Ring the bell marked Grief Chapter North; ask for the support group",
    link="https://meet.example/bipolar-recovery-circle?topic=Anxiety%20Therapy",
    dial_in="+1 555 0100 (Grief line)",
    passcode="recovery2026",
    place_in_line=3,
    code="482915",
    answer_by=datetime(2026, 11, 5, 12, 0, tzinfo=ZONE),
    meeting_id="0192f0c1-7c3e-7d3a-9d2e-2f4b6a1c8e55",
    unsubscribe_url="https://portal.example.org/u/8f2c",
    member_ref="5e1f",
    revision=3,
)
WORDINGS = Wordings(SteppedClock(datetime(2026, 11, 1, tzinfo=UTC)))
CLOSED = (Discretion.DISCREET, Discretion.SILENT)
CHANGES = ("moved", "moved_online", "moved_back", None)


def cases() -> Iterator[tuple[NoticeKind, str, Discretion, Facts]]:
    """Every kind, language and closed level; every mode, change, and whether the link is known yet."""
    for kind, locale, level, mode, change, known in itertools.product(
        NoticeKind, known_languages(), CLOSED, (*Mode, None), CHANGES, (True, False)
    ):
        if change is not None and kind is not NoticeKind.MEETING_CHANGED:
            continue
        facts = replace(HOSTILE, mode=mode, change=change, link_comes_later=not known)
        yield kind, locale, level, facts if known else replace(facts, link=None, dial_in=None, passcode=None)


def told(text: str) -> list[str]:
    """Which words of the vocabulary stand in the text, whatever stands between their letters."""
    heard = "".join(character for character in text.casefold() if character.isalnum())
    crisis_line = ["988"] if re.search(r"(?<![0-9a-f])988(?![0-9a-f])", text) else []  # not within an id
    return crisis_line + [word for word in VOCABULARY if word.replace(" ", "") in heard]


def test_no_mail_below_open_tells() -> None:
    """Sender, subject, text, HTML, headers, file names, links, Message-ID, and the calendar entry."""
    for kind, locale, level, facts in cases():
        mail = message_from_bytes(_mail(kind, locale, level, facts), policy=policy.default)
        seen = [f"{name}: {value}" for name, value in mail.items()]
        for part in mail.walk():
            seen += [f"{name}: {value}" for name, value in part.items()]
            if not part.is_multipart():
                seen.append(part.get_payload(decode=True).decode())  # type: ignore[union-attr]
        assert not [words for text in seen if (words := told(text))], (kind, locale, level, facts.mode)


def test_no_text_below_open_tells() -> None:
    """And each says one thing to do, within one part."""
    for kind, locale, level, facts in cases():
        text = WORDINGS.words(kind, Channel.SMS, level, locale, facts).text
        assert not told(text), (kind, locale, level, facts.mode)


def test_no_calendar_entry_below_open_says_more_than_its_time() -> None:
    """No place, no description; a title that fits a dentist; at silent not even a link."""
    for kind, locale, level, facts in cases():
        calendar = WORDINGS.calendar(kind, level, locale, facts, organizer="a@example.org", attendee="b@example.org")
        if calendar is None:
            continue
        assert not told(calendar.body)
        [event] = ICalendar.from_ical(calendar.body).walk("VEVENT")
        assert not {"LOCATION", "DESCRIPTION", "COMMENT", "CATEGORIES"} & set(event)
        assert ("URL" in event) is (level is Discretion.DISCREET)


@pytest.mark.parametrize("level", CLOSED)
@pytest.mark.parametrize("locale", known_languages())
def test_no_lock_screen_below_open_tells(level: Discretion, locale: str) -> None:
    """For every kind and channel, as a page shows it to the member who chooses."""
    previews = lock_screens(
        level, locale, portal_url=HOSTILE.portal_url, email_sender=_sender_name(), sms_sender="+15550100"
    )
    assert {(preview.kind, preview.channel) for preview in previews} == set(itertools.product(NoticeKind, Channel))
    assert not [words for preview in previews if (words := told(f"{preview.sender} {preview.line}"))]


def test_answers_to_texts_tell_nothing() -> None:
    """They go to whoever holds the phone now."""
    for locale, to in itertools.product(known_languages(), ("stop", "help", "start", "wrong")):
        assert not told(answer(to, locale, HOSTILE.portal_url))  # type: ignore[arg-type]


def test_silent_says_that_there_is_a_message_and_nothing_else() -> None:
    """Not even when; the one exception is a code, which could be looked up nowhere."""
    for kind, channel in itertools.product(NoticeKind, Channel):
        if kind in (NoticeKind.CODE, NoticeKind.FEEDBACK_ASK):
            continue
        words = WORDINGS.words(kind, channel, Discretion.SILENT, "en", replace(HOSTILE, unsubscribe_url=None))
        assert " ".join(words.text.split()) in (
            "You have a message: https://portal.example.org",
            "You have a message. Read it here: https://portal.example.org",
        )
        assert words.subject in (None, "You have a message")


def test_the_linter_itself_hears() -> None:
    """At the level "open" the names are there: a linter that finds nothing anywhere would be deaf."""
    facts = replace(HOSTILE, mode=Mode.IN_PERSON)
    heard = told(_mail(NoticeKind.REMINDER, "en", Discretion.OPEN, facts).decode())
    assert {"bipolar", "recovery", "grief"} <= set(heard)


def _sender_name() -> str:
    return MailOptions(sender="hello@example.org").sender_name


def _mail(kind: NoticeKind, locale: str, level: Discretion, facts: Facts) -> bytes:
    message = Message(
        notice_id="n1",
        channel=Channel.EMAIL,
        to="reader@example.org",
        words=WORDINGS.words(kind, Channel.EMAIL, level, locale, facts),
        calendar=WORDINGS.calendar(
            kind, level, locale, facts, organizer="hello@example.org", attendee="reader@example.org"
        ),
        unsubscribe_url=facts.unsubscribe_url,
        message_id="5e1f@example.org",
    )
    return build(message, from_header(_sender_name(), "hello@example.org"), datetime(2026, 11, 1, tzinfo=UTC)).body
