"""The private broker."""

from __future__ import annotations

import time
from pathlib import Path

import kombu
import psutil
import pytest
from amqp.exceptions import InternalError, NotFound

from services.local.broker import BrokerFailed, PrivateBroker, unreachable
from services.local.cluster import get_broker
from services.local.processes import Leash
from tests.support.broker import PrivateTestBroker, TestBroker


def queue(name: str) -> kombu.Queue:
    return kombu.Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"})


def publish(url: str, body: str) -> None:
    with kombu.Connection(url, transport_options={"confirm_publish": True}) as connection:
        channel = connection.channel()
        queue("kept")(channel).declare()
        kombu.Producer(channel).publish(body, routing_key="kept", delivery_mode=2)


def take(url: str) -> str | None:
    """What lies in the queue, as soon as it has a leader again: a node that answers may still be electing them."""
    until = time.monotonic() + 60
    while True:
        try:
            with kombu.Connection(url) as connection:
                message = queue("kept")(connection.channel()).get(no_ack=True)
                return message.payload if message else None
        except (InternalError, NotFound, OSError):
            assert time.monotonic() < until, "the queue has no leader"
            time.sleep(0.5)


def test_what_was_confirmed_outlives_a_kill_and_a_restart(broker: TestBroker, vhost: str) -> None:
    """A power cut and a restart of the broker lose nothing, and the address stays."""
    publish(vhost, "before the kill")
    broker.kill()
    assert unreachable(vhost)
    broker.start()
    assert take(vhost) == "before the kill"
    publish(vhost, "before the restart")
    broker.restart()
    assert take(vhost) == "before the restart"


def test_each_test_has_a_virtual_host_of_its_own(broker: TestBroker) -> None:
    """What one test leaves in its queues no other sees."""
    one, two = broker.new_vhost(), broker.new_vhost()
    publish(one, "mine")
    with kombu.Connection(two) as connection, pytest.raises(connection.channel_errors):
        queue("kept")(connection.channel()).queue_declare(passive=True)


def test_the_node_listens_on_loopback_only_and_knows_no_guest(broker: TestBroker) -> None:
    """Nobody outside this machine reaches it, and nobody on it by the well-known password."""
    if not isinstance(broker, PrivateTestBroker):
        pytest.fail("this test needs the private node: unset CHAPTERHOUSE_TEST_BROKER, CHAPTERHOUSE_TEST_DOCKER=0")
    processes = {pid for group in broker.node.pids for pid in [group, *map(_pid, _children(group))]}
    heard = {c.laddr.ip for c in psutil.net_connections("tcp") if c.pid in processes and c.status == psutil.CONN_LISTEN}
    assert heard <= {"127.0.0.1", "::1"}
    assert len(heard) >= 1
    assert unreachable(f"amqp://guest:guest@127.0.0.1:{broker.node.port}/chapterhouse")


def test_a_clean_stop_leaves_nothing_running_and_keeps_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same folder gives the same messages again, whatever its name, and in whatever language the terminal is."""
    leash, folder = Leash(), tmp_path / "a brøker"
    monkeypatch.setenv("LC_ALL", "C")
    first = PrivateBroker(folder, leash)
    first.start()
    publish(first.url, "kept")
    processes = [psutil.Process(pid) for group in first.pids for pid in [group, *map(_pid, _children(group))]]
    first.stop()
    assert [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    second = PrivateBroker(folder, leash)
    second.start()
    try:
        assert take(second.url) == "kept"
        second.kill()
        assert "ended" in (second.problem() or "")
    finally:
        second.kill()
        leash.close()


def test_a_broker_named_in_the_environment_must_answer(tmp_path: Path) -> None:
    """One sentence says which variable names a broker that is not there; the password is not in it."""
    with pytest.raises(BrokerFailed, match="CHAPTERHOUSE_BROKER_URL") as failed:
        get_broker(tmp_path, Leash(), env={"CHAPTERHOUSE_BROKER_URL": "amqp://me:hushhush@127.0.0.1:1/x"})
    assert "hushhush" not in str(failed.value)


def test_a_cluster_is_not_started_as_one_node(tmp_path: Path) -> None:
    """One of three is no majority: it would take nothing, and say nothing. The sentence says what to do."""
    (tmp_path / "cluster.json").write_text('{"nodes": 3}')
    with pytest.raises(BrokerFailed, match="--nodes 3"):
        get_broker(tmp_path, Leash(), env={})


def _children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def _pid(process: psutil.Process) -> int:
    return process.pid
