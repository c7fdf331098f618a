"""The migration and the tables in the code are the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, inspect

from services.meetings.store import metadata
from shared.storage.migrate import upgrade


def _shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys, references, unique sets and indexes of each table, without the names of constraints."""
    found = inspect(engine)
    return {
        table: {
            "columns": sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)),
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "references": sorted(
                (tuple(fk["constrained_columns"]), fk["referred_table"]) for fk in found.get_foreign_keys(table)
            ),
            "unique": sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(table)),
            "indexes": sorted(
                (str(i["name"]), tuple(i["column_names"]))
                for i in found.get_indexes(table)
                if "duplicates_constraint" not in i
            ),
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_the_migration_makes_the_tables_that_the_code_has(engine: Engine) -> None:
    """No column, key, index or reference more or less."""
    in_code = _shape(engine)
    metadata.drop_all(engine)
    upgrade("meetings", engine)
    assert _shape(engine) == in_code
