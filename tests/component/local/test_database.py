"""The databases that tests run on."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from services.local.postgres import PrivatePostgres
from services.local.processes import Leash
from shared.storage.engine import make_engine


def test_each_database_is_empty_and_of_its_kind(database: str) -> None:
    """A test starts from nothing, on both kinds."""
    engine = make_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE fresh (id INTEGER)"))
    assert engine.dialect.name in database
    engine.dispose()


def test_each_service_has_a_database_of_its_own(databases: Callable[[tuple[str, ...]], str]) -> None:
    """They share nothing, not even a server's catalogue."""
    pattern = databases(("meetings", "feedback"))
    for service in ("meetings", "feedback"):
        engine = make_engine(pattern.format(service=service))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE mine (id INTEGER)"))
        engine.dispose()


def test_what_was_committed_outlives_a_kill() -> None:
    """The private cluster writes through to disk, like one in production."""
    leash = Leash()
    cluster = PrivatePostgres(leash)
    cluster.start()
    try:
        engine = make_engine(cluster.create_database("kept"))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (id INTEGER)"))
        cluster.kill()
        cluster.start()
        with engine.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM kept")).scalar() == 0
            assert connection.execute(text("SHOW fsync")).scalar() == "on"
        engine.dispose()
    finally:
        cluster.stop()
        leash.close()
