"""Fixtures of the whole suite: the broker, the databases, and the check that no variant was skipped in silence.

``broker``     the session's broker (tests.support.broker.TestBroker): ``url``, ``restart()``, ``kill()``, ``start()``
``vhost``      the AMQP URL of a virtual host of this test's own; ``module_vhost`` of this module's own
``postgres``   the session's PostgreSQL (tests.support.database.TestPostgres)
``database``   an SQLAlchemy URL, once of a fresh SQLite file and once of a fresh PostgreSQL database
``databases``  the same as a pattern with ``{service}`` in it: call it with the services' names
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.broker import TestBroker, get_test_broker
from tests.support.database import TestPostgres, get_test_postgres

VARIANTS = ("sqlite", "postgresql")

_ran: Counter[str] = Counter()


@pytest.fixture(scope="session")
def broker() -> Iterator[TestBroker]:
    """The session's broker. Whoever kills it starts it again."""
    found = get_test_broker()
    _ran["broker"] += 1
    yield found
    found.stop()


@pytest.fixture
def vhost(broker: TestBroker) -> str:
    """The AMQP URL of a virtual host that only this test uses."""
    return broker.new_vhost()


@pytest.fixture(scope="module")
def module_vhost(broker: TestBroker) -> str:
    """The AMQP URL of a virtual host that the tests of one module share."""
    return broker.new_vhost()


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestPostgres]:
    """The session's PostgreSQL server."""
    found = get_test_postgres()
    yield found
    found.stop()


@pytest.fixture(params=VARIANTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, on each kind that we promise to run on."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
        return
    server: TestPostgres = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture(params=VARIANTS)
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[tuple[str, ...]], str]]:
    """A function of the services' names: the URL pattern of an empty database for each, on each kind."""
    if request.param == "sqlite":
        yield lambda _services: f"sqlite:///{tmp_path}/{{service}}.db"
        return
    server: TestPostgres = request.getfixturevalue("postgres")
    made: list[str] = []

    def pattern(services: tuple[str, ...]) -> str:
        url = server.url_pattern(services)
        made.extend(url.format(service=service) for service in services)
        return url

    yield pattern
    for url in made:
        server.drop(url)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the variants whose tests passed."""
    if report.when == "call" and report.passed:
        _ran.update(variant for variant in VARIANTS if f"{variant}]" in report.nodeid or f"[{variant}" in report.nodeid)
    if report.skipped:
        _ran["skipped"] += 1


def _missing() -> list[str]:
    expected = [name for name in os.environ.get("CHAPTERHOUSE_EXPECT_VARIANTS", "").split(",") if name]
    problems = [f"no test ran on {name}" for name in expected if not _ran[name]]
    if expected and _ran["skipped"]:
        problems.append(f"{_ran['skipped']} tests were skipped; in a full run each must run, or be deleted")
    if expected and all(name in expected for name in VARIANTS) and _ran["sqlite"] != _ran["postgresql"]:
        problems.append(f"{_ran['sqlite']} tests passed on SQLite, {_ran['postgresql']} on PostgreSQL")
    return problems


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In a full run (CHAPTERHOUSE_EXPECT_VARIANTS, set by ``make test``) a variant that did not run fails it."""
    part = hasattr(session.config, "workerinput")  # of a run shared out to several processes: the whole is judged
    if exitstatus == pytest.ExitCode.OK and not part and _missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which variant did not run."""
    for problem in _missing():
        terminalreporter.write_line(f"FAILED: the full suite was asked for, but {problem}", red=True)
    if _ran["sqlite"] or _ran["postgresql"]:
        terminalreporter.write_line(f"variants: {_ran['sqlite']} on SQLite, {_ran['postgresql']} on PostgreSQL")
