"""A RabbitMQ node of our own: free loopback ports, its own epmd, cookie, user and folders.

The machine's own RabbitMQ, if there is one, is neither used nor touched. The program that the package brings is
started directly: the wrapper in /usr/sbin refuses ordinary users. Data in the folder are kept between starts.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import amqp

from services.local import packages
from services.local.erlang import VHOST, Epmd, Node
from services.local.ports import LOOPBACK, answers, free_ports, is_free
from services.local.processes import Child, Leash
from shared.messaging.nodes import in_turn

NODE = "chapterhouse@localhost"
READY_WITHIN = 120.0
"""Seconds. An idle machine takes 5 to 8; a busy one with two cores took 30."""


class BrokerFailed(Exception):  # noqa: N818 - told to the operator as a sentence
    """The private node did not start, or died; the message says so, with the end of its log."""


class Broker(Protocol):
    """A broker that can be spoken to."""

    @property
    def url(self) -> str:
        """Where it answers: ``amqp://user:password@host:port/vhost``, or several with semicolons between them."""
        ...

    def problem(self) -> str | None:
        """A sentence if it is known to be dead, else None."""
        ...

    def stop(self) -> None:
        """End what we started; nothing, if we did not start it."""
        ...


@dataclass(frozen=True)
class GivenBroker:
    """A broker that the environment named. It is not ours to stop."""

    url: str

    def problem(self) -> str | None:
        """What is wrong when it cannot be reached, else None."""
        error = unreachable(self.url)
        return f"The broker named in CHAPTERHOUSE_BROKER_URL does not answer: {error}" if error else None

    def stop(self) -> None:
        """It is not ours."""


def find_server() -> Path | None:
    """The rabbitmq-server program that checks nothing about its user, or None."""
    for place in (Path("/usr/lib/rabbitmq/bin"), Path("/usr/local/lib/rabbitmq/bin"), Path("/opt/rabbitmq/sbin")):
        if (place / "rabbitmq-server").is_file():
            return place / "rabbitmq-server"
    return None


def require_server() -> Path:
    """The program; installed first where we may. Raises ProgramMissing."""
    packages.require(
        find_server(),
        ["rabbitmq-server"],
        "RabbitMQ",
        ", or name a broker of yours: CHAPTERHOUSE_BROKER_URL=amqp://user:password@host:5672/vhost",
    )
    found = find_server()
    if found is None:
        raise packages.ProgramMissing("rabbitmq-server was installed, but its program is not where Debian puts it")
    return found


def unreachable(url: str, *, timeout: float = 5.0) -> str | None:
    """Why no AMQP connection can be opened to any of its nodes (never the password), or None if one can."""
    reasons = []
    for node in in_turn(url):
        reason = _unreachable(node, timeout)
        if reason is None:
            return None
        reasons.append(reason)
    return "; ".join(reasons)


def _unreachable(url: str, timeout: float) -> str | None:
    from kombu.utils.url import parse_url  # noqa: PLC0415 - kombu takes 0.2 s to import, the CLI need not

    parts = parse_url(url)
    host = f"{parts['hostname'] or 'localhost'}:{parts['port'] or 5672}"
    connection = amqp.Connection(
        host=host,
        userid=parts["userid"] or "guest",
        password=parts["password"] or "guest",
        virtual_host=parts["virtual_host"] or "/",
        connect_timeout=timeout,
        read_timeout=timeout,
    )
    try:
        connection.connect()
    except (OSError, amqp.exceptions.AMQPError) as error:
        return f"{host}: {error or type(error).__name__}"
    else:
        return None
    finally:
        connection.collect()


@dataclass(frozen=True)
class _Ports:
    amqp: int
    distribution: int
    epmd: int


class PrivateBroker:
    """One node in a folder. Ports stay the same for this object's life, and across starts while they are free.

    ``first`` is the node whose cluster an empty one joins: it lends its cookie, user and password. ``epmd`` is a
    register that several share; a node that is given none has one of its own, and ends it.
    """

    def __init__(
        self,
        folder: Path,
        leash: Leash,
        *,
        server: Path | None = None,
        name: str = NODE,
        first: PrivateBroker | None = None,
        epmd: Epmd | None = None,
    ) -> None:
        self.name = name
        self._folder = folder.absolute()
        self._leash = leash
        self._server = server
        self._first = first
        self._ports: _Ports | None = None
        self._epmd = epmd
        self._shares_epmd = epmd is not None
        self._node: Child | None = None
        self._stopped = False

    @property
    def nodes(self) -> tuple[PrivateBroker, ...]:
        """Itself."""
        return (self,)

    @property
    def url(self) -> str:
        """With the node's own user; loopback only."""
        return self.url_of(VHOST)

    def url_of(self, vhost: str) -> str:
        """The URL of another virtual host of this node."""
        return f"amqp://chapterhouse:{self._password()}@{LOOPBACK}:{self.port}/{vhost}"

    @property
    def port(self) -> int:
        """The AMQP port."""
        return self._reserve().amqp

    @property
    def pids(self) -> list[int]:
        """The process groups of the node and its epmd."""
        return [child.pid for child in (self._node, self._epmd) if child and child.pid]

    def start(self, *, on_wait: Callable[[float], None] | None = None) -> None:
        """Start and wait until it accepts AMQP connections. Raises ProgramMissing, BrokerFailed."""
        self.launch()
        self.wait_ready(on_wait=on_wait)

    def launch(self) -> None:
        """Start without waiting."""
        server = self._server = self._server or require_server()
        told = self._told()
        told.furnish(server)
        if self._epmd is None:
            self._epmd = Epmd(told.epmd, self._folder, self._leash)
        self._epmd.start()
        self._node = self._node or Child(
            "rabbitmq",
            [server],
            log=self._folder / "log" / "start.log",
            leash=self._leash,
            env=told.environment(),
            cwd=self._folder,
        )
        self._stopped = False
        self._node.start()

    def wait_ready(self, *, on_wait: Callable[[float], None] | None = None) -> None:
        """Wait until it accepts AMQP connections with its own user. Raises BrokerFailed."""
        began = time.monotonic()
        while True:
            if problem := self.problem():
                self.kill()
                raise BrokerFailed(problem)
            if answers(self.port) and unreachable(self.url) is None:
                return
            waited = time.monotonic() - began
            if waited > READY_WITHIN:
                self.kill()
                raise BrokerFailed(
                    f"RabbitMQ was not ready after {READY_WITHIN:.0f} s. Its log: {self._folder / 'log'}"
                )
            if on_wait:
                on_wait(waited)
            time.sleep(0.2)

    def problem(self) -> str | None:
        """A sentence if the node has died, else None: one that was stopped has not."""
        if self._node is None or self._stopped or self._node.alive():
            return None
        who = f"{self.name} of our private broker" if self._shares_epmd else "our private broker"
        return f"RabbitMQ, {who}, ended (code {self._node.code}). Its log: {self._folder / 'log'}\n{self._node.tail()}"

    def stop(self) -> None:
        """Stop cleanly: what was confirmed is on disk; then its epmd."""
        self._stopped = True
        if self._node:
            self._node.stop(patience=30.0)
        if self._epmd and not self._shares_epmd:
            self._epmd.stop()

    def kill(self) -> None:
        """SIGKILL, as a power cut would; ``start`` brings it back on the same port with what was confirmed."""
        if self._node:
            self._node.kill()
        if self._epmd and not self._shares_epmd:
            self._epmd.kill()

    def restart(self) -> None:
        """Stop the broker inside the node and start it again: every connection is closed, ports stay."""
        self.ctl("stop_app")
        self.ctl("start_app")
        self.wait_ready()

    def ctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """Run rabbitmqctl against this node; its output. Raises BrokerFailed."""
        server = self._server = self._server or require_server()
        done = subprocess.run(
            [str(server.with_name("rabbitmqctl")), "--quiet", "--node", self.name, *arguments],
            env=self._told().environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerFailed(f"rabbitmqctl {arguments[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def add_vhosts(self, *names: str) -> None:
        """Add virtual hosts, all for our user. One call for many, since each call takes a second."""
        each = ", ".join(f'<<"{name}">>' for name in names)
        self.ctl(
            "eval",
            f'[begin rabbit_vhost:add(V, <<"local">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"chapterhouse">>, V, <<".*">>, <<".*">>, <<".*">>, <<"local">>) end || V <- [{each}]], ok.',
        )

    def drop_vhost(self, name: str) -> None:
        """Delete a virtual host with all that is in it."""
        self.ctl("delete_vhost", name)

    def _password(self) -> str:
        if self._first is not None:
            return self._first._password()  # noqa: SLF001 - its own kind
        file = self._folder / "password"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()

    def _told(self) -> Node:
        ports, first = self._reserve(), self._first
        return Node(
            name=self.name,
            folder=self._folder,
            home=(first or self)._folder / "home",  # noqa: SLF001 - its own kind
            port=ports.amqp,
            distribution=ports.distribution,
            epmd=self._epmd.port if self._epmd else ports.epmd,
            password=self._password(),
            joins=(first.name, self.name) if first else (),
        )

    def _reserve(self) -> _Ports:
        if self._ports is None:
            file = self._folder / "ports.json"
            kept = _Ports(**json.loads(file.read_text())) if file.exists() else None
            if kept is None or not all(is_free(port) for port in asdict(kept).values()):
                kept = _Ports(*free_ports(3))
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                file.write_text(json.dumps(asdict(kept)))
            self._ports = kept
        return self._ports
