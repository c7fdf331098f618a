"""A whole network on this machine: broker, databases, sink, services and gateways, started and stopped in order.

``make run`` keeps one up before the reader's eyes; system, browser and chaos tests start their own in a folder
of their own on free ports.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from services.local.broker import Broker
from services.local.cluster import OwnBroker, get_broker
from services.local.disk import require_disk
from services.local.keeper import Keeper, Say
from services.local.lock import FolderLock
from services.local.ports import free_ports, is_free, require_free
from services.local.postgres import PrivatePostgres
from services.local.processes import Child, Leash
from services.local.programs import (
    ALONE,
    FIXED,
    GATEWAYS,
    PROGRAMS,
    SERVICES,
    Ports,
    Program,
    Size,
    Surroundings,
    in_parallel,
)
from shared.runtime.clock import SharedClock
from shared.runtime.keys import make_keys
from shared.storage.engine import make_engine
from shared.storage.migrate import has_migrations, upgrade

ROOT = Path(__file__).parents[2]
READY_WITHIN = 120.0
"""Seconds for a process to be ready. An idle machine takes two; eight builds beside it made it 40."""
DRAIN = 25.0
"""Seconds that a stopping process may take; its own limit is shorter (Settings.drain_seconds)."""


class NetworkFailed(Exception):  # noqa: N818 - told to the operator as a sentence
    """The network did not start; the message says which part, why, and where its log is."""


def _silent(_sentence: str) -> None:
    pass


class Network:
    """One network in one folder. ``with Network(folder) as network:`` starts and stops it.

    ``ports``         fixed ones; else free ones
    ``database_url``  a pattern with ``{service}``; else SQLite files in the folder
    ``broker``        one that runs already, not ours to stop; else that of services.local.cluster.get_broker
    ``size``          nodes of a broker of its own, processes of each service, a PostgreSQL of its own
    ``env``           variables for every process, over all others; ``env_of`` for one of them
    ``keep_up``       start again what dies, saying so
    ``step``          hears what is being started; ``say`` hears sentences
    """

    def __init__(
        self,
        folder: Path,
        *,
        ports: Ports | None = None,
        database_url: str | None = None,
        broker: Broker | None = None,
        size: Size = ALONE,
        programs: Sequence[Program] = PROGRAMS,
        env: Mapping[str, str] | None = None,
        env_of: Mapping[str, Mapping[str, str]] | None = None,
        keep_up: bool = False,
        step: Say = _silent,
        say: Say = _silent,
    ) -> None:
        self.folder = folder.absolute()
        self._fixed = ports is not None
        self._ports = ports or Ports.free()
        self._database_url = database_url or "sqlite:///{data}/{service}.db"
        self._given = broker
        self._size = size
        self._programs = {program.name: program for program in in_parallel(programs, size.processes)}
        self._env = dict(env or {})
        self._env_of = {name: dict(own) for name, own in (env_of or {}).items()}
        self._keep_up = keep_up
        self._step = step
        self._say = say
        self._lock = FolderLock(self.folder / "run")
        self._leash: Leash | None = None
        self._broker: Broker | None = None
        self._postgres: PrivatePostgres | None = None
        self._around: Surroundings | None = None
        self._children: dict[str, Child] = {}
        self._wanted: set[str] = set()
        self._keeper = Keeper(say)
        self._change = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What it is

    @property
    def around(self) -> Surroundings:
        """Addresses, folders and what the processes are told. Known once it has been started."""
        if self._around is None:
            raise RuntimeError("the network has not been started")
        return self._around

    @property
    def ports(self) -> Ports:
        """Where it answers."""
        return self._around.ports if self._around else self._ports

    @property
    def broker(self) -> Broker:
        """The broker; the nodes of an OwnBroker may be killed and started again."""
        if self._broker is None:
            raise RuntimeError("the network has not been started")
        return self._broker

    @property
    def postgres(self) -> PrivatePostgres:
        """Its own PostgreSQL, where it was asked for; it may be killed and started again."""
        if self._postgres is None:
            raise RuntimeError("the network has not been started, or keeps its data elsewhere")
        return self._postgres

    def url(self, name: str) -> str:
        """Where ``admin``, ``portal`` or ``sink`` answers, without a slash at the end."""
        return self.around.url(name)

    def database(self, service: str) -> str:
        """The database URL of a service."""
        return self._database_url.format(data=self.around.data, service=service)

    def settings(self) -> dict[str, str]:
        """The environment with which the command line speaks to this network."""
        return {**self.around.common(), "CHAPTERHOUSE_ADMIN_BASE_URL": self.url("admin"), **self._env}

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.folder / "log" / f"{name}.log"

    def pid(self, name: str) -> int | None:
        """The process id of a process that runs, else None."""
        child = self._children.get(name)
        return child.pid if child and child.alive() else None

    @property
    def keeps_up(self) -> bool:
        """Whether what dies is started again."""
        return self._keep_up

    def names(self) -> list[str]:
        """The processes, in the order in which they are started."""
        return list(self._programs)

    def role(self, name: str) -> str:
        """The service or gateway that this process is one of."""
        return self._programs[name].role

    # Starting and stopping

    def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises NoRoom, AlreadyRunning, PortTaken, ProgramMissing, BrokerFailed or NetworkFailed, each with a sentence;
        nothing is left running then.
        """
        require_disk(self.folder)
        self._lock.take(say=self._say)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._check_ports()
        self._leash = Leash(holds=self._lock.file)
        self._step("broker")
        self._broker = self._given or get_broker(self.folder / "broker", self._leash, nodes=self._size.nodes)
        if self._size.postgres:
            self._start_postgres(self._leash)
        health = dict(zip(self._programs, free_ports(len(self._programs)), strict=True))
        ports = replace(self._ports, health=health)
        self._around = Surroundings(self.folder, ports, self._broker.url, self._database_url)
        self._step("keys and databases")
        self._around.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_keys(self._around.keys)
        self._migrate()
        if isinstance(self._broker, OwnBroker):
            self._step("broker, until it is ready")
            self._broker.wait_ready()
        for kind in ("sink", "service", "gateway"):
            together = [program.name for program in self._programs.values() if program.kind == kind]
            for name in together:
                self._launch(name)
            for name in together:
                self._step(name)
                self.wait_ready(name)
        self._lock.write({**{name: self.url(name) for name in ("admin", "portal", "sink")}, "env": self.settings()})
        if self._keep_up:
            self._watcher = threading.Thread(target=self._watch, name="watcher")
            self._watcher.start()

    def stop(self) -> None:
        """Stop gateways, services, sink, broker and databases, in this order; nothing is left running."""
        self._stopping.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
            self._watcher = None
        for kind in ("gateway", "service", "sink"):
            self._stop_all([name for name, program in self._programs.items() if program.kind == kind])
        if self._broker is not None and self._given is None:
            self._broker.stop()
        if self._postgres is not None:
            self._postgres.stop()
        if self._leash is not None:
            self._leash.close()
            self._leash = None
        self._lock.release()
        self._stopping.clear()

    def stop_one(self, name: str) -> None:
        """SIGTERM to one process, and wait until it has drained; it stays down."""
        with self._change:
            self._wanted.discard(name)
        self._stop_all([name])

    def start_one(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Start one process that is down, with these variables this once, and wait until it is ready."""
        self._launch(name, env=env)
        self.wait_ready(name)

    def restart(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Drain one process and start it again."""
        self.stop_one(name)
        self.start_one(name, env=env)

    def kill(self, name: str) -> None:
        """SIGKILL to one process. It stays down until ``start_one``, or until ``keep_up`` starts it again."""
        child = self._children[name]
        if not self._keep_up:
            with self._change:
                self._wanted.discard(name)
        child.kill()

    def add(self, service: str) -> str:
        """Start one more process of a service, which competes on its queue; its name."""
        first = self._programs[service]
        number = sum(program.role == first.role for program in self._programs.values()) + 1
        name = f"{first.role}-{number}"
        self.ports.health[name] = free_ports(1)[0]
        self._programs[name] = replace(first, name=name, service=first.role)
        self.start_one(name)
        return name

    def wait_ready(self, name: str) -> None:
        """Wait until this process takes work. Raises NetworkFailed with the end of its log."""
        child, until = self._children[name], time.monotonic() + READY_WITHIN
        while not self.ready(name):
            if not child.alive():
                raise NetworkFailed(f"{name} did not start (code {child.code}). Its log: {child.log}\n{child.tail()}")
            if time.monotonic() > until:
                raise NetworkFailed(
                    f"{name} was not ready after {READY_WITHIN:.0f} s. Its log: {child.log}\n{child.tail()}"
                )
            time.sleep(0.1)

    def ready(self, name: str) -> bool:
        """Whether this process says that it takes work."""
        try:
            return httpx.get(self._ready_url(self._programs[name]), timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def advance(self, seconds: float, *, within: float = 60.0) -> float:
        """Move the domain clock forward, and wait until every service has nothing left of the time before.

        Returns the new offset, in seconds. Raises NetworkFailed naming who has not acknowledged it.
        """
        clock = SharedClock(self.around.clock_file)
        offset, until = clock.advance(seconds), time.monotonic() + within
        while waiting := self._not_acknowledged(clock, offset):
            if time.monotonic() > until:
                raise NetworkFailed(f"the clock was moved, but {', '.join(waiting)} did not settle in {within:.0f} s")
            time.sleep(0.1)
        return offset

    # Keeping up

    def look(self) -> None:
        """Start again what died and may be started again, saying so; one look, no waiting."""
        with self._change:
            if self._stopping.is_set():
                return
            self._keeper.look_at_disk(self.folder)
            self._keeper.look_at_nodes(self._broker.nodes if isinstance(self._broker, OwnBroker) else ())
            if self._postgres is not None:
                self._keeper.look_at_postgres(self._postgres)
            for name in sorted(self._wanted):
                if self._keeper.may_start(self._children[name]):
                    self._launch(name)

    def _watch(self) -> None:
        while not self._stopping.wait(0.3):
            self.look()

    # The parts

    def _launch(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        program = self._programs[name]
        if self._leash is None:
            raise RuntimeError("the network has not been started")
        told = {**self.around.told(program), **self._env, **self._env_of.get(name, {}), **(env or {})}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        child = Child(
            name,
            [sys.executable, "-m", program.module],
            log=self.log(name),
            leash=self._leash,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **told},
            cwd=ROOT,
        )
        with self._change:
            if self._stopping.is_set():
                return
            child.start()
            self._children[name] = child
            self._wanted.add(name)
            self._keeper.started(name)

    def _stop_all(self, names: list[str]) -> None:
        children = [self._children[name] for name in names if name in self._children]
        for child in children:
            child.ask_to_stop()
        for child in children:
            if not child.stop(patience=DRAIN):
                self._say(f"{child.name} did not stop within {DRAIN:.0f} s and was killed. Its log: {child.log}")

    def _ready_url(self, program: Program) -> str:
        match program.kind:
            case "sink":
                return f"{self.url('sink')}/health"
            case "gateway":
                return f"{self.url(program.role)}/readyz"
            case "service":
                return f"http://127.0.0.1:{self.ports.health[program.name]}/readyz"

    def _not_acknowledged(self, clock: SharedClock, offset: float) -> list[str]:
        done = clock.acknowledged()
        services = [name for name in self._wanted if self._programs[name].kind == "service"]
        return [
            name
            for name in sorted(services)
            if done.get(f"{self._programs[name].role}-{self._children[name].pid}", -1.0) < offset
        ]

    def _start_postgres(self, leash: Leash) -> None:
        """As root another user runs it, and must be able to pass through our folder to its own."""
        if os.geteuid() == 0:
            self.folder.chmod(0o710)
        self._postgres = self._postgres or PrivatePostgres(leash, folder=self.folder / "postgres")
        self._postgres.start()
        for role in self._keeping():
            self._postgres.ensure_database(f"chapterhouse_{role}")
        self._database_url = self._postgres.url_of("chapterhouse_{service}")

    def _keeping(self) -> list[str]:
        """The services and gateways that keep a database."""
        roles = {program.role for program in self._programs.values()} & {*SERVICES, *GATEWAYS}
        return sorted(role for role in roles if has_migrations(role))

    def _migrate(self) -> None:
        for role in self._keeping():
            engine = make_engine(self.database(role))
            try:
                upgrade(role, engine)
            finally:
                engine.dispose()

    def _check_ports(self) -> None:
        for name, variable, _ in FIXED:
            port = getattr(self._ports, name)
            if self._fixed:
                require_free(port, {"smtp": "the sink's mail server"}.get(name, f"the {name}"), variable)
            elif not is_free(port):
                self._ports = Ports.free()
