"""A broker for tests, by the ladder: named in the environment, in a container, a private node, or an error.

CHAPTERHOUSE_TEST_BROKER       an AMQP URL of a broker with the management plugin
CHAPTERHOUSE_TEST_BROKER_API   its management URL with user and password, ``http://user:password@host:15672``
CHAPTERHOUSE_TEST_RABBITMQ     a folder of RabbitMQ's programs that the private node is made with, instead of the
                               machine's (tests.support.rabbitmq4 fetches some); it goes before all others
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import pytest

from services.local.broker import PrivateBroker, unreachable
from services.local.packages import ProgramMissing
from services.local.ports import LOOPBACK, free_ports
from services.local.processes import Leash
from tests.support.processes import docker_answers

IMAGE = "rabbitmq:3.13"
SYNC = "[dets:sync(T) || T <- dets:all()], ok."
"""Before a SIGKILL. RabbitMQ writes the register of its quorum queues some half a second after it last changed (ra
2.2.0, ra_directory, auto_save); a node killed sooner comes back with a queue that has no leader and lost what it
confirmed. Tests of ours are about messages, not about a queue that is half a second old: they have it written now."""


class TestBroker(Protocol):
    """What a test may ask of the session's broker."""

    __test__ = False
    can_restart: bool

    @property
    def url(self) -> str:
        """AMQP URL of a virtual host that tests share; better take the fixture ``vhost``."""
        ...

    def url_of(self, vhost: str) -> str:
        """AMQP URL of another virtual host."""
        ...

    def new_vhost(self) -> str:
        """AMQP URL of a virtual host that nobody has used."""
        ...

    def restart(self) -> None:
        """Close every connection and start the broker again on the same port; confirmed messages stay."""
        ...

    def kill(self) -> None:
        """SIGKILL to the node, its register of queues written (SYNC)."""
        ...

    def start(self) -> None:
        """Start it again after ``kill``, on the same port, and wait until it is ready."""
        ...

    def stop(self) -> None:
        """End what was started for the session."""
        ...


class PrivateTestBroker:
    """A private node in a scratch folder. Virtual hosts are made ahead, ten at a time: each call costs a second."""

    can_restart = True

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chapterhouse-broker-"))
        self._leash = Leash()
        self.node = PrivateBroker(self._folder, self._leash, server=chosen_server())
        self._numbers = itertools.count(1)
        self._ready: list[str] = []
        self.node.start()

    @property
    def url(self) -> str:
        return self.node.url

    def url_of(self, vhost: str) -> str:
        return self.node.url_of(vhost)

    def new_vhost(self) -> str:
        if not self._ready:
            self._ready = [f"test-{next(self._numbers)}" for _ in range(10)]
            self.node.add_vhosts(*self._ready)
        return self.node.url_of(self._ready.pop(0))

    def restart(self) -> None:
        self.node.restart()

    def kill(self) -> None:
        self.node.ctl("eval", SYNC)
        self.node.kill()

    def start(self) -> None:
        self.node.start()

    def stop(self) -> None:
        self.node.stop()
        self._leash.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class ContainerBroker:
    """RabbitMQ in a container, on a loopback port that stays the same when it is restarted."""

    can_restart = True

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - only where Docker answers

        self._port = free_ports(1)[0]
        self._container: Any = (
            DockerContainer(IMAGE)
            .with_bind_ports(5672, (LOOPBACK, self._port))
            .with_env("RABBITMQ_DEFAULT_USER", "chapterhouse")
            .with_env("RABBITMQ_DEFAULT_PASS", "chapterhouse")
            .with_env("RABBITMQ_DEFAULT_VHOST", "chapterhouse")
        )
        self._container.start()
        self._numbers = itertools.count(1)
        _wait(self.url)

    @property
    def url(self) -> str:
        return self.url_of("chapterhouse")

    def url_of(self, vhost: str) -> str:
        return f"amqp://chapterhouse:chapterhouse@{LOOPBACK}:{self._port}/{vhost}"

    def new_vhost(self) -> str:
        name = f"test-{next(self._numbers)}"
        for command in (["add_vhost", name], ["set_permissions", "-p", name, "chapterhouse", ".*", ".*", ".*"]):
            code, said = self._container.exec(["rabbitmqctl", *command])
            assert code == 0, said
        return self.url_of(name)

    def restart(self) -> None:
        for command in ("stop_app", "start_app"):
            self._container.exec(["rabbitmqctl", command])
        _wait(self.url)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def start(self) -> None:
        self._container.get_wrapped_container().start()
        _wait(self.url)

    def stop(self) -> None:
        self._container.stop()


class GivenTestBroker:
    """A broker that the environment named. Not ours to restart: tests that do so must be run another way."""

    can_restart = False

    def __init__(self, url: str, api: str) -> None:
        self.url = url
        self._api = api.rstrip("/")
        self._made: list[str] = []
        if problem := unreachable(url):
            raise pytest.UsageError(f"CHAPTERHOUSE_TEST_BROKER does not answer: {problem}")

    def url_of(self, vhost: str) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, "/" + quote(vhost, safe=""), "", ""))

    def new_vhost(self) -> str:
        name = f"test-{uuid.uuid4()}"
        user = quote(urlsplit(self.url).username or "guest", safe="")
        httpx.put(f"{self._api}/api/vhosts/{name}").raise_for_status()
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        httpx.put(f"{self._api}/api/permissions/{name}/{user}", json=rights).raise_for_status()
        self._made.append(name)
        return self.url_of(name)

    def restart(self) -> None:
        pytest.fail("the broker named in CHAPTERHOUSE_TEST_BROKER is not ours to restart; unset it for this test")

    kill = start = restart

    def stop(self) -> None:
        for name in self._made:
            httpx.delete(f"{self._api}/api/vhosts/{name}")


def chosen_server() -> Path | None:
    """The program that CHAPTERHOUSE_TEST_RABBITMQ chooses; None for the machine's own."""
    folder = os.environ.get("CHAPTERHOUSE_TEST_RABBITMQ")
    if not folder:
        return None
    server = Path(folder).absolute() / "rabbitmq-server"
    if not server.is_file():
        raise pytest.UsageError(f"CHAPTERHOUSE_TEST_RABBITMQ: there is no {server}")
    return server


def get_test_broker() -> TestBroker:
    """The first rung of the ladder that holds. Raises pytest.UsageError with what to install."""
    if chosen_server() is not None:
        return PrivateTestBroker()
    if url := os.environ.get("CHAPTERHOUSE_TEST_BROKER"):
        api = os.environ.get("CHAPTERHOUSE_TEST_BROKER_API")
        if not api:
            raise pytest.UsageError(
                "CHAPTERHOUSE_TEST_BROKER needs CHAPTERHOUSE_TEST_BROKER_API beside it "
                "(the management URL with user and password): each test has a virtual host of its own"
            )
        return GivenTestBroker(url, api)
    if docker_answers():
        return ContainerBroker()
    try:
        return PrivateTestBroker()
    except ProgramMissing as missing:
        raise pytest.UsageError(str(missing)) from missing


def _wait(url: str, *, within: float = 120.0) -> None:
    until = time.monotonic() + within
    while problem := unreachable(url):
        assert time.monotonic() < until, problem
        time.sleep(0.3)
