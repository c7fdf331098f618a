"""What no service can promise alone: unsubscribing, time, and the order of news between all four."""

from __future__ import annotations

from datetime import date

from services.notifications.store.tables import notices
from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import Channel, Mode
from sqlalchemy import select
from tests.support.region import Region, region

NUMBER = "+447400123456"


def consents(network: Region, who: str) -> dict[tuple[str, str], bool]:
    """What registration holds this member to have agreed to."""
    from tests.support.world import member

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
        assert held["meeting_changes", "email"] and held["feedback_ask", "email"]
        before = len(network.mail.taken)
        place.change(m.MoveOnline, meeting)
        network.step(seconds=90)
        assert len(network.mail.taken) == before + 1
