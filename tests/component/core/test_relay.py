"""The relay: what a commit says is handed to it under a lease, and whatever happens then, somebody sends it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import eventlet
import pytest
from kombu import Connection
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from shared.contracts.base import ChapterId
from shared.contracts.meetings import ChapterOpened
from shared.messaging import topology
from shared.messaging.definitions import mark
from shared.messaging.outbox import Outgoing
from shared.messaging.relay import BATCH, IN_HAND, Outbox, Relay
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.work import Store, Work
from tests.support.probe.service import metadata
from tests.support.processes import eventually
from tests.support.samples import sample
from tests.support.site import LADDER, SPY, Site, chapter
from tests.support.world import ring


@pytest.fixture
def store(database: str) -> Store[Work]:
    """The probe's tables."""
    engine = make_engine(database)
    metadata.create_all(engine)
    return Store(engine, Work, ring("feedback"))


@pytest.fixture
def relay(store: Store[Work]) -> Relay:
    """As in a process whose link is open, after its first look."""
    made = Relay("amqp://nobody", store, "feedback", "no mark")
    store.lease, store.on_said = made.lease, made.take
    linked(made)
    return made


def linked(relay: Relay) -> list[Outgoing]:
    """A new link is open; what its first look finds."""
    relay.outbox.begin()
    relay.connected = True
    return relay._turn(set(), look=True)


def say(store: Store[Work], *chapters: str) -> None:
    """Commit one event for each of these."""
    with store.writing() as work:
        for each in chapters:
            work.publish(sample(ChapterOpened, chapter_id=ChapterId(each)))


def fail_after_saying(work: Work, chapter: str) -> None:
    """Written already, and then undone."""
    work.publish(sample(ChapterOpened, chapter_id=ChapterId(chapter)))
    work.flush()
    raise ValueError(chapter)


def subjects(store: Store[Work], rows: list[Outgoing]) -> list[str]:
    """Of whom these rows tell, read anew from the table by position and id."""
    with store.reading() as work:
        found = {
            (row.position, row.event_id, row.body): row.subject for row in work.connection.execute(select(core.outbox))
        }
    return [found[row.position, row.event_id, bytes(row.body)] for row in rows]


def expire(store: Store[Work]) -> None:
    """Half a minute passes."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with store.writing() as work:
        work.connection.execute(update(core.unsent).values(leased_until=past))


def test_what_a_commit_says_is_handed_over_and_found_by_nobody_else(store: Store[Work], relay: Relay) -> None:
    """In its order, with positions, ids and bytes as they stand in the table."""
    say(store, "one", "two", "three")
    assert Outbox(store).turn((), ()) == []
    assert relay._turn(set(), look=True) == []
    assert subjects(store, relay._by_hand()) == ["one", "two", "three"]
    assert relay._by_hand() == []


def test_what_is_undone_is_never_handed_over(store: Store[Work], relay: Relay) -> None:
    """By a savepoint, also where the inside flushed it; or with the whole transaction."""
    with store.writing() as work:
        work.publish(sample(ChapterOpened, chapter_id=ChapterId("kept")))
        with pytest.raises(ValueError, match="inside"), work.savepoint():
            fail_after_saying(work, "inside")
    with pytest.raises(ValueError, match="all of it"), store.writing() as work:
        fail_after_saying(work, "all of it")
    assert subjects(store, relay._by_hand()) == ["kept"]


def test_a_lease_in_the_hands_of_the_dead_is_taken_over_when_it_expires(store: Store[Work], relay: Relay) -> None:
    """Not before; and one that lived on lets go of it by itself, so that it is sent once."""
    say(store, "one")
    relay._handed[0] = (relay._handed[0][0]._replace(until=datetime.now(UTC)), relay._handed[0][1])
    assert Outbox(store).turn((), ()) == []
    expire(store)
    assert subjects(store, Outbox(store).turn((), ())) == ["one"]
    assert relay._by_hand() == []


def test_what_a_lost_link_left_is_taken_up_by_the_next_at_once(store: Store[Work], relay: Relay) -> None:
    """Handed over and not sent, leased and not confirmed, or committed while there was no link."""
    relay.connected = False
    say(store, "leased")
    relay.connected = True
    assert len(relay._turn(set(), look=True)) == 1
    say(store, "in hand")
    relay.connected = False
    say(store, "free")
    assert subjects(store, Outbox(store).turn((), (), most=10)) == ["free"], "others have only what lies free"
    say(store, "free too")
    assert subjects(store, linked(relay)) == ["leased", "in hand", "free too"]
    assert relay._by_hand() == []


def test_only_what_was_confirmed_is_marked(store: Store[Work], relay: Relay) -> None:
    """Never what lies between: another's rows may stand there. What was refused lies free again."""
    say(store, "one", "two", "three", "four")
    one, two, three, four = relay._by_hand()
    relay._confirmed = {one.position, four.position}
    assert relay._turn({three.position}, look=True) == [three], "it is found by the very look that gave it back"
    with store.reading() as work:
        assert set(work.connection.scalars(select(core.unsent.c.position))) == {two.position, three.position}
    assert subjects(store, linked(relay)) == ["two", "three"]
    assert two.position < three.position


def test_what_is_too_much_to_hold_lies_free(store: Store[Work], relay: Relay) -> None:
    """One commit larger than a batch, or more than a slow broker takes: no memory is filled, and none waits for a lease."""
    say(store, *(f"much-{number}" for number in range(BATCH + 1)))
    assert relay._by_hand() == []
    assert len(relay._turn(set(), look=True)) == BATCH
    assert relay.lease(1) is None, "there is more in the table: that comes first"
    assert len(relay._turn(set(), look=True)) == 1
    assert relay.lease(1) is not None
    relay._in_hand = IN_HAND + 1
    assert relay.lease(1) is None


def test_what_the_broker_refuses_is_sent_again_until_it_takes_it(one_site: Site) -> None:
    """A full queue that rejects is a refusal for whoever publishes; nothing is marked that was not taken."""
    with one_site.broker() as connection:
        channel = connection.default_channel
        limits = {"x-max-length": 0, "x-overflow": "reject-publish"}
        channel.queue_declare("full", durable=True, auto_delete=False, arguments=limits)
        channel.queue_bind("full", "live", "feedback.probe_heard.v1")
    child = one_site.start()
    said = [chapter() for _ in range(3)]
    one_site.say(*said)
    assert eventually(lambda: "broker_refused_events" in child.log.read_text())
    assert one_site.unsent() == 3
    with one_site.broker() as connection:
        connection.default_channel.queue_delete("full")
    one_site.balances(said)
    assert one_site.heard() == {row.event_id for row in one_site.outgoing()}


def test_two_processes_send_each_event_once(site: Site) -> None:
    """As long as nobody dies: neither takes what the other has in hand."""
    site.start(batch="5")
    site.start(batch="5")
    said = [chapter() for _ in range(200)]
    site.say(*said)
    site.balances(said)
    heard = Counter(message.properties["message_id"] for message in site.take(SPY))
    assert heard == Counter(row.event_id for row in site.outgoing())


def test_nothing_is_said_to_a_broker_that_is_not_furnished_to_its_end(
    vhost: str, store: Store[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk was lost, and another process is about to declare: what no queue hears yet would be confirmed and gone."""
    relay = Relay(vhost, store, "feedback", mark(LADDER))
    say(store, "one")
    reasons: list[str] = []

    def furnish_and_stop(_seconds: float) -> None:
        """In place of a pause: at the first there is an exchange and no more, at the second all of it."""
        with Connection(vhost) as connection:
            if not reasons:
                for exchange in topology.exchanges(LADDER):
                    exchange(connection.default_channel).declare()
            else:
                topology.furnish(connection, LADDER, mark(LADDER))
        reasons.append(str(relay.outbox.unsent()[0]))
        if len(reasons) > 5:
            relay._stopping = True

    monkeypatch.setattr(relay, "_wait", lambda _link: setattr(relay, "_stopping", True))
    monkeypatch.setattr(eventlet, "sleep", furnish_and_stop)
    relay.run()
    assert reasons == ["1", "1"], "it said nothing, twice"
    assert relay.outbox.unsent()[0] == 0
    with Connection(vhost) as connection:
        assert connection.default_channel.queue_declare("notifications.events", passive=True).message_count == 1


def test_a_lease_beyond_any_is_of_a_clock_that_was_set_back(store: Store[Work], relay: Relay) -> None:
    """Else what a dead relay held would wait for as long as the clock went back."""
    say(store, "one")
    with store.writing() as work:
        work.connection.execute(update(core.unsent).values(leased_until=datetime.now(UTC) + timedelta(hours=1)))
    assert subjects(store, Outbox(store).turn((), ())) == ["one"]


def test_a_relay_without_its_database_asks_the_broker_for_ever_fewer_links(
    vhost: str, store: Store[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that opens is no reason to hurry where the database is what is away."""
    with Connection(vhost) as connection:
        topology.furnish(connection, LADDER, mark(LADDER))
    relay = Relay(vhost, store, "feedback", mark(LADDER))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        relay._stopping = len(pauses) == 4

    def away(*_: object, **__: object) -> list[Outgoing]:
        raise DBAPIError("a statement", None, Exception("away"))

    monkeypatch.setattr(relay.outbox, "turn", away)
    monkeypatch.setattr(eventlet, "sleep", pause)
    relay.run()
    assert pauses == [0.2, 0.4, 0.8, 1.6]
