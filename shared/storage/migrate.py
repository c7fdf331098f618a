"""Bring a service's database to today's schema with Alembic, without an ini file.

Each service keeps ``migrations/versions/``; the environment is the same for all (``migrations/env.py`` here).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def _config(service: str) -> Config:
    found = importlib.util.find_spec(f"services.{service}")
    if found is None or found.origin is None:
        raise LookupError(f"there is no service called {service}")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(Path(found.origin).parent / "migrations" / "versions"))
    return config


def has_migrations(service: str) -> bool:
    """Whether this service or gateway keeps a database."""
    found = importlib.util.find_spec(f"services.{service}")
    return bool(found and found.origin and (Path(found.origin).parent / "migrations").is_dir())


def upgrade(service: str, engine: Engine) -> None:
    """Run the migrations that this database lacks, in one transaction where the database can."""
    config = _config(service)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table takes its time
        command.upgrade(config, "head")
