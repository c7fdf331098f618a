"""The network on one machine: started, watched and stopped. Services are stand-ins; broker and sink are real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, text

from services import cli
from services.local import packages
from services.local.broker import GivenBroker, PrivateBroker
from services.local.disk import NoRoom
from services.local.lock import AlreadyRunning
from services.local.network import Network, NetworkFailed
from services.local.ports import PortTaken, answers, free_ports
from services.local.programs import Ports, Program, Size
from tests.support.broker import TestBroker
from tests.support.processes import ROOT, eventually

STANDIN = "tests.support.standin"
PROGRAMS = (
    Program("sink", "services.local.sink", "sink"),
    Program("quiet", STANDIN, "service"),
    Program("admin", STANDIN, "gateway"),
    Program("portal", STANDIN, "gateway"),
)


@pytest.fixture(scope="module")
def all_said() -> list[str]:
    return []


@pytest.fixture
def said(all_said: list[str]) -> list[str]:
    """What this test is told."""
    all_said.clear()
    return all_said


@pytest.fixture(scope="module")
def network(broker: TestBroker, tmp_path_factory: pytest.TempPathFactory, all_said: list[str]) -> Iterator[Network]:
    """Up, for whoever leaves it up."""
    folder, given = tmp_path_factory.mktemp("network") / "var", GivenBroker(broker.url)
    with Network(folder, broker=given, programs=PROGRAMS, keep_up=True, say=all_said.append) as network:
        yield network


def family(network: Network) -> list[psutil.Process]:
    pids = [pid for name in network.names() if (pid := network.pid(name))]
    return [each for pid in pids for each in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]]


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_a_stop_leaves_nothing_running_and_a_second_start_keeps_the_keys(network: Network) -> None:
    """Grandchildren included."""
    before, keys = family(network), sorted((network.around.keys / "secret").iterdir())
    contents = [key.read_bytes() for key in keys]
    assert len(before) >= 7
    network.stop()
    assert running(before) == []
    assert not (network.folder / "run" / "network.json").exists()
    network.start()
    assert [key.read_bytes() for key in keys] == contents


def test_what_dies_is_started_again_and_we_are_told(network: Network, said: list[str]) -> None:
    """One sentence, with the reason and the log."""
    first = network.pid("quiet")
    network.kill("quiet")
    eventually(lambda: network.pid("quiet") not in (None, first) and network.ready("quiet"))
    assert [sentence for sentence in said if "quiet ended (killed by signal 9)" in sentence and "quiet.log" in sentence]


def test_what_ignores_a_request_to_stop_is_killed(
    broker: TestBroker, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time, and we are told."""
    monkeypatch.setattr("services.local.network.DRAIN", 0.5)
    stubborn = {"quiet": {"CHAPTERHOUSE_STANDIN": "stubborn"}}
    given = GivenBroker(broker.url)
    with Network(tmp_path, broker=given, programs=PROGRAMS[:2], env_of=stubborn, say=said.append) as network:
        before = family(network)
    assert running(before) == []
    assert any("quiet did not stop" in sentence for sentence in said)


def test_a_process_that_does_not_start_is_named_with_its_last_words(broker: TestBroker, tmp_path: Path) -> None:
    """And nothing is left running."""
    dies = {"quiet": {"CHAPTERHOUSE_STANDIN": "dies"}}
    network = Network(tmp_path, broker=GivenBroker(broker.url), programs=PROGRAMS, env_of=dies)
    with pytest.raises(NetworkFailed, match=r"(?s)quiet did not start.*the last word"):
        network.start()
    assert network.pid("sink") is None


def test_a_second_network_in_the_same_folder_is_told_where_the_first_runs(network: Network, broker: TestBroker) -> None:
    """The first is not disturbed."""
    second = Network(network.folder, broker=GivenBroker(broker.url), programs=PROGRAMS)
    with pytest.raises(AlreadyRunning, match=network.url("portal")):
        second.start()
    assert network.ready("quiet")


def test_a_port_in_use_is_named_with_the_variable_that_moves_it(broker: TestBroker, tmp_path: Path) -> None:
    """Nothing has been started by then."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        admin, sink, smtp = free_ports(3)
        ports = Ports(admin, taken.getsockname()[1], sink, smtp)
        network = Network(tmp_path, ports=ports, broker=GivenBroker(broker.url), programs=PROGRAMS)
        with pytest.raises(PortTaken, match=rf"{ports.portal}.*CHAPTERHOUSE_PORTAL_PORT="):
            network.start()


def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is needed and how to go elsewhere."""
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(NoRoom, match="CHAPTERHOUSE_FOLDER"):
        Network(tmp_path).start()


def test_one_more_process_of_a_service_has_a_health_page_of_its_own(network: Network) -> None:
    """They compete on one queue; each is watched."""
    name = network.add("quiet")
    assert name == "quiet-2"
    assert network.pid(name) != network.pid("quiet")
    assert network.ready(name)


def test_a_broker_that_dies_is_started_again_with_its_data(tmp_path: Path, said: list[str]) -> None:
    """On the same port; we are told when it goes and when it is back."""
    with Network(tmp_path, programs=PROGRAMS[:2], keep_up=True, say=said.append) as network:
        node = network.broker
        assert isinstance(node, PrivateBroker)
        port = node.port
        os.killpg(node.pids[0], signal.SIGKILL)
        eventually(lambda: "The broker is back." in said, within=90)
        assert any("RabbitMQ, our private broker, ended" in sentence for sentence in said)
        assert node.port == port
        groups = [psutil.Process(pid) for pid in node.pids]
    assert running(groups) == []


def test_a_network_may_have_several_processes_of_a_service_and_a_postgresql_which_is_kept_up_too(
    broker: TestBroker, said: list[str]
) -> None:
    """Each service has a database of its own there, and what was written is there after a death and a second start."""
    folder = Path(tempfile.mkdtemp(prefix="chapterhouse-network-"))  # where whoever runs PostgreSQL for root may go
    programs = (*PROGRAMS[:2], Program("meetings", STANDIN, "service"))
    size = Size(processes=2, postgres=True)

    def network() -> Network:
        given = GivenBroker(broker.url)
        return Network(folder, broker=given, programs=programs, size=size, keep_up=True, say=said.append)

    try:
        with network() as first:
            assert first.names() == ["sink", "quiet", "quiet-2", "meetings", "meetings-2"]
            with create_engine(first.database("meetings")).begin() as connection:
                connection.execute(text("CREATE TABLE kept AS SELECT 1 AS one"))
            first.postgres.kill()
            eventually(lambda: any("PostgreSQL, our private cluster, ended" in sentence for sentence in said))
            eventually(lambda: first.postgres.problem() is None)
        with network() as second, create_engine(second.database("meetings")).connect() as connection:
            assert connection.scalar(text("SELECT one FROM kept")) == 1
    finally:
        shutil.rmtree(folder)


def test_a_killed_supervisor_leaves_nothing_running(broker: TestBroker, tmp_path: Path) -> None:
    """Not even for a minute; and the next one waits until that is so."""
    script = tmp_path / "supervise.py"
    script.write_text(
        "import pathlib, threading\n"
        "from services.local.broker import GivenBroker\n"
        "from services.local.network import Network\n"
        "from tests.component.local.test_network import PROGRAMS, family\n"
        f"network = Network(pathlib.Path({str(tmp_path / 'var')!r}), broker=GivenBroker({broker.url!r}), programs=PROGRAMS)\n"
        "network.start()\n"
        "print(*[each.pid for each in family(network)], flush=True)\n"
        "threading.Event().wait()\n"
    )
    child = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    processes = [psutil.Process(int(pid)) for pid in child.stdout.readline().split()]
    assert len(running(processes)) >= 7
    child.kill()
    child.wait()
    child.stdout.close()
    again = Network(tmp_path / "var", broker=GivenBroker(broker.url), programs=PROGRAMS)
    again.start()
    try:
        assert running(processes) == []
    finally:
        again.stop()


def test_the_command_line_finds_the_network_that_runs(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a note that only its owner can read, since it holds the broker's password."""
    for name in [name for name in os.environ if name.startswith("CHAPTERHOUSE_")]:
        monkeypatch.delenv(name)
    note = network.folder / "run" / "network.json"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    for name in json.loads(note.read_text())["env"]:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    cli.join_running(network.folder)
    assert os.environ["CHAPTERHOUSE_BROKER_URL"] == network.broker.url
    assert os.environ["CHAPTERHOUSE_KEYS"] == str(network.around.keys)


def test_the_sink_answers_where_the_network_says(network: Network) -> None:
    """The page and the mail server."""
    assert answers(network.ports.sink)
    assert answers(network.ports.smtp)
    told = network.around.told(Program("notifications", "", "service"))
    assert told["CHAPTERHOUSE_NOTIFICATIONS_SMS_BASE_URL"] == network.url("sink")
    assert told["CHAPTERHOUSE_NOTIFICATIONS_SMTP_PORT"] == str(network.ports.smtp)
    assert network.around.told(Program("sink", "", "sink"))["CHAPTERHOUSE_SINK_SMS_TOKEN"] == network.around.sms_token()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_everything_with_a_word(broker: TestBroker, tmp_path: Path, sign: signal.Signals) -> None:
    """The exit code says that this is no failure; a second Ctrl-C does not break into the stopping."""
    script = tmp_path / "run.py"
    script.write_text(
        "import pathlib, sys\n"
        "from rich.console import Console\n"
        "from services.local import supervisor\n"
        "from services.local.programs import Ports\n"
        "from tests.component.local.test_network import PROGRAMS\n"
        f"folder = pathlib.Path({str(tmp_path / 'var')!r})\n"
        "sys.exit(supervisor.run(folder, ports=Ports.free(), database_url=None, life=False, once=False,\n"
        "                        console=Console(width=200), programs=PROGRAMS))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CHAPTERHOUSE_BROKER_URL": broker.url, "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)
    assert child.stdout is not None
    said = []
    for line in child.stdout:
        said.append(line)
        if line.startswith("Running."):
            processes = psutil.Process(child.pid).children(recursive=True)
            child.send_signal(sign)
            child.send_signal(sign)
    assert child.wait(timeout=30) == 0
    child.stdout.close()
    assert running(processes) == []
    words = "".join(said)
    assert "Everything is up" in words
    assert "Nothing is left running" in words
    assert str(tmp_path / "var") in words


def test_an_ordinary_user_may_run_the_broker() -> None:
    """Nothing of it needs root. As root, we try it as nobody; as anyone else, every test here has shown it."""
    if os.geteuid() != 0:
        return
    folder = Path(tempfile.mkdtemp(prefix="chapterhouse-nobody-"))
    try:
        shutil.chown(folder, "nobody", "nogroup")
        script = (
            "import os, pathlib, encodings.idna, kombu.utils.url\n"
            "from services.local.broker import PrivateBroker\n"
            "from services.local.processes import Leash\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root's Python may lie where nobody reads\n"
            "leash = Leash()\n"
            f"node = PrivateBroker(pathlib.Path({str(folder)!r}) / 'broker', leash)\n"
            "node.start(); node.add_vhosts('one'); node.stop(); leash.close()\n"
            "print('stopped')\n"
        )
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd="/", env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout == "stopped\n", done.stderr
    finally:
        shutil.rmtree(folder)


def test_a_package_s_service_is_not_started_when_we_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """policy-rc.d says no while apt-get runs, and is gone afterwards; apt's last words are told."""
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "_POLICY", policy)
    asked = []

    def apt(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append((command[1], subprocess.call([policy])))
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package nothing\n")

    monkeypatch.setattr(subprocess, "run", apt)
    with pytest.raises(packages.ProgramMissing, match="Unable to locate package"):
        packages.install(["nothing"])
    assert asked == [("update", 101), ("install", 101)]
    assert not policy.exists()


def test_without_root_we_are_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with the command and the way round."""
    monkeypatch.setattr(packages, "may_install", lambda: False)
    with pytest.raises(packages.ProgramMissing, match=r"apt-get install rabbitmq-server, or name a broker of yours"):
        packages.require(None, ["rabbitmq-server"], "RabbitMQ", ", or name a broker of yours")
