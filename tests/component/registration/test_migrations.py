"""The database that the migrations make."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from services.registration.store import metadata
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade
from tests.component.registration.acts import facts, join, take
from tests.component.registration.conftest import make_world


def test_the_migrations_make_the_tables_that_the_code_knows(database: str) -> None:
    """Column by column, checks included, and the service runs on them."""
    migrated = make_engine(database)
    upgrade("registration", migrated)
    upgrade("registration", migrated)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, metadata) == []
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
        checks = {check["name"] for check in inspect(connection).get_check_constraints("modes")}
    assert checks == {"counted", "never_oversold"}
    world = make_world(migrated)
    world.deliver(facts())
    join(world, "ana")
    take(world, "ana")
    migrated.dispose()


def _ours(thing: Any, name: str | None, kind: str, *_: object) -> bool:
    """The core's tables are tried where they are kept."""
    return kind != "table" or name not in core.core.tables
