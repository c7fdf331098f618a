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
from services.local.ports import LOOPBACK, answers, free_ports, is_free
from services.local.processes import Child, Leash

NODE = "chapterhouse@localhost"
VHOST = "chapterhouse"
READY_WITHIN = 120.0
"""Seconds. An idle machine takes 5 to 8; a busy one with two cores took 30."""


class BrokerFailed(Exception):  # noqa: N818 - told to the operator as a sentence
    """The private node did not start, or died; the message says so, with the end of its log."""


class Broker(Protocol):
    """A broker that can be spoken to."""

    @property
    def url(self) -> str:
        """Where it answers: ``amqp://user:password@host:port/vhost``."""
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


def get_broker(folder: Path, leash: Leash, *, env: dict[str, str] | None = None) -> Broker:
    """The broker of the environment (CHAPTERHOUSE_BROKER_URL), else a private node, started but not yet ready.

    Raises ProgramMissing, BrokerFailed.
    """
    url = (os.environ if env is None else env).get("CHAPTERHOUSE_BROKER_URL")
    if url:
        given = GivenBroker(url)
        if problem := given.problem():
            raise BrokerFailed(problem)
        return given
    node = PrivateBroker(folder, leash)
    node.launch()
    return node


def unreachable(url: str, *, timeout: float = 5.0) -> str | None:
    """Why an AMQP connection cannot be opened (never the password), or None if it can."""
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


def _link_needed(server: Path, into: Path) -> None:
    """Only what the node itself is made of: it looks into every plugin it sees, which costs seconds."""
    for old in into.iterdir():
        old.unlink()
    for plugin in (server.resolve().parent.parent / "plugins").iterdir():
        if plugin.name.startswith(("rabbit-", "rabbit_common-", "rabbitmq_prelaunch-")):
            (into / plugin.name).symlink_to(plugin)


@dataclass(frozen=True)
class _Ports:
    amqp: int
    distribution: int
    epmd: int


class PrivateBroker:
    """One node in a folder. Ports stay the same for this object's life, and across starts while they are free."""

    def __init__(self, folder: Path, leash: Leash, *, server: Path | None = None) -> None:
        self._folder = folder.absolute()
        self._leash = leash
        self._server = server
        self._ports: _Ports | None = None
        self._epmd: Child | None = None
        self._node: Child | None = None

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
        self._prepare(server)
        env = self._environment(server)
        ports = self._reserve()
        epmd = "epmd"
        self._epmd = self._epmd or Child(
            "epmd",
            [epmd, "-port", str(ports.epmd), "-address", LOOPBACK],
            log=self._folder / "log" / "epmd.log",
            leash=self._leash,
            env=env,
        )
        self._epmd.start()
        self._node = self._node or Child(
            "rabbitmq", [server], log=self._folder / "log" / "start.log", leash=self._leash, env=env, cwd=self._folder
        )
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
        """A sentence if the node has died, else None."""
        if self._node is None or self._node.alive():
            return None
        return (
            f"RabbitMQ, our private broker, ended (code {self._node.code}). "
            f"Its log: {self._folder / 'log'}\n{self._node.tail()}"
        )

    def stop(self) -> None:
        """Stop cleanly: what was confirmed is on disk; then its epmd."""
        if self._node:
            self._node.stop(patience=30.0)
        if self._epmd:
            self._epmd.stop(patience=2.0)

    def kill(self) -> None:
        """SIGKILL, as a power cut would; ``start`` brings it back on the same port with what was confirmed."""
        if self._node:
            self._node.kill()
        if self._epmd:
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
            [str(server.with_name("rabbitmqctl")), "--quiet", "--node", NODE, *arguments],
            env=self._environment(server),
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
        file = self._folder / "password"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text()

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

    def _prepare(self, server: Path) -> None:
        for name in ("home", "mnesia", "log", "plugins", "config", "conf.d"):
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "enabled_plugins").write_text("[].\n")
        _link_needed(server, self._folder / "plugins")
        settings = f"""[
 {{rabbit, [
   {{default_user, <<"chapterhouse">>}},
   {{default_pass, <<"{self._password()}">>}},
   {{default_vhost, <<"{VHOST}">>}},
   {{default_permissions, [<<".*">>, <<".*">>, <<".*">>]}},
   {{loopback_users, [<<"guest">>, <<"chapterhouse">>]}},
   {{tcp_listeners, [{{"{LOOPBACK}", {self.port}}}]}},
   {{collect_statistics, none}},
   {{disk_free_limit, 104857600}}
 ]}},
 {{ra, [{{wal_max_size_bytes, 67108864}}]}}
].
"""
        file = self._folder / "config" / "advanced.config"
        file.touch(mode=0o600)
        file.write_text(settings)

    def _environment(self, server: Path) -> dict[str, str]:
        here, ports = self._folder, self._reserve()
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "TMPDIR", "TZ"}}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **kept,
            "HOME": str(here / "home"),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(ports.amqp),
            "RABBITMQ_DIST_PORT": str(ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "node.pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(here / "config" / "none"),
            "RABBITMQ_CONFIG_FILES": str(here / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "config" / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_PLUGINS_DIR": str(here / "plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(here / "feature_flags"),
            "ERL_EPMD_PORT": str(ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP_SECONDS": "0",
            # With "allow input" the script becomes the node, instead of watching it from a shell that a SIGKILL would orphan.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-noinput -start_epmd false {loopback}",
            "RABBITMQ_CTL_ERL_ARGS": loopback,
        }
