from datetime import UTC, datetime, timedelta

from sqlalchemy import inspect

from services.portal.store import LASTS, Way, Ways, metadata
from shared.gateway.database import Database
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade


def columns(engine):
    found = inspect(engine)
    return {
        table: {column["name"]: (str(column["type"]), column["nullable"]) for column in found.get_columns(table)}
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_the_migration_makes_the_tables_that_the_code_means(database: str) -> None:
    """On each kind of database."""
    engine = make_engine(database)
    upgrade("portal", engine)
    upgrade("portal", engine)
    made = columns(engine)
    meant = make_engine("sqlite://")
    metadata.create_all(meant)
    assert {table: set(names) for table, names in made.items()} == {
        table: set(names) for table, names in columns(meant).items()
    }
    engine.dispose()
    meant.dispose()


def test_a_way_is_kept_until_it_ends_and_then_forgotten(database: str) -> None:
    """After an hour by itself."""
    engine = make_engine(database)
    upgrade("portal", engine)
    now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    moments = [now]
    ways = Ways(Database(engine), now=lambda: moments[-1])
    token = ways.begin(Way(proposed="m1"))  # type: ignore[arg-type]
    ways.keep(token, Way(proposed="m1", verification_id="v1"))  # type: ignore[arg-type]
    assert ways.find(token) == Way(proposed="m1", verification_id="v1")  # type: ignore[arg-type]
    assert ways.find("another") is None
    moments.append(now + LASTS + timedelta(seconds=1))
    assert ways.find(token) is None
    ways.begin(Way(proposed="m2"))  # type: ignore[arg-type]
    moments.append(now)
    assert ways.find(token) is None, "the next one to begin sweeps"
    engine.dispose()
