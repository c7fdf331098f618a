"""The book of accounts on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import Engine, inspect

from services.admin import store
from services.admin.accounts import Book
from shared.contracts.base import Role
from shared.contracts.errors import AlreadyDone, NotFound
from shared.runtime.clock import real_now
from tests.support.world import ring

PASSWORD = "four quiet words here"


@pytest.fixture
def kept(database: str) -> Iterator[Book]:
    """A book in an empty database."""
    book = Book.open(database, ring("admin"))
    yield book
    book.database.engine.dispose()


def test_an_account_is_invited_enrolled_and_signed_in(kept: Book) -> None:
    """The whole way: link, password, second factor, recovery code, sessions, trail."""
    token = kept.create_invitation(Role.COORDINATOR, ["chapter-1", "chapter-2"])
    account_id = kept.accept(token, shown_name="Robin", user_name="robin", password=PASSWORD)
    with pytest.raises(NotFound):
        kept.accept(token, shown_name="Robin", user_name="robin2", password=PASSWORD)
    with pytest.raises(AlreadyDone):
        kept.accept(kept.create_invitation(Role.REGIONAL), shown_name="R", user_name=" ROBIN", password=PASSWORD)
    account = kept.check_password("Robin", PASSWORD, "here")
    assert account
    assert account.chapters == ("chapter-1", "chapter-2")
    assert kept.check_password("Robin", "another password", "here") is None
    code = pyotp.TOTP(account.totp).at(real_now())
    codes = kept.confirm_totp(account_id, code)
    assert codes
    assert not kept.check_code(account_id, code, "here")  # it was used for the confirmation
    assert kept.check_code(account_id, codes[0], "here")
    assert not kept.check_code(account_id, codes[0], "here")
    sessions = kept.sessions(timedelta(minutes=30), timedelta(hours=8))
    first, second = sessions.begin(account_id), sessions.begin(account_id)
    found = sessions.find(first)
    assert found
    assert sessions.end_all(account_id, but=found.session_id) == 1
    assert sessions.find(second) is None
    assert kept.disable("robin")
    assert sessions.find(first) is None
    assert kept.get(account_id) is None
    entries, names = kept.trail(account_id)
    assert [entry.act for entry in entries] == [
        "account_closed", "signed_in_by_recovery_code", "second_factor_on", "accepted_invitation",
    ]  # fmt: skip
    assert names == {account_id: "Robin"}


def test_the_migration_makes_the_tables_of_the_metadata(kept: Book) -> None:
    """Columns, indexes, keys and whether a column may be empty."""
    made = shape(kept.database.engine)
    with kept.database.writing() as connection:
        store.metadata.drop_all(connection)
        store.metadata.create_all(connection)
    assert made == shape(kept.database.engine)


def shape(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    return {
        table: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)),
            sorted(
                (index["name"], tuple(index["column_names"]))
                for index in found.get_indexes(table)
                if not index["unique"]
            ),
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(tuple(unique["column_names"]) for unique in found.get_unique_constraints(table)),
        )
        for table in sorted(found.get_table_names())
        if table != "alembic_version"
    }
