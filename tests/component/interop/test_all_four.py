"""What no service can promise alone: unsubscribing, time, and the order of news between all four."""

from __future__ import annotations

from datetime import date

from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import Channel, Mode
from tests.support.region import Place, Region, region
from tests.support.world import member

NUMBER = "+447400123456"


def consents(network: Region, who: str) -> dict[tuple[str, str], bool]:
    """What registration holds this member to have agreed to."""
    view = network.registration.ask(r.MyMembership(), member(who))
    return {(each.purpose.value, each.channel.value): each.granted for each in view.consents}


def test_unsubscribe_from_reminders_keeps_the_changes() -> None:
    """One click under a reminder ends reminders by mail, and nothing else: who is silenced altogether misses a move."""
    with region() as network:
        place = network.found()
        (meeting,) = place.schedule(date(2026, 11, 5))
        ana = network.join("ana")
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        network.step(days=2, hours=12)
        reminder = network.mail.taken[-1]
        network.unsubscribe(reminder)
        network.settle()
        held = consents(network, "ana")
        assert not held["meeting_reminders", "email"]
        assert held["meeting_changes", "email"]
        assert held["feedback_ask", "email"]
        before = len(network.mail.taken)
        place.change(m.MoveOnline, meeting)
        network.step(seconds=90)
        assert len(network.mail.taken) == before + 1


def test_what_was_taken_back_by_mail_can_be_granted_again() -> None:
    """Unsubscribed, granted anew on the page, unsubscribed from the same old mail again: each time what was last said stands."""
    with region() as network:
        place = network.found()
        (meeting,) = place.schedule(date(2026, 11, 5))
        ana = network.join("ana")
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        mail = network.mail.taken[-1]  # about the seat: its purpose is changes
        choice = r.ConsentChoice(purpose=r.Purpose.MEETING_CHANGES, channel=Channel.EMAIL, granted=True)
        for _ in range(2):
            network.unsubscribe(mail)
            network.settle()
            assert not consents(network, "ana")["meeting_changes", "email"]
            assert _told_of_a_change(network, place, meeting) == 0
            network.registration.send(r.DecideConsents(choices=(choice,)), ana)
            network.settle()
            assert consents(network, "ana")["meeting_changes", "email"]
            assert _told_of_a_change(network, place, meeting) == 1


def _told_of_a_change(network: Region, place: Place, meeting: str) -> int:
    """How many mails a change sends."""
    before = len(network.mail.taken)
    page = place.page(meeting)
    place.change(m.MoveBack if page.online_instead else m.MoveOnline, meeting)
    network.step(seconds=90)
    return len(network.mail.taken) - before


def test_stop_takes_back_every_text_and_no_mail() -> None:
    """Twice STOP, whichever the purpose of the text before it; START brings back none by itself."""
    with region() as network:
        network.found()
        network.join("ana", sms=NUMBER)
        network.settle()
        for word in ("stop", "STOP", "start"):
            network.text(NUMBER, word)
            network.settle()
            held = consents(network, "ana")
            assert {channel for (_, channel), granted in held.items() if granted} == {"email"}


def test_the_news_that_someone_unsubscribed_may_come_late_and_twice() -> None:
    """The page granted it meanwhile: the unsubscribe that was meant before it does not undo what came after."""
    with region(doubled=True, seed=3) as network:
        network.found()
        ana = network.join("ana", sms=NUMBER)
        network.settle()
        network.text(NUMBER, "STOP")
        network.settle()
        choice = r.ConsentChoice(purpose=r.Purpose.MEETING_CHANGES, channel=Channel.SMS, granted=True)
        network.text(NUMBER, "START")
        network.registration.send(r.DecideConsents(choices=(choice,)), ana)
        network.settle()
        assert consents(network, "ana")["meeting_changes", "sms"]
