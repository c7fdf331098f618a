"""The small rules: keys, tokens, words, masks, outcomes."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages import DOES_NOT_ANSWER, Accepted, Permanent, Transient, Unknown
from services.notifications.model.addresses import masked, normalised
from services.notifications.model.inbound import Word, word_of
from services.notifications.model.kinds import URGENCY, natural_key, purpose_of
from services.notifications.model.outcome import after, after_unknown
from services.notifications.model.reasons import explain
from services.notifications.model.records import Notice
from services.notifications.model.tokens import read_token, unsubscribe_token
from shared.contracts.base import Channel, ContactPointId, NoticeId
from shared.contracts.errors import Invalid
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.contracts.registration import Purpose

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)


def mac(purpose: str, text: str) -> str:
    return hmac.new(b"key" + purpose.encode(), text.encode(), hashlib.sha256).hexdigest()


def notice(kind: NoticeKind = NoticeKind.REMINDER, channel: Channel = Channel.EMAIL, **more: object) -> Notice:
    kept = {"created_at": NOW, "due_at": NOW, "not_before": NOW, "attempts": 1, "member_id": None} | more
    return Notice(notice_id=NoticeId("n"), kind=kind, channel=channel, **kept)  # type: ignore[arg-type]


def test_every_kind_has_an_urgency_and_a_purpose() -> None:
    """A code needs no consent: it was asked for. Everything else does."""
    assert set(URGENCY) == set(NoticeKind)
    assert [kind for kind in NoticeKind if purpose_of(kind) is None] == [NoticeKind.CODE]


def test_a_natural_key_tells_every_part_apart() -> None:
    """The same parts give the same key; another part in any place gives another."""
    key = natural_key(NoticeKind.REMINDER, who="m", about="x", version="1", channel=Channel.SMS, contact="h")
    assert key == natural_key(NoticeKind.REMINDER, who="m", about="x", version="1", channel=Channel.SMS, contact="h")
    assert key != natural_key(NoticeKind.REMINDER, who="mx", about="", version="1", channel=Channel.SMS, contact="h")
    assert len(key) == 64


@given(contact=st.uuids(), purpose=st.sampled_from(Purpose), spoilt=st.integers(0, 43))
def test_an_unsubscribe_token_is_read_by_us_alone(contact: uuid.UUID, purpose: Purpose, spoilt: int) -> None:
    """One changed character, or another key, and it is nobody's."""
    token = unsubscribe_token(ContactPointId(str(contact)), purpose, mac)
    assert read_token(token, mac) == (str(contact), purpose)
    assert str(contact) not in token
    other = token[:spoilt] + ("A" if token[spoilt] != "A" else "B") + token[spoilt + 1 :]
    assert read_token(other, mac) is None
    assert read_token(token, lambda purpose, text: mac("other", text)) is None  # noqa: ARG005


@given(text=st.text())
def test_no_text_breaks_the_reading_of_a_token_or_of_a_word(text: str) -> None:
    """Whatever arrives is an answer, never a fault."""
    assert read_token(text, mac) is None
    assert word_of(text) in Word


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("WRONG", Word.WRONG),
        ("wrong number!", Word.WRONG),
        ("Please stop", Word.STOP),
        ("CANCEL\n\nSent from my phone", Word.STOP),
        ("\nQuit, pls.\r\n-- \r\nAna", Word.STOP),
        ("End\nof story", Word.STOP),
        ("help", Word.HELP),
        ("Start", Word.START),
        ("can I cancel my seat?", Word.OTHER),
        ("cancel my seat", Word.OTHER),
        ("the end", Word.OTHER),
        ("please cancel my seat", Word.OTHER),
        ("", Word.OTHER),
    ],
)
def test_words_are_read_as_they_are_meant(body: str, word: Word) -> None:
    """A sentence that happens to hold a stop word is not a stop; STOP in front of one is."""
    assert word_of(body) is word


@pytest.mark.parametrize(
    ("typed", "country", "kept"),
    [
        ("(312) 555-0199", "US", "+13125550199"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("020 7946 0018", "gb", "+442079460018"),
    ],
)
def test_numbers_have_one_form(typed: str, country: str, kept: str) -> None:
    """E.164."""
    assert normalised(Channel.SMS, typed, country) == kept


def test_masks_tell_little() -> None:
    """As the contract promises."""
    assert masked(Channel.EMAIL, "ana@mail.example.org") == "a…@m….org"
    assert masked(Channel.SMS, "+13125550199") == "…0199"


@given(text=st.text(max_size=60), channel=st.sampled_from(Channel))
def test_any_input_is_kept_in_one_form_or_named(text: str, channel: Channel) -> None:
    """Never a fault; what is kept does not change when it is read again."""
    try:
        kept = normalised(channel, text, "US")
    except Invalid as refused:
        assert refused.field == "contact"  # noqa: PT017 - most inputs are refused, some are not
    else:
        assert normalised(channel, kept, "US") == kept


@given(attempts=st.integers(1, 40), retry_after=st.floats(0, 1e6), left=st.integers(1, 10**6))
def test_waits_grow_end_and_never_pass_the_expiry(attempts: int, retry_after: float, left: int) -> None:
    """Either it waits until before its expiry, an hour at most, or it is over now."""
    waiting = notice(attempts=attempts, expires_at=NOW + timedelta(seconds=left))
    then = after(Transient("busy", retry_after), waiting, NOW)
    if then.state is NoticeState.WAITING:
        assert then.not_before is not None
        assert NOW < then.not_before < NOW + timedelta(seconds=left)
        assert then.not_before <= NOW + timedelta(hours=1)
    else:
        assert then.state is NoticeState.EXPIRED


@pytest.mark.parametrize(
    ("kind", "channel", "unknowns", "state"),
    [
        (NoticeKind.MEETING_CHANGED, Channel.EMAIL, 0, NoticeState.WAITING),
        (NoticeKind.MEETING_CHANGED, Channel.EMAIL, 1, NoticeState.HELD),
        (NoticeKind.MEETING_CHANGED, Channel.SMS, 0, NoticeState.HELD),
        (NoticeKind.REMINDER, Channel.EMAIL, 0, NoticeState.HELD),
        (NoticeKind.CODE, Channel.EMAIL, 0, NoticeState.WAITING),
    ],
)
def test_what_nobody_can_tell_is_held_but_for_one_urgent_mail(
    kind: NoticeKind, channel: Channel, unknowns: int, state: NoticeState
) -> None:
    """A double text is worse than a late one."""
    assert after_unknown(Unknown("cut"), notice(kind, channel, unknowns=unknowns), NOW).state is state


def test_a_provider_that_does_not_answer_is_asked_again_until_the_notice_expires() -> None:
    """It is no person's work yet; and nothing goes out again before the provider has said that it has it not."""
    lost = notice(NoticeKind.MEETING_CHANGED, Channel.SMS, expires_at=NOW + timedelta(hours=2))
    then = after_unknown(Unknown(DOES_NOT_ANSWER), lost, NOW)
    assert (then.state, then.doubtful) == (NoticeState.WAITING, True)
    assert then.not_before is not None
    assert NOW < then.not_before <= NOW + timedelta(hours=1)
    late = NOW + timedelta(hours=1, minutes=59, seconds=30)
    assert after_unknown(Unknown(DOES_NOT_ANSWER), lost, late).state is NoticeState.EXPIRED


def test_what_the_provider_knows_is_believed() -> None:
    """It has it, or it refused it."""
    assert after_unknown(Accepted("x"), notice(), NOW).state is NoticeState.SENT
    then = after_unknown(Permanent("invalid", suppress=True), notice(), NOW)
    assert (then.state, then.suppress) == (NoticeState.REFUSED, True)


def test_every_reason_has_a_next_step() -> None:
    """Also one that we do not know."""
    for reason in ("no_contact", "unknown", "quiet_hours", "never heard of"):
        assert all(explain(reason))
