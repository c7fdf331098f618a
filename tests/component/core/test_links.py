"""A link to a real broker, over a line that a test can shut."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import amqp
import pytest

from shared.messaging.link import Link, LinkLost
from tests.chaos.proxy import Proxy
from tests.support.processes import eventually


def test_a_broker_that_falls_silent_is_given_up_by_whoever_waits_for_its_answer(vhost: str) -> None:
    """Also in mid-question, where no reader looks at the clock: else a process would hang beside nodes that answer."""
    broker = urlsplit(vhost)
    with Proxy() as proxy:
        line = proxy.line("a link", [(str(broker.hostname), broker.port or 5672)])
        link = Link(vhost.replace(broker.netloc.rpartition("@")[2], f"127.0.0.1:{line.port}"), name="test", heartbeat=1)
        line.weather.shut = frozenset({"to process"})
        healed = threading.Timer(20, line.heal)
        healed.start()
        with pytest.raises(LinkLost), link.writing() as channel:
            channel.exchange_declare("events", "topic", passive=True)
        assert line.weather.shut, "it was only told when the line was open again"
        healed.cancel()
        line.cut()
        link.close()


def test_a_link_that_gets_no_channel_leaves_no_connection_behind(vhost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker keeps it else until this process ends: nobody has it in hand, and nobody reads it."""

    def refused(_connection: amqp.Connection) -> None:
        raise amqp.exceptions.ChannelError("no more channels")

    monkeypatch.setattr(amqp.Connection, "channel", refused)
    broker = urlsplit(vhost)
    with Proxy() as proxy:
        line = proxy.line("a link", [(str(broker.hostname), broker.port or 5672)])
        with pytest.raises(LinkLost) as lost:
            Link(vhost.replace(broker.netloc.rpartition("@")[2], f"127.0.0.1:{line.port}"), name="test")
        assert line.opened == 1
        eventually(lambda: line.open == 0, what="the connection's end")
        assert isinstance(lost.value.__cause__, amqp.exceptions.ChannelError)
