"""Texts: one whose outcome is unknown is asked after, and a provider that hangs holds up nobody else."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

from services.notifications.messages import DOES_NOT_ANSWER, Accepted, Message, Permanent, Transient, Unknown
from shared.storage.engine import make_engine
from tests.component.notifications.fakes import Town
from tests.component.notifications.test_sending import CHANGED, changed
from tests.support.processes import eventually


@pytest.mark.parametrize(
    ("found", "state", "times"),
    [
        (Accepted("SM9"), "sent", 1),
        (Unknown("away"), "held", 1),
        (Permanent("invalid"), "refused", 1),
    ],
)
def test_a_text_whose_outcome_is_unknown_is_asked_after_first(
    town: Town, found: Accepted | Unknown | Permanent, state: str, times: int
) -> None:
    """A double text is worse than a late one."""
    changed(town, email=False, sms=True)
    town.join("ana", email=False)
    town.sms.answers, town.sms.finds = [Unknown("no_answer")], [found]
    town.sms.tried.clear()
    town.send_all()
    town.clock.step(minutes=5)
    town.send_all()
    assert [each[0] for each in town.state(CHANGED)] == [state]
    assert len(town.sms.tried) == times


def test_a_text_that_the_provider_has_not_is_asked_after_again_before_it_is_sent_again(town: Town) -> None:
    """Its list may lag: between the two questions some time passes, and the second is about the same words."""
    changed(town, email=False, sms=True)
    town.sms.answers, town.sms.finds = [Unknown("no_answer")], [Transient("not_found"), Accepted("SM7")]
    town.sms.tried.clear()
    town.send_all()
    assert town.state(CHANGED) == [("waiting", "not_found")]
    town.clock.step(minutes=5)
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]
    assert len(town.sms.tried) == 1
    assert town.sms.found[-1].first_tried is not None


def test_a_text_that_failed_at_the_provider_is_sent_again_only_once_the_provider_says_that_it_has_it_not(
    town: Town,
) -> None:
    """Some fail after they took it. While the provider cannot be asked, nothing is sent, and nothing is given up."""
    changed(town, email=False, sms=True)
    town.sms.answers = [Transient("http_500", 30.0, doubtful=True)]
    town.sms.finds = [Unknown(DOES_NOT_ANSWER), Accepted("SM9")]
    town.sms.tried.clear()
    for state in (("waiting", "http_500"), ("waiting", DOES_NOT_ANSWER), ("sent", "")):
        town.send_all()
        assert town.state(CHANGED) == [state]
        town.clock.step(minutes=5)
    assert len(town.sms.tried) == 1


@pytest.mark.parametrize(
    ("at_last", "times"), [(Accepted("SM9"), 1), (Transient("not_found"), 2)], ids=["it has it", "it has it not"]
)
def test_a_text_whose_provider_hangs_is_asked_after_until_it_answers(
    town: Town, at_last: Accepted | Transient, times: int
) -> None:
    """An hour without an answer is no person's work, and sends nothing twice."""
    changed(town, email=False, sms=True)
    town.sms.answers, town.sms.finds = [Unknown("no_answer")], [Unknown(DOES_NOT_ANSWER)] * 5 + [at_last]
    town.sms.tried.clear()
    for _ in range(5):
        town.send_all()
        assert town.state(CHANGED) == [("waiting", DOES_NOT_ANSWER)]
        assert len(town.sms.tried) == 1
        town.clock.step(minutes=20)
    town.send_all()
    assert town.state(CHANGED) == [("sent", "")]
    assert len(town.sms.tried) == times


def test_a_provider_that_hangs_holds_up_no_mail(tmp_path: Path) -> None:
    """A text may wait for its time-outs, one after the other; a code by mail leaves meanwhile."""
    engine = make_engine(f"sqlite:///{tmp_path}/lanes.db")
    town = Town(engine)
    changed(town, email=False, sms=True)
    hanging, over = Event(), Event()

    def hang(_message: Message) -> None:
        hanging.set()
        over.wait(30)

    def run(timer: str) -> None:
        while not over.wait(0.02):
            getattr(town.service, timer)()

    town.sms.before = hang
    timers = [Thread(target=run, args=(name,)) for name, _ in town.dispatcher.entrypoints.background]
    for timer in timers:
        timer.start()
    try:
        assert hanging.wait(20)
        town.start("late@example.org")
        eventually(lambda: town.mail.taken, within=20, what="the code")
    finally:
        over.set()
        for timer in timers:
            timer.join()
    assert [message.to for message in town.mail.taken] == ["late@example.org"]
    engine.dispose()
