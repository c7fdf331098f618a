"""The migrations and the code mean the same tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, inspect

from services.notifications.store import metadata
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade


def shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys and indexes of every table, in a form that can be compared."""
    seen = inspect(engine)
    found = {}
    for table in sorted(set(seen.get_table_names()) - {"alembic_version"}):
        found[table] = {
            "columns": {each["name"]: (str(each["type"]), each["nullable"]) for each in seen.get_columns(table)},
            "key": tuple(seen.get_pk_constraint(table)["constrained_columns"]),
            "unique": sorted(tuple(each["column_names"]) for each in seen.get_unique_constraints(table)),
            "indexes": sorted(
                (each["name"], tuple(each["column_names"]))
                for each in seen.get_indexes(table)
                if "duplicates_constraint" not in each
            ),
        }
    return found


def test_a_migrated_database_has_the_tables_that_the_code_means(database: str) -> None:
    """Otherwise a fresh network would differ from one that grew."""
    engine = make_engine(database)
    upgrade("notifications", engine)
    migrated = shape(engine)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    assert shape(engine) == migrated
    engine.dispose()
