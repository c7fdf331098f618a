"""What is promised of a network as such, whatever it is used for."""

from __future__ import annotations

import httpx
import psutil
import pytest

from services.local.network import Network
from services.local.programs import PROGRAMS

MOST = 150 * 2**20
"""Bytes of memory that a process may hold while it has nothing to do."""


@pytest.mark.parametrize("name", [program.name for program in PROGRAMS])
def test_a_process_is_ready_and_small_when_idle(network: Network, name: str) -> None:
    """It says that it takes work, and holds less than 150 MB."""
    assert network.ready(name)
    assert psutil.Process(network.pid(name)).memory_info().rss < MOST


def test_every_process_tells_its_figures(network: Network) -> None:
    """In Prometheus' words; the gateways to this machine alone."""
    for port in (*(network.ports.health[p.name] for p in PROGRAMS if p.kind == "service"), network.ports.admin):
        assert "# HELP" in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_the_clock_moves_for_all_at_once(network: Network) -> None:
    """Once it is acknowledged, nothing of the time before is left to do."""
    assert network.advance(3600) >= 3600
