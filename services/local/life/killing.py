"""A service dies with events in its hands, and nothing is lost: how that is brought about, and how it is seen."""

from __future__ import annotations

import os
import re
import signal
import time

import httpx

from services.local.cluster import OwnBroker
from services.local.erlang import VHOST
from services.local.life.browser import Stuck
from services.local.network import Network

PATIENCE = 60.0
"""Seconds until a process that was killed is there again."""
COUNTED_WITHIN = 25.0
"""Seconds. The broker counts a quorum queue's messages anew every five; it gives up on a silent process after sixty."""


def freeze(network: Network, name: str) -> None:
    """Stop a process in the middle of whatever it does (SIGSTOP). It does not know, and the broker does not either."""
    pid = network.pid(name)
    if pid is None:
        raise Stuck(f"{name} does not run")
    os.kill(pid, signal.SIGSTOP)


def unacknowledged(network: Network, name: str, *, at_least: int) -> int | None:
    """Events that the broker gave to this service and that it has not acknowledged. None for a broker not our own."""
    broker = network.broker
    if not isinstance(broker, OwnBroker):
        return None
    until, seen = time.monotonic() + COUNTED_WITHIN, 0
    while time.monotonic() < until:
        columns = broker.ctl("list_queues", "-p", VHOST, "name", "messages_unacknowledged")
        found = re.search(rf"^{name}\.events\s+(\d+)", columns, re.MULTILINE)
        seen = int(found[1]) if found else 0
        if seen >= at_least:
            break
        time.sleep(0.5)
    return seen


def kill(network: Network, name: str) -> None:
    """SIGKILL, and wait until the process is there again and takes work: whoever keeps it up, keeps it up."""
    before = network.pid(name)
    network.kill(name)
    if not network.keeps_up:
        network.start_one(name)
        return
    until = time.monotonic() + PATIENCE
    while network.pid(name) in (None, before):
        if time.monotonic() > until:
            raise Stuck(f"{name} was killed and is not there again after {PATIENCE:.0f} s")
        time.sleep(0.1)
    network.wait_ready(name)


def redelivered(network: Network, name: str) -> int:
    """Events that the broker gave a second time to this service, as its processes themselves count them."""
    count = 0
    for process in (each for each in network.names() if network.role(each) == name):
        page = httpx.get(f"http://127.0.0.1:{network.ports.health[process]}/metrics", timeout=10, trust_env=False).text
        found = re.search(r"^chapterhouse_events_redelivered_total\{[^}]*\} (\d+)", page, re.MULTILINE)
        count += int(found[1]) if found else 0
    return count


def wait_redelivered(network: Network, name: str) -> int:
    """The same, once it is not zero any more, or the wait is over."""
    until = time.monotonic() + PATIENCE
    while not (count := redelivered(network, name)) and time.monotonic() < until:
        time.sleep(0.2)
    return count
