"""STOP, WRONG, unsubscribe: whoever says so is written to no more, at once, and that outlives the address."""

from __future__ import annotations

import pytest

from services.notifications.store.tables import contact_points
from shared.contracts.base import Channel
from shared.contracts.errors import Forbidden, Invalid, NotFound
from shared.contracts.meetings import MeetingMoved
from shared.contracts.notifications import (
    BadSignature,
    ContactSuppressed,
    ListMyContacts,
    NoticeKind,
    ReceiveCallback,
    RemoveContact,
    Unsubscribe,
)
from shared.contracts.registration import Purpose
from tests.component.notifications.fakes import PROVIDER, Town, chapter, meeting, number, seat
from tests.support.world import VISITOR, member

CHANGED = NoticeKind.MEETING_CHANGED


def seated(town: Town) -> str:
    town.join("ana", sms=True)
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    return number("ana")


def change(town: Town, revision: int) -> list[str]:
    """Change the meeting; through which channels it was told."""
    town.mail.taken.clear()
    town.sms.taken.clear()
    town.deliver(meeting(MeetingMoved, revision))
    town.send_all()
    return [channel for channel, taken in (("email", town.mail.taken), ("sms", town.sms.taken)) if taken]


@pytest.mark.parametrize("body", ["STOP", "stop", " Stop. ", "Quit", "END", "Revoke", "opt out", "OPT-OUT", "cancel"])
def test_stop_silences_a_number_at_once_with_one_confirmation(body: str) -> None:
    """The FCC's words in any case, with any dots; mail goes on."""
    town = Town()
    them = seated(town)
    assert town.text(them, body) == "<Response>answer to stop</Response>"
    assert change(town, 2) == ["email"]
    assert town.state(CHANGED).count(("refused", "suppressed")) == 1
    assert [event.reason for event in town.published(ContactSuppressed)] == ["stop"]
    assert town.text(them, "STOP", sid="IN2") == "<Response></Response>", "exactly one confirmation"
    assert len(town.published(ContactSuppressed)) == 1


@pytest.mark.parametrize("body", ["Arrêt", "ARRET", "unsubscribe", "please? no: STOP", "Stop texting me!"])
def test_other_clear_words_count_too(body: str) -> None:
    """Canada's word, and a stop in front of a sentence; what we cannot read is answered with help."""
    town = Town()
    them = seated(town)
    said = town.text(them, body)
    assert said in ("<Response>answer to stop</Response>", "<Response>answer to help</Response>")
    assert ("stop" in said) == (body != "please? no: STOP")


def test_the_same_inbound_text_twice_is_answered_the_same(town: Town) -> None:
    """The provider repeats a call that it thinks was lost."""
    them = seated(town)
    assert (
        town.text(them, "STOP", sid="IN1")
        == town.text(them, "STOP", sid="IN1")
        == ("<Response>answer to stop</Response>")
    )


def test_start_lifts_a_stop(town: Town) -> None:
    """Only the person at that number can."""
    them = seated(town)
    town.text(them, "STOP")
    assert town.text(them, "START", sid="IN2") == "<Response>answer to start</Response>"
    assert change(town, 2) == ["email", "sms"]


def test_stop_outlives_the_contact_point(town: Town) -> None:
    """Removed and typed in again, or by someone else: a number that said STOP gets not even a code."""
    them = seated(town)
    town.text(them, "STOP")
    contact = next(c for c in town.ask(ListMyContacts(), member("ana")).contacts if c.channel is Channel.SMS)
    assert contact.suppressed
    town.send(RemoveContact(contact_point_id=contact.contact_point_id), member("ana"))
    town.sms.taken.clear()
    town.start(them, Channel.SMS)
    town.send_all()
    assert town.sms.taken == []
    assert [row.reason for row in town.rows() if row.kind == "code"][-1] == "suppressed"


def test_wrong_takes_the_number_away_from_the_member(town: Town) -> None:
    """Somebody else reads what is sent there: it is detached, and written to no more."""
    them = seated(town)
    town.deliver(meeting(MeetingMoved, 2))
    assert town.text(them, "WRONG") == "<Response>answer to wrong</Response>"
    town.send_all()
    assert [event.reason for event in town.published(ContactSuppressed)] == ["wrong_person"]
    assert ("refused", "contact_removed") in town.state(CHANGED)
    with town.store.reading() as work:
        assert [row.channel for row in work.connection.execute(contact_points.select())] == ["email"]


def test_a_stop_from_an_unknown_number_counts(town: Town) -> None:
    """It is kept by the keyed hash, for whoever verifies it later."""
    assert town.text("+13125550177", "stop") == "<Response>answer to stop</Response>"
    town.start("+13125550177", Channel.SMS)
    town.send_all()
    assert town.sms.taken == []


def test_where_the_provider_answers_itself_we_say_nothing(town: Town) -> None:
    """Else the person would get two confirmations."""
    them = seated(town)
    assert town.text(them, "STOP", OptOutType="STOP") == "<Response></Response>"
    assert change(town, 2) == ["email"]


def test_only_what_the_provider_signed_is_believed(town: Town) -> None:
    """From anyone else nothing is stopped, started or received."""
    them = seated(town)
    with pytest.raises(BadSignature):
        town.text(them, "STOP", signature="forged")
    callback = ReceiveCallback(what="inbound", url="https://x", form=town.seal("[]"), signature="good")
    with pytest.raises(Forbidden):
        town.send(callback, VISITOR)
    nonsense = ReceiveCallback(what="inbound", url="https://x", form=town.seal("{not json"), signature="good")
    with pytest.raises(Invalid):
        town.send(nonsense, PROVIDER)
    assert change(town, 2) == ["email", "sms"]


def test_one_click_unsubscribes_from_one_purpose(town: Town) -> None:
    """As often as it is clicked; what else one agreed to goes on; a new yes to it lifts it, an old one does not."""
    seated(town)
    url = town.mail.taken[0].unsubscribe_url or ""
    assert url.startswith("https://portal.example/u/")
    token = url.rpartition("/")[2]
    for _ in range(2):
        town.send(Unsubscribe(token=token), VISITOR)
    events = town.published(ContactSuppressed)
    assert [(event.reason, event.purpose) for event in events] == [("unsubscribed", Purpose.MEETING_CHANGES)]
    assert change(town, 2) == ["sms"]
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL, granted=True, decided=1)
    assert change(town, 3) == ["sms"]
    town.consent("ana", Purpose.MEETING_CHANGES, Channel.EMAIL, granted=True, decided=2)
    assert change(town, 4) == ["email", "sms"]


@pytest.mark.parametrize("token", ["", "x", "A" * 44, "ä", "../../etc"])
def test_a_token_that_is_not_ours_is_refused(town: Town, token: str) -> None:
    """By name, and without a fault."""
    with pytest.raises(NotFound) as refused:
        town.send(Unsubscribe(token=token), VISITOR)
    assert refused.value.field == "token"
