"""Whole networks: every process, a real broker, the development sink."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.local.broker import GivenBroker
from services.local.network import Network


@pytest.fixture(scope="module")
def network(module_vhost: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network on SQLite that the tests of one module share, on a virtual host of its own."""
    with Network(tmp_path_factory.mktemp("network") / "var", broker=GivenBroker(module_vhost)) as network:
        yield network
