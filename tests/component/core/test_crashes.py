"""A crash is a SIGKILL at a named point of a process of its own; after a restart the books balance all the same."""

from __future__ import annotations

import signal

import pytest

from tests.support.broker import TestBroker
from tests.support.processes import eventually
from tests.support.site import QUEUE, Site, chapter, stop

POINTS = ["before commit", "between commit and hand-over", "between commit and ack", "between publish and mark"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_nothing_is_lost_and_nothing_doubled(site: Site, point: str) -> None:
    """Twice at the same point, with poison among the events; one event may be told twice, under one id."""
    poison = [chapter("poison")]
    said = [chapter() for _ in range(40)] + poison
    site.say(*said)
    for _ in range(2):
        dying = site.kill_at(point)
        assert dying.wait(30) == -signal.SIGKILL, dying.tail(30)
        site.say(*(more := [chapter() for _ in range(5)]))
        said += more
    site.expire_leases()
    site.start()
    site.balances(said, parked=poison)
    assert site.heard() == {row.event_id for row in site.outgoing()}
    assert eventually(lambda: site.ready() == 0)


def test_a_relays_lease_is_taken_over_after_its_death(site: Site) -> None:
    """Not before it expires, since it may live; then by whoever looks."""
    said = [chapter() for _ in range(3)]
    site.say(*said)
    assert site.kill_at("between publish and mark").wait(30) == -signal.SIGKILL
    leases = site.leases()
    assert leases
    assert None not in leases
    site.expire_leases()
    site.start()
    site.balances(said)
    assert site.heard() == {row.event_id for row in site.outgoing()}


def test_two_processes_on_one_queue_share_the_work_and_one_may_die(site: Site) -> None:
    """What the dead one held comes to the other; nothing takes effect twice."""
    first, second = site.start(batch="5"), site.start(batch="5")
    said = [chapter("slow 0.01") for _ in range(150)]
    site.say(*said)
    eventually(lambda: len(site.inbox()) > 20, every=0.02)
    first.kill()
    site.expire_leases()
    site.balances(said)
    assert second.alive()


def test_stopped_while_it_works_it_drains_and_nothing_comes_twice(site: Site) -> None:
    """SIGTERM: no new work, what was taken is finished and acknowledged, what was said has left."""
    child = site.start(batch="4")
    said = [chapter("slow 0.1") for _ in range(40)]
    site.say(*said)
    eventually(lambda: len(site.inbox()) >= 4, every=0.02)
    stop(child)
    handled = site.inbox()
    assert 4 <= len(handled) < len(said)
    assert site.unsent() == 0
    left = site.take(QUEUE)
    assert len(left) == len(said) - len(handled)
    assert not any(m.delivery_info["redelivered"] for m in left)
    assert not any((m.headers or {}).get("x-delivery-count") for m in left)


def test_what_the_broker_gave_up_on_ends_in_the_parking_lot(site: Site) -> None:
    """The delivery limit is a backstop against what kills process after process."""
    poor = chapter()
    site.say(poor)
    with site.broker() as connection:
        channel = connection.default_channel
        for _ in range(200):
            message = channel.basic_get(QUEUE)
            if message is None:
                break
            channel.basic_reject(message.delivery_info["delivery_tag"], requeue=True)
    eventually(lambda: site.ready("feedback.dead") == 1)
    site.start()
    site.balances([poor], parked=[poor])
    assert site.parked()[poor.event_id].reason == "delivery_limit"


def test_events_wait_for_a_broker_that_is_restarted_or_killed(site: Site, broker: TestBroker) -> None:
    """In mid-stream, with poison on the ladder; no process is started anew."""
    child = site.start(batch="5")
    poison = [chapter("poison")]
    said = poison + [chapter("slow 0.01") for _ in range(60)]
    site.say(*said)
    eventually(lambda: len(site.inbox()) > 5, every=0.02)
    broker.restart()
    site.say(*(more := [chapter("slow 0.01") for _ in range(60)]))
    said += more
    eventually(lambda: len(site.inbox()) > 70, every=0.02)
    broker.kill()
    broker.start()
    site.say(*(more := [chapter() for _ in range(10)]))
    said += more
    site.balances(said, parked=poison, within=60)
    assert site.heard() == {row.event_id for row in site.outgoing()}
    assert child.alive()
