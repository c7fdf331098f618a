"""``site``: a probe's virtual host and database, of one test; ``running``: one with a process that runs for a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import VARIANTS
from tests.support.broker import TestBroker
from tests.support.site import Site
from tests.support.zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What all processes of this suite are forked from."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def site(zygote: Zygote, vhost: str, database: str, tmp_path: Path) -> Iterator[Site]:
    """Nothing runs yet."""
    made = Site(zygote, vhost, database, tmp_path)
    yield made
    made.close()


@pytest.fixture
def one_site(zygote: Zygote, vhost: str, tmp_path: Path) -> Iterator[Site]:
    """On SQLite alone, for what no database has a part in."""
    made = Site(zygote, vhost, f"sqlite:///{tmp_path}/feedback.db", tmp_path)
    yield made
    made.close()


@pytest.fixture(params=VARIANTS, scope="module")
def running(
    request: pytest.FixtureRequest, zygote: Zygote, broker: TestBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One process runs; the tests of a module share it, and look at their own events only."""
    folder = tmp_path_factory.mktemp("running")
    database = f"sqlite:///{folder}/feedback.db"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").new_database()
    made = Site(zygote, broker.new_vhost(), database, folder)
    made.start()
    yield made
    made.close()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop(database)
