"""The book of accounts on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import Engine, inspect

from services.admin import store
from services.admin.accounts import Book
from shared.contracts.base import ChapterId, Role
from shared.contracts.errors import AlreadyDone, Invalid, NotFound
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
    assert kept.close("robin") == 1
    assert sessions.find(first) is None
    assert kept.get(account_id) is None
    entries, names = kept.trail(account_id)
    assert [entry.act for entry in entries] == [
        "account_closed", "signed_in_by_recovery_code", "second_factor_on", "accepted_invitation",
    ]  # fmt: skip
    assert names == {account_id: "Robin"}


def test_who_lost_their_password_begins_anew_with_the_same_rights(kept: Book) -> None:
    """Under the same user name; the old account is shut, with whoever sits at the lost laptop."""
    old = kept.accept(
        kept.create_invitation(Role.COORDINATOR, ["c1", "c2"]), shown_name="Robin", user_name="robin", password=PASSWORD
    )
    sessions = kept.sessions(timedelta(minutes=30), timedelta(hours=8))
    stolen = sessions.begin(old)
    token, ended = kept.reset("Robin")
    assert (ended, sessions.find(stolen)) == (1, None)
    assert kept.check_password("robin", PASSWORD, "here") is None
    new = kept.accept(token, shown_name="Robin", user_name="robin", password="five other quiet words")
    assert [(each.account_id, each.chapters, each.disabled) for each in kept.accounts()] == [
        (new, ("c1", "c2"), False),
        (old, ("c1", "c2"), True),
    ]


def test_chapters_are_given_and_taken_and_the_last_one_stays(kept: Book) -> None:
    """An account without a chapter would be one that nobody remembers to close."""
    account_id = kept.accept(
        kept.create_invitation(Role.COORDINATOR, ["c1"]), shown_name="Robin", user_name="robin", password=PASSWORD
    )
    give, take = [ChapterId("c2")], [ChapterId("c1")]
    assert kept.change_chapters("robin", give=give) == ("c1", "c2")
    assert kept.change_chapters("robin", take=take) == ("c2",)
    account = kept.get(account_id)
    assert account
    assert account.chapters == ("c2",)
    with pytest.raises(Invalid, match="account close"):
        kept.change_chapters("robin", take=give)
    with pytest.raises(NotFound, match="account list"):
        kept.close("nobody")
    assert [(each.act, each.chapter_id) for each in kept.trail(account_id)[0][:2]] == [
        ("chapter_taken", "c1"),
        ("chapter_given", "c2"),
    ]


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
