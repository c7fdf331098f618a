"""Databases for tests: SQLite files, and PostgreSQL by the ladder: named, in a container, a private cluster, or an error.

CHAPTERHOUSE_TEST_POSTGRES   a URL (with its driver) whose user may create databases
"""

from __future__ import annotations

import os
import uuid
from typing import Any, Protocol

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from services.local.packages import ProgramMissing
from services.local.postgres import PrivatePostgres
from services.local.processes import Leash
from tests.support.processes import docker_answers

IMAGE = "postgres:16-alpine"


class TestPostgres(Protocol):
    """What a test may ask of the session's PostgreSQL."""

    __test__ = False

    @property
    def url(self) -> str:
        """Of the maintenance database."""
        ...

    def new_database(self) -> str:
        """The URL of an empty database that nobody has used."""
        ...

    def url_pattern(self, services: tuple[str, ...]) -> str:
        """A URL with ``{service}`` in it, as Settings wants it, with a fresh database for each of these services."""
        ...

    def drop(self, url: str) -> None:
        """Drop that database, ending the sessions that use it."""
        ...

    def stop(self) -> None:
        """End what was started for the session."""
        ...


class _Server:
    """What all three rungs share, given the maintenance URL."""

    url: str

    def new_database(self) -> str:
        return self._create(f"test_{uuid.uuid4().hex}")

    def url_pattern(self, services: tuple[str, ...]) -> str:
        prefix = f"test_{uuid.uuid4().hex[:12]}_"
        for service in services:
            self._create(prefix + service)
        return self._of(prefix) + "{service}"

    def drop(self, url: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _create(self, name: str) -> str:
        self._run(f'CREATE DATABASE "{name}"')
        return self._of(name)

    def _of(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


class GivenPostgres(_Server):
    """A server that the environment named."""

    def __init__(self, url: str) -> None:
        self.url = url

    def stop(self) -> None:
        pass


class PrivateTestPostgres(_Server):
    """A private cluster in a scratch folder."""

    def __init__(self, *, durable: bool = False) -> None:
        self._leash = Leash()
        self.cluster = PrivatePostgres(self._leash, durable=durable)
        self.cluster.start()
        self.url = self.cluster.url

    def stop(self) -> None:
        self.cluster.stop()
        self._leash.close()


class ContainerPostgres(_Server):
    """PostgreSQL in a container."""

    def __init__(self) -> None:
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - only where Docker answers

        self._container: Any = PostgresContainer(IMAGE, driver="psycopg2")
        self._container.start()
        self.url = self._container.get_connection_url()

    def stop(self) -> None:
        self._container.stop()


def get_test_postgres(*, durable: bool = False) -> TestPostgres:
    """The first rung of the ladder that holds; ``durable`` for figures that count syncs to disk. Raises pytest.UsageError with what to install."""
    if url := os.environ.get("CHAPTERHOUSE_TEST_POSTGRES"):
        return GivenPostgres(url)
    if docker_answers():
        return ContainerPostgres()
    try:
        return PrivateTestPostgres(durable=durable)
    except ProgramMissing as missing:
        raise pytest.UsageError(str(missing)) from missing
