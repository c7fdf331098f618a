"""A network grows from SQLite to PostgreSQL: every row comes over, or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, func, insert, inspect, select, text
from sqlalchemy.pool import NullPool

from services.cli import main
from services.operator.copying import ALL
from shared.storage.core import outbox
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade
from tests.component.local.books_story import Story
from tests.support.database import TestPostgres


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The databases of an evening from joining to the report, as a pattern."""
    folder = tmp_path_factory.mktemp("evening")
    pattern = f"sqlite:///{folder}/data/{{service}}.db"
    story = Story(folder, pattern)
    story.play()
    story.close()
    return pattern


@contextmanager
def empty(postgres: TestPostgres, *services: str) -> Iterator[str]:
    """Empty databases at today's schema, as a pattern."""
    pattern = postgres.url_pattern(services)
    for service in services:
        engine = make_engine(pattern.format(service=service))
        upgrade(service, engine)
        engine.dispose()
    yield pattern
    for service in services:
        postgres.drop(pattern.format(service=service))


@pytest.fixture(scope="module")
def copied(played: str, postgres: TestPostgres) -> Iterator[tuple[str, Result]]:
    """All six, copied: where to, and what was said."""
    with empty(postgres, *ALL) as target:
        yield target, copy(played, target)


def copy(source: str, target: str, *services: str) -> Result:
    return CliRunner().invoke(main, ["copy-database", "--from", source, "--to", target, *services])


def counts(pattern: str, service: str) -> dict[str, int]:
    """Rows of each table, by the database's own list of tables."""
    engine = create_engine(pattern.format(service=service), poolclass=NullPool)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names()) - {"alembic_version"}
        return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}  # noqa: S608


def test_every_row_of_every_table_comes_over(played: str, copied: tuple[str, Result]) -> None:
    """Counted by the databases' own lists of tables, so that one we forgot would show."""
    target, result = copied
    assert result.exit_code == 0, result.output
    for service in ALL:
        came = counts(target, service)
        assert came == counts(played, service)
        assert f"{service}: {sum(came.values())} rows copied and compared" in result.output
    assert counts(target, "feedback")["slips"] > 3
    assert counts(target, "meetings")["outbox"] > 3


def test_numbers_go_on_where_they_were(copied: tuple[str, Result]) -> None:
    """An outbox row that is written next must come last."""
    engine = make_engine(copied[0].format(service="meetings"))
    row = {
        "event_id": "next",
        "type": "t",
        "subject": "s",
        "sequence": 1,
        "body": b"",
        "recorded_at": datetime.now(UTC),
    }
    with engine.connect() as connection, connection.begin() as transaction:
        last = connection.scalar(select(func.max(outbox.c.position)))
        assert last
        assert connection.scalar(insert(outbox).values(row).returning(outbox.c.position)) == last + 1
        transaction.rollback()
    engine.dispose()


def test_where_a_slip_lies_tells_nothing_of_when_it_came(copied: tuple[str, Result]) -> None:
    """They lie in the order of their random keys, and one transaction wrote them all."""
    engine = create_engine(copied[0].format(service="feedback"), poolclass=NullPool)
    with engine.connect() as connection:
        for table, key in (("slips", "slip_id"), ("codes", "code_hash")):
            keys = connection.scalars(text(f"SELECT {key} FROM {table} ORDER BY ctid")).all()  # noqa: S608
            assert list(keys) == sorted(keys)
            assert len(keys) > 3
        written = "SELECT DISTINCT xmin::text FROM slips UNION SELECT xmin::text FROM codes"
        assert len(connection.scalars(text(written)).all()) == 1


def test_what_does_not_come_over_as_it_was_is_not_kept(played: str, postgres: TestPostgres) -> None:
    """Here the target changes what is written; in life an encoding would, or a driver."""
    body = "BEGIN NEW.subject := NEW.subject || '!'; RETURN NEW; END"
    spoil = (
        f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        "CREATE TRIGGER spoil BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION spoil()",
    )
    with empty(postgres, "meetings") as target:
        engine = create_engine(target.format(service="meetings"), poolclass=NullPool)
        with engine.begin() as connection:
            for statement in spoil:
                connection.execute(text(statement))
        assert "outbox differs after the copy" in copy(played, target, "meetings").output
        assert set(counts(target, "meetings").values()) == {0}


def test_a_target_that_is_not_empty_or_not_ours_is_left_alone(
    played: str, copied: tuple[str, Result], postgres: TestPostgres
) -> None:
    """A second copy would mix two networks."""
    again = copy(played, copied[0], "feedback")
    assert again.exit_code == 1
    assert "it must be empty" in again.output
    bare = postgres.url_pattern(("portal",))
    assert "the target has no tables of ours" in copy(played, bare, "portal").output
    postgres.drop(bare.format(service="portal"))
