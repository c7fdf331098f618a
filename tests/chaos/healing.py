"""How every fault is ended, whatever it was and whoever left it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from services.local.broker import BrokerFailed, PrivateBroker, unreachable
from tests.chaos.orders import Orders

if TYPE_CHECKING:
    from tests.chaos.network import ChaosNetwork

DISK_FREE_LIMIT = "104857600"
"""What the private node is started with (services.local.broker)."""
STARTED_WITHIN = 30.0
"""Seconds until whoever keeps the network up has started again what died."""


def until(probe: Callable[[], object], within: float, *, every: float = 0.05) -> bool:
    """Wait until the probe gives something true; whether it did within so many seconds."""
    end = time.monotonic() + within
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def heal(network: ChaosNetwork) -> None:
    """End every fault; does not wait until everybody has recovered."""
    network.proxy.heal()
    network.clocks.heal()
    network.disk.empty()
    for process in network.service_processes():
        network.order(process, Orders())
    for process in network.network.names():
        network.signal(process, signal.SIGCONT)
    if network.postgres is not None:
        network.postgres.start()
    if network.node is not None:
        _heal_broker(network, network.node)
    if until(lambda: network.network.ready("sink"), STARTED_WITHIN):
        httpx.delete(f"{network.sink_url}/api/faults", timeout=10, trust_env=False)


def _heal_broker(network: ChaosNetwork, node: PrivateBroker) -> None:
    """A node that was killed is started again by the network; one whose application was stopped is not.

    rabbitmqctl costs a second of both cores: it is asked only for what there is to heal.
    """
    with contextlib.suppress(BrokerFailed, subprocess.TimeoutExpired):
        if unreachable(node.url) is not None:
            until(lambda: node.problem() is None, STARTED_WITHIN)
            node.ctl("start_app")
        if network.broker_disk_full:
            node.ctl("set_disk_free_limit", DISK_FREE_LIMIT)
            network.broker_disk_full = False
