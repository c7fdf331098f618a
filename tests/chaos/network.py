"""The network of ``make chaos``: everything real, with something in between wherever a fault needs a hold.

Each process has a line of its own to the broker (tests.chaos.proxy), each service process is hosted by
tests.chaos.serve, runs on a clock of its own (libfaketime) and, where we may mount one, on a small disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.local.broker import Broker, PrivateBroker
from services.local.network import Network, NetworkFailed
from services.local.postgres import PrivatePostgres
from services.local.processes import Leash
from services.local.programs import GATEWAYS, SERVICES, Program
from tests.chaos.clocks import Clocks
from tests.chaos.disk import SmallDisk
from tests.chaos.healing import heal, until
from tests.chaos.orders import Orders
from tests.chaos.proxy import Line, Proxy
from tests.chaos.shape import HEARTBEAT, LADDER, SHORTER, programs

DISKS = {"sqlite": 384, "postgresql": 1024}
"""Megabytes of the small disk. PostgreSQL keeps some hundred of its log."""
RECOVERED_WITHIN = 120.0
"""Seconds. An idle machine takes ten after the worst fault."""
Database = Literal["sqlite", "postgresql"]


def _silent(_sentence: str) -> None:
    pass


class ChaosNetwork:
    """A network that can be hurt. ``with ChaosNetwork(folder) as network:`` starts and stops it.

    ``seed``       of the run; faults get their own stream of it from the main loop
    ``processes``  of each service
    ``broker``     one that runs already (a cluster, a virtual host of the session's): faults that need a node of
                   our own are then not possible; else a private node in the folder
    ``env``        variables for every process, over all others
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 0,
        processes: int = 2,
        database: Database = "sqlite",
        broker: Broker | None = None,
        env: Mapping[str, str] | None = None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self.folder = folder.absolute()
        self.seed = seed
        self.ladder = LADDER
        self.database: Database = database
        self.proxy = Proxy()
        self.postgres: PrivatePostgres | None = None
        self.clocks = Clocks(self.run)
        self.disk = SmallDisk(self.folder / "data", DISKS["sqlite"])
        """Under the databases, or under the PostgreSQL server, in a folder of /tmp which its user can reach."""
        self.broker_disk_full = False
        """Whether the node of our own was told that its disk is full."""
        self.programs = programs(processes)
        self._given = broker
        self._env = dict(env or {})
        self._say = say
        self._leash = Leash()
        self._network: Network | None = None
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def network(self) -> Network:
        """The network itself."""
        if self._network is None:
            raise RuntimeError("the network has not been started")
        return self._network

    @property
    def run(self) -> Path:
        """Where what steers the chaos lies, and what the auditor must know of it."""
        return self.folder / "run"

    @property
    def admin_url(self) -> str:
        """Without a slash at the end, as the others."""
        return self.network.url("admin")

    @property
    def portal_url(self) -> str:
        """For members."""
        return self.network.url("portal")

    @property
    def sink_url(self) -> str:
        """What arrived; the provider; the switch of their faults."""
        return self.network.url("sink")

    @property
    def sink_log(self) -> Path:
        """What arrived, as lines."""
        return self.network.around.sink_log

    @property
    def malformed(self) -> Path:
        """What was put into the queues that must be found parked: lines of service, event_id, reason."""
        return self.run / "malformed.jsonl"

    @property
    def node(self) -> PrivateBroker | None:
        """The broker's node, where it is our own."""
        broker = self.network.broker
        return broker if isinstance(broker, PrivateBroker) else None

    def log(self, process: str) -> Path:
        """The log of a process."""
        return self.network.log(process)

    def processes(self, role: str) -> list[str]:
        """The processes of a service or gateway."""
        return [program.name for program in self.programs if program.role == role]

    def service_processes(self) -> list[str]:
        """The processes of all services."""
        return [program.name for program in self.programs if program.kind == "service"]

    def line(self, process: str) -> Line:
        """The way of this process to the broker."""
        return self.proxy.lines[process]

    def lines(self, role: str) -> list[Line]:
        """The ways of all processes of a service or gateway."""
        return [self.line(process) for process in self.processes(role)]

    # -- asking and telling -------------------------------------------------------------------

    def metrics(self, processes: Iterable[str], name: str, **labels: str) -> float:
        """The sum of a metric over these processes."""
        return sum(self.metric(process, name, **labels) for process in processes)

    def metric(self, process: str, name: str, **labels: str) -> float:
        """The sum of a metric at /metrics of one process; 0 where the process does not answer."""
        with contextlib.suppress(httpx.HTTPError):
            where = f"http://127.0.0.1:{self.network.ports.health[process]}/metrics"
            page = httpx.get(where, timeout=5, trust_env=False).text
            return sum(
                sample.value
                for family in text_string_to_metric_families(page)
                for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()
            )
        return 0.0

    def order(self, process: str, orders: Orders) -> None:
        """Tell a service process what to do wrong; it hears of it within a tenth of a second."""
        orders.give(self._orders_of(process))

    def signal(self, process: str, sign: signal.Signals) -> int | None:
        """Send a signal to a process that runs; its id, or None where it does not run."""
        pid = self.network.pid(process)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        return pid

    def back(self, process: str, *, after: int | None, within: float) -> bool:
        """Wait until a process is there under another id than this one, and takes work. Whether it came."""
        return until(lambda: self.network.pid(process) not in (None, after) and self.network.ready(process), within)

    def move_clock(self, seconds: float, *, within: float = 240.0) -> float:
        """Move the domain clock forward for everybody, as the life does; the new offset."""
        return self.network.advance(seconds, within=within)

    def unready(self) -> list[str]:
        """The processes that do not say that they take work; empty when all do."""
        return [name for name in self.network.names() if not self.network.ready(name)]

    def settle(self, *, within: float = RECOVERED_WITHIN) -> None:
        """End every fault and wait until all processes take work. Raises NetworkFailed naming those that do not."""
        self.heal()
        if not until(lambda: not self.unready(), within, every=0.5):
            raise NetworkFailed(f"{', '.join(self.unready())} did not recover in {within:.0f} s")

    def heal(self) -> None:
        """End every fault; does not wait."""
        heal(self)

    # -- starting -----------------------------------------------------------------------------

    def _start(self) -> None:
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._closing.callback(self._leash.close)
        if self.database == "postgresql":
            scratch = tempfile.mkdtemp(prefix="chapterhouse-chaos-postgres-")
            self._closing.callback(shutil.rmtree, scratch, ignore_errors=True)
            self.disk = SmallDisk(Path(scratch), DISKS["postgresql"], keep=False)
        self._closing.enter_context(self.disk)
        self._closing.enter_context(self.clocks)
        url = self._start_database()
        broker = self._start_broker()
        self._closing.enter_context(self.proxy)
        self._network = Network(
            self.folder,
            database_url=url,
            broker=broker,
            programs=self.programs,
            env={**SHORTER, **self._env},
            env_of={program.name: self._told(program, broker) for program in self.programs},
            keep_up=True,
            say=self._say,
        )
        self._closing.enter_context(self._network)
        self._closing.callback(self._wake)

    def _wake(self) -> None:
        """Before stopping: who stands still cannot drain, and who cannot reach the broker waits for it."""
        self.proxy.heal()
        self.disk.empty()
        for process in self.network.names():
            self.signal(process, signal.SIGCONT)

    def _start_database(self) -> str | None:
        if self.database == "sqlite":
            return None
        self.postgres = PrivatePostgres(self._leash, folder=self.disk.folder)
        self._closing.callback(self.postgres.stop)
        self.postgres.start()
        for role in (*SERVICES, *GATEWAYS):
            self.postgres.create_database(role)
        return self.postgres.url_of("{service}")

    def _start_broker(self) -> Broker:
        if self._given is not None:
            return self._given
        node = PrivateBroker(self.folder / "broker", self._leash)
        self._closing.callback(node.stop)
        node.start()
        return node

    def _told(self, program: Program, broker: Broker) -> dict[str, str]:
        """Its own line to the broker; a service process also its orders and its clock."""
        if program.kind == "sink":
            return {}
        nodes = [urlsplit(each) for each in broker.url.split(";")]
        upstream = [(node.hostname or "127.0.0.1", node.port or 5672) for node in nodes]
        line = self.proxy.line(program.name, upstream, heartbeat=HEARTBEAT)
        who, _, _ = nodes[0].netloc.rpartition("@")
        beat = f"heartbeat={HEARTBEAT}" if program.kind == "gateway" else ""  # aio-pika asks its URL, not the broker
        told = {
            "CHAPTERHOUSE_BROKER_URL": urlunsplit(("amqp", f"{who}@127.0.0.1:{line.port}", nodes[0].path, beat, ""))
        }
        if program.kind == "service":
            told |= {
                "CHAPTERHOUSE_CHAOS_SERVICE": program.role,
                "CHAPTERHOUSE_CHAOS_ORDERS": str(self._orders_of(program.name)),
                **self.clocks.told(program.name),
            }
        return told

    def _orders_of(self, process: str) -> Path:
        return self.run / "orders" / f"{process}.json"
