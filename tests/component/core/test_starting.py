"""How a process begins and ends: topology first, one health port each, a stop that always comes to an end."""

from __future__ import annotations

import json
import socket

from services.local.ports import free_ports
from shared.messaging import topology
from tests.support.processes import eventually
from tests.support.site import LADDER, Site, chapter, stop

NOBODY = "amqp://guest:guest@127.0.0.1:{port}//"


def test_what_waited_in_the_outbox_reaches_all_who_hear_it(site: Site) -> None:
    """Every queue is bound before the relay starts, also those of services that have never run."""
    with site.broker() as connection:
        channel = connection.default_channel
        for name in ("notifications.events", "feedback.events", "unrouted"):
            channel.queue_delete(name)
    said = [chapter() for _ in range(3)]
    site.record(*said)
    site.start()
    eventually(lambda: site.unsent() == 0)
    site.balances(said)
    assert len(site.take("notifications.events")) == 3
    assert site.ready("unrouted") == 0


def test_an_event_of_a_type_that_nobody_knows_is_kept(site: Site) -> None:
    """A process newer than the topology said it; the relay goes on."""
    site.start()
    stranger, mate = chapter(), chapter()
    site.record(stranger, kind="feedback.from_the_future.v1")
    site.record(mate)
    site.balances([mate])
    assert [message.body for message in eventually(lambda: site.take("unrouted"))] == [stranger.body]


def test_an_event_said_while_the_broker_was_away_arrives(site: Site) -> None:
    """The outbox keeps it; the rungs are declared anew where the ladder changed."""
    said = [chapter() for _ in range(5)]
    site.record(*said)
    with site.broker() as connection:
        channel = connection.default_channel
        for rung in LADDER:
            channel.queue_delete(topology.rung_name(rung))
    site.start()
    site.balances(said)


def test_a_health_port_that_is_taken_is_said_in_a_sentence(site: Site) -> None:
    """Two processes never share one in silence; nothing was begun."""
    port = free_ports(1)[0]
    first = site.start(health_port=str(port))
    second = site.start(wait=False, health_port=str(port))
    assert second.wait(20) == 1
    assert "CHAPTERHOUSE_HEALTH_PORT" in second.tail(3)
    assert "Traceback" not in second.tail(30)
    assert first.alive()
    assert b"200 OK" in asked(port, "/livez")
    assert eventually(lambda: b"200 OK" in asked(port, "/readyz"))
    assert b"chapterhouse_events_handled" in asked(port, "/metrics")


def asked(port: int, path: str) -> bytes:
    """One HTTP answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_process_that_waits_for_its_broker_says_so_and_can_be_stopped(site: Site) -> None:
    """SIGTERM ends it as it ends any other."""
    child = site.start(wait=False, broker_url=NOBODY.format(port=free_ports(1)[0]))
    eventually(lambda: "waiting_for_broker" in site.logs())
    stop(child, patience=5)


def test_a_moved_clock_is_acknowledged_once_nothing_is_left_of_the_time_before(site: Site) -> None:
    """Not while an event is in the queue or in hand."""
    file = site.folder / "clock.json"
    file.write_text(json.dumps({"offset": 0}))
    site.start(clock_file=str(file), batch="1")
    acks = site.folder / "clock.acks"
    eventually(lambda: acks.is_dir() and [each.read_text() for each in acks.iterdir()] == ["0.0"])
    said = [chapter("slow 0.3") for _ in range(4)]
    site.say(*said)
    file.write_text(json.dumps({"offset": 60}))
    eventually(lambda: [each.read_text() for each in acks.iterdir()] == ["60.0"])
    assert site.inbox() >= {each.event_id for each in said}
    assert site.unsent() == 0


def test_a_broker_that_comes_back_empty_is_furnished_again(site: Site) -> None:
    """Its disk was lost: queues and bindings are made anew by whoever misses one, and what is said arrives."""
    site.start()
    with site.broker() as connection:
        channel = connection.default_channel
        for name in ("feedback.events", "feedback.dead", "feedback.requests", "notifications.events"):
            channel.queue_delete(name)
    eventually(lambda: site.consumers() == 1)
    said = [chapter() for _ in range(3)]
    site.say(*said)
    site.balances(said)
    assert len(site.take("notifications.events")) == 3
