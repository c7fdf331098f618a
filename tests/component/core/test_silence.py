"""A PostgreSQL that says nothing any more, and does not hang up: it is given up, as one that is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from psycopg2 import extensions
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared.storage import silence
from shared.storage.engine import is_outage, make_engine
from shared.storage.silence import give_up_silence, in_a_thread
from tests.chaos.proxy import Proxy
from tests.chaos.wire import WAYS
from tests.support.database import TestPostgres

IN_A_GREENLET = """
import eventlet
eventlet.monkey_patch()
import sys
from sqlalchemy import text
from shared.messaging import green
from shared.storage.engine import is_outage, make_engine
from shared.storage.silence import give_up_silence

green.SILENCE = 0.3
give_up_silence(green.in_a_greenlet)
turns = []
eventlet.spawn(lambda: [turns.append(eventlet.sleep(0.05)) for _ in range(100)])
with make_engine(sys.argv[1]).connect() as connection:
    connection.execute(text("SELECT 1"))
    try:
        connection.execute(text("SELECT pg_sleep(20)"))
    except Exception as error:
        print(type(error).__name__, is_outage(error), len(turns) > 2)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A third of a second is silence."""
    monkeypatch.setattr(silence, "SILENCE", 0.3)
    give_up_silence(in_a_thread)
    yield
    extensions.set_wait_callback(None)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_falls_silent_is_away_until_it_speaks_again(postgres: TestPostgres) -> None:
    """In the middle of a question, and for whoever connects; afterwards the same engine goes on."""
    url = urlsplit(postgres.new_database())
    with Proxy() as proxy:
        line = proxy.line("a database", [(str(url.hostname), url.port or 5432)], amqp=False)
        engine = make_engine(url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{line.port}").geturl())
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            line.weather.shut = frozenset(WAYS)
            with pytest.raises(OperationalError) as silent:
                connection.execute(text("SELECT 1"))
        assert is_outage(silent.value)
        with pytest.raises(OperationalError) as silent:
            engine.connect()
        assert is_outage(silent.value)
        line.heal()
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()


def test_a_greenlet_gives_up_too_and_others_run_meanwhile(postgres: TestPostgres) -> None:
    """As in a service's process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_GREENLET, postgres.new_database()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["OperationalError", "True", "True"], done.stderr


def test_a_process_that_stands_still_in_a_transaction_does_not_keep_its_locks_for_ever(postgres: TestPostgres) -> None:
    """The server ends what does nothing; whoever waits for the lock is told that another is in the way."""
    engine = make_engine(postgres.new_database())
    with engine.connect() as connection:
        limits = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    engine.dispose()
    assert limits == {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
    }
