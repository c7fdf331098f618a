"""The sending loop: due = sent + refused + expired + held, whatever the other side does and whoever dies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.notifications.handlers.gathering import facts_of, standing
from services.notifications.messages import Accepted, Message, Permanent, Transient, Unknown
from services.notifications.store.tables import notices
from shared.contracts.base import Channel
from shared.contracts.errors import AlreadyDone, Forbidden, NotFound
from shared.contracts.meetings import MeetingMoved
from shared.contracts.notifications import (
    ContactSuppressed,
    Discretion,
    NoticeKind,
    NoticeProgress,
    NoticeState,
    Preferences,
    SetPreferences,
    SettleHeld,
)
from shared.contracts.registration import SeatState
from shared.runtime.clock import real_now
from shared.storage.engine import make_engine
from tests.component.notifications.fakes import MEETING, Town, chapter, meeting, number, seat
from tests.component.notifications.test_dying import Killed, kill
from tests.support.world import OPERATOR, coordinator, member

CONFIRMED, CHANGED = NoticeKind.SEAT_CONFIRMED, NoticeKind.MEETING_CHANGED


def soon() -> datetime:
    """When a lease would end."""
    return real_now() + timedelta(minutes=5)


def seated(town: Town, *, email: bool = True, sms: bool = False) -> None:
    town.join("ana", email=email, sms=sms)
    town.deliver(chapter(), meeting(), seat("ana"))


def changed(town: Town, *, email: bool = True, sms: bool = False) -> None:
    """A change is due, and nothing else."""
    seated(town, email=email, sms=sms)
    town.send_all()
    town.deliver(meeting(MeetingMoved, 2))
    town.mail.taken.clear()
    town.sms.taken.clear()


def test_a_transient_failure_is_tried_again_with_growing_waits(town: Town) -> None:
    """Every attempt stands in the ledger with its outcome."""
    seated(town)
    town.mail.answers = [Transient("busy", retry_after=5), Transient("busy", retry_after=5)]
    town.send_all()
    assert town.state(CONFIRMED) == [("waiting", "busy")]
    town.clock.step(seconds=29)
    town.send_all()
    assert len(town.mail.taken) == 0
    town.clock.step(seconds=1)
    town.send_all()
    town.clock.step(seconds=60)
    town.send_all()
    assert town.state(CONFIRMED) == [("sent", "")]
    outcomes = [row.outcome for row in town.deliveries() if row.notice_id == town.rows()[-1].notice_id]
    assert outcomes == ["transient", "transient", "accepted"]


def test_what_cannot_be_delivered_in_time_expires(town: Town) -> None:
    """It is not sent when it would only confuse."""
    seated(town)
    town.mail.answers = [Transient("busy")] * 100
    for _ in range(60):
        town.send_all()
        town.clock.step(hours=1)
    assert town.state(CONFIRMED) == [("expired", "busy")]


def test_a_permanent_failure_suppresses_the_address_and_says_so(town: Town) -> None:
    """It is written to no more, until its owner proves it anew."""
    seated(town)
    town.mail.answers = [Permanent("bounced", suppress=True)]
    town.send_all()
    assert town.state(CONFIRMED) == [("refused", "bounced")]
    assert [event.reason for event in town.published(ContactSuppressed)] == ["hard_bounce"]
    town.deliver(meeting(MeetingMoved, 2))
    town.send_all()
    assert town.state(CHANGED) == [("refused", "suppressed")]
    town.verify("ana", "ana@example.org")
    town.deliver(meeting(MeetingMoved, 3))
    town.send_all()
    assert town.state(CHANGED)[-1] == ("sent", "")


def test_an_urgent_mail_whose_outcome_is_unknown_goes_once_again_under_its_name(town: Town) -> None:
    """The same Message-ID, so that a reader's program may show one. Unknown twice, it is held."""
    changed(town)
    town.mail.answers = [Unknown("cut")]
    town.mail.tried.clear()
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]
    first, second = town.mail.tried
    assert first.message_id == second.message_id
    assert "@" in first.message_id

    town.deliver(meeting(MeetingMoved, 3))
    town.mail.answers = [Unknown("cut"), Unknown("cut")]
    town.send_all()
    assert town.state(CHANGED)[-1] == ("held", "unknown")


def test_a_mail_that_is_not_urgent_is_held_when_its_outcome_is_unknown(town: Town) -> None:
    """A person decides."""
    seated(town)
    town.mail.answers = [Unknown("cut")]
    town.send_all()
    assert town.state(CONFIRMED) == [("held", "unknown")]


def test_a_sender_that_breaks_counts_as_unknown(town: Town) -> None:
    """It may have sent before it broke. The others are not stopped by it."""
    for who in ("ana", "ben"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"))
    town.mail.answers = [RuntimeError("bug")]
    town.send_all()
    assert sorted(row.state for row in town.rows() if row.kind == "seat_confirmed") == ["held", "sent"]


def test_a_process_that_dies_while_sending_leaves_a_notice_that_another_decides_on(town: Town) -> None:
    """Marked SENDING before the first byte; after the lease the rule of the unknown outcome holds."""
    changed(town, sms=True)
    town.sms.finds = [Accepted("SM5")]
    town.mail.before = town.sms.before = kill
    for _ in range(2):
        with pytest.raises(Killed):
            town.send_once()
        assert "sending" in {row.state for row in town.rows() if row.kind == "meeting_changed"}
        town.lapse_leases()
    town.mail.before = town.sms.before = lambda _message: None
    town.service = town.dispatcher.service = town.new_service()
    town.send_all()
    assert town.state(CHANGED) == [("sent", ""), ("sent", "")]
    assert len(town.mail.taken) == 1, "once again under the same Message-ID"
    assert len(town.sms.taken) == 0, "the provider had it"


def test_a_process_that_dies_between_claim_and_mark_has_sent_nothing(town: Town) -> None:
    """Its lease runs out, and the notice goes as if nothing had been."""
    seated(town)
    with town.store.writing() as work:
        assert len(work.notices.claim("dead", soon(), work.notices.next(Channel.EMAIL, 10, until=soon()))) == 1
    town.send_all()
    assert town.state(CONFIRMED) == [("waiting", "")]
    town.lapse_leases()
    town.send_all()
    assert town.state(CONFIRMED) == [("sent", "")]
    assert len(town.mail.taken) == 1


@pytest.mark.parametrize(("ahead", "state"), [(timedelta(hours=1), "sent"), (timedelta(minutes=1), "waiting")])
def test_a_lease_from_before_the_clock_was_set_back_holds_nothing(town: Town, ahead: timedelta, state: str) -> None:
    """It would end an hour late. A clock that is a little ahead of ours is believed."""
    seated(town)
    with town.store.writing() as work:
        work.notices.claim("dead", soon() + ahead, work.notices.next(Channel.EMAIL, 10, until=soon()))
    town.send_all()
    assert [each[0] for each in town.state(CONFIRMED)] == [state]


def test_a_notice_left_behind_while_it_was_sent_is_found_though_the_clock_was_set_back(town: Town) -> None:
    """Its outcome is unknown: an urgent mail goes once again."""
    changed(town)
    town.mail.before = kill
    with pytest.raises(Killed):
        town.send_once()
    town.mail.before = lambda _message: None
    with town.store.writing() as work:
        late = notices.update().where(notices.c.state == "sending")
        work.connection.execute(late.values(leased_until=soon() + timedelta(hours=1)))
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]


def test_what_is_looked_up_for_many_at_once_is_what_is_looked_up_for_one(town: Town) -> None:
    """The gate cannot tell the difference: chosen or not, consented or not, silenced or not, with and without a meeting."""
    for who in ("ana", "ben", "cleo"):
        town.join(who, sms=who == "ben", consents=who != "cleo")
    chosen = Preferences(time_zone="America/Denver", locale="en", discretion=Discretion.OPEN)
    town.send(SetPreferences(preferences=chosen), member("ben"))
    town.deliver(chapter(), meeting(), meeting(meeting_id="m2"), meeting(MeetingMoved, 2))
    town.deliver(*(seat(who) for who in ("ana", "ben", "cleo")), seat("ana", meeting_id="m2"))
    town.deliver(seat("ben", 2, state=SeatState.RELEASED), seat("ana", meeting_id="unheard-of"))
    town.text(number("ben"), "STOP", OptOutType="STOP")
    town.start("late@example.org")
    terms = town.service._terms
    with town.store.reading() as one, town.store.reading() as many:
        waiting = list(
            many.notices.locked(
                [
                    *many.notices.next(Channel.EMAIL, 100, until=soon()),
                    *many.notices.next(Channel.SMS, 100, until=soon()),
                ]
            ).values()
        )
        many.foresee(waiting)
        assert len(waiting) > 8
        for notice in waiting:
            alone, among = standing(one, notice, terms), standing(many, notice, terms)
            assert replace(alone, real_now=among.real_now) == among
            assert facts_of(one, alone, terms) == facts_of(many, among, terms)
            if alone.contact:
                assert one.contacts.address(alone.contact) == many.contacts.address(alone.contact)


def test_two_lanes_never_send_the_same_notice(tmp_path: Path) -> None:
    """On real threads and a file: each notice once."""
    engine = make_engine(f"sqlite:///{tmp_path}/lanes.db")
    town = Town(engine, lanes=4, lane_batch=3)
    people = [f"p{n}" for n in range(12)]
    for who in people:
        town.join(who)
    town.deliver(chapter(), meeting(), *(seat(who) for who in people))
    town.send_all()
    assert Counter(to for _, to in town.sent(CONFIRMED)) == Counter({f"{who}@example.org": 1 for who in people})
    engine.dispose()


def test_a_lane_that_lost_its_lease_does_not_overrule_who_took_over(town: Town) -> None:
    """But that it was accepted is true whoever says it."""
    changed(town)

    def take_away(_message: Message) -> None:
        with town.store.writing() as work:
            work.connection.execute(notices.update().where(notices.c.state == "sending").values(leased_by="other"))

    town.mail.before = take_away
    town.mail.answers = [Permanent("bounced")]
    town.send_once()
    assert town.state(CHANGED) == [("sending", "")]


def test_urgent_goes_before_bulk_and_chapters_take_turns(town: Town) -> None:
    """A chapter with many notices delays another's one by one notice; a change overtakes all of them."""
    for n in range(6):
        town.join(f"big{n}")
    town.join("small")
    town.join("code-first", email=False)
    town.deliver(chapter(), chapter("chapter-2"), meeting(), meeting(meeting_id="m2", chapter_id="chapter-2"))
    town.deliver(*(seat(f"big{n}") for n in range(6)))
    town.clock.step(minutes=1)
    town.deliver(seat("small", meeting_id="m2", chapter_id="chapter-2"))
    town.clock.step(minutes=1)
    town.deliver(meeting(MeetingMoved, 2, meeting_id="m2", chapter_id="chapter-2"))
    town.start("late@example.org")
    with town.store.writing() as work:
        order = [
            (n.kind, n.chapter_id)
            for n in work.notices.claim("lane", soon(), work.notices.next(Channel.EMAIL, 5, until=soon()))
        ]
    assert order == [
        (NoticeKind.CODE, None),
        (NoticeKind.MEETING_CHANGED, "chapter-2"),
        (NoticeKind.SEAT_CONFIRMED, "chapter-1"),
        (NoticeKind.SEAT_CONFIRMED, "chapter-2"),
        (NoticeKind.SEAT_CONFIRMED, "chapter-1"),
    ]


def test_a_held_notice_is_decided_by_a_person_of_that_chapter(town: Town) -> None:
    """Arrived, again, or given up; not by another chapter's, and not twice."""
    for who in ("ana", "ben", "cleo"):
        town.join(who)
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"), seat("cleo"))
    town.mail.answers = [Unknown("cut")] * 3
    town.send_all()
    held = {row.member_id: row.notice_id for row in town.rows() if row.state == "held"}
    arrived = SettleHeld(notice_id=held["ana"], decision="arrived")
    with pytest.raises(NotFound):
        town.send(arrived, coordinator("chapter-2"))
    with pytest.raises(Forbidden):
        town.send(arrived, member("ana"))
    town.send(arrived, coordinator("chapter-1"))
    with pytest.raises(AlreadyDone):
        town.send(arrived, coordinator("chapter-1"))
    town.send(SettleHeld(notice_id=held["ben"], decision="send_again"), OPERATOR)
    town.send(SettleHeld(notice_id=held["cleo"], decision="give_up"), coordinator("chapter-1"))
    town.send_all()
    assert [town.state(CONFIRMED, who)[0] for who in ("ana", "ben", "cleo")] == [
        ("sent", ""),
        ("sent", ""),
        ("refused", "given_up"),
    ]
    assert [to for _, to in town.sent()] == ["ben@example.org"]


def test_receipts_only_advance(town: Town) -> None:
    """Doubled and out of order: who was delivered to stays reached; who was not is named, with a next step."""
    for who in ("ana", "ben"):
        town.join(who, email=False)
        town.verify(who, number(who), Channel.SMS, member(who))
    town.deliver(chapter(), meeting(), seat("ana"), seat("ben"), meeting(MeetingMoved, 2))
    town.send_all()
    sids = {row.notice_id: row.provider_id for row in town.deliveries()}
    ids = {row.member_id: sids[row.notice_id] for row in town.rows() if row.kind == "meeting_changed"}
    town.receipt(ids["ana"], "delivered")
    town.receipt(ids["ana"], "undelivered")
    town.receipt(ids["ana"], "sent")
    town.receipt(ids["ben"], "undelivered")
    town.receipt(ids["ben"], "undelivered")
    assert town.state(CHANGED, "ana") == [("sent", "")]
    assert town.state(CHANGED, "ben") == [("refused", "landline")]
    progress = town.ask(NoticeProgress(meeting_id=MEETING, revision=2), coordinator("chapter-1"))
    assert [(each.member_id, each.state) for each in progress.unreached] == [("ben", NoticeState.REFUSED)]
    assert progress.reached == 1


def test_a_message_says_how_long_it_is_good_for(town: Town) -> None:
    """The provider need not deliver it after the meeting has begun, nor a code after ten minutes."""
    town.start("ana@example.org")
    town.send_all()
    assert 590 <= town.mail.taken[-1].valid_seconds <= 600
    seated(town)
    town.clock.step(hours=33, minutes=30)  # half an hour before the start
    town.send_all()
    town.deliver(meeting(MeetingMoved, 2))
    town.send_all()
    assert town.mail.taken[-1].valid_seconds == 2 * 3600
