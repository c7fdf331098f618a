"""The admin app on a scripted network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from services.admin import passwords
from services.admin.accounts import Book
from services.admin.settings import AdminSettings
from services.admin.web import admin_app
from shared.runtime.clock import SteppedClock
from tests.component.admin.scene import NOW, Browser, script
from tests.support.asking import LocalAsking
from tests.support.world import ring


@pytest.fixture(autouse=True)
def light_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2 with its smallest cost: the tests ask whether it is used, not how slow it is."""
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """An empty book of accounts."""
    opened = Book.open(f"sqlite:///{tmp_path}/admin.db", ring("admin"))
    yield opened
    opened.database.engine.dispose()


@pytest.fixture
def clock() -> SteppedClock:
    """The app's clock."""
    return SteppedClock(NOW)


@pytest.fixture
def browser(book: Book, clock: SteppedClock) -> Iterator[Browser]:
    """A browser at the app, not signed in."""
    asking = LocalAsking("admin")
    script(asking)
    app = admin_app(AdminSettings(), keys=ring("admin"), book=book, clock=clock, open_asking=asking.opened)
    with TestClient(app) as client:
        yield Browser(client, asking, book)
