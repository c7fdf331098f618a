"""From a code to a change that everyone was told of."""

from __future__ import annotations

from shared.contracts.base import Channel, Mode
from shared.contracts.meetings import MeetingMovedOnline
from shared.contracts.notifications import ContactVerified, NoticeKind, NoticeProgress, NoticeSettled
from shared.contracts.registration import SeatReason
from tests.component.notifications.fakes import MEETING, ONLINE, Town, chapter, meeting, number, seat
from tests.support.world import coordinator


def test_a_member_is_told_of_their_seat_and_of_the_change() -> None:
    """One verifies an address, takes a seat, is told so, and told again when the venue is shut; the coordinator sees it."""
    town = Town()
    town.join("ana", sms=True)
    town.deliver(chapter(), meeting(), seat("ana"))
    town.send_all()
    assert sorted(town.sent(NoticeKind.SEAT_CONFIRMED)) == [
        ("seat_confirmed", number("ana")),
        ("seat_confirmed", "ana@example.org"),
    ]
    assert town.mail.taken[0].calendar is not None
    assert "Library" in town.mail.taken[0].words.text

    town.deliver(meeting(MeetingMovedOnline, 2, offers=ONLINE))
    moved = seat("ana", 2, reason=SeatReason.MOVED, mode=Mode.ONLINE, revision=2)
    town.deliver(moved, times=2)
    town.send_all()
    assert len(town.sent(NoticeKind.MEETING_CHANGED)) == 2
    assert "moved_online" in town.mail.taken[-1].words.text
    assert "Library" not in town.mail.taken[-1].words.text

    progress = town.ask(NoticeProgress(meeting_id=MEETING, revision=2), coordinator("chapter-1"))
    assert (progress.due, progress.reached, progress.waiting, progress.complete) == (1, 1, 0, True)
    assert progress.unreached == ()
    assert [event.channel for event in town.published(ContactVerified)] == [Channel.EMAIL, Channel.SMS]
    assert len(town.published(NoticeSettled)) == 4
