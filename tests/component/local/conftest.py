"""The evening of which the books are kept, played once a module, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from shared.messaging.topology import declare
from shared.runtime.settings import Settings
from tests.component.local.books_scene import Scene, at
from tests.component.local.books_story import ALL, Story
from tests.support.database import TestPostgres


@pytest.fixture(scope="module")
def queues(module_vhost: str) -> str:
    """A virtual host with the whole topology in it, and no message."""
    with Connection(module_vhost) as connection:
        declare(connection, Settings().ladder)
    return module_vhost


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The evening, played once on SQLite."""
    folder = tmp_path_factory.mktemp("evening")
    story = Story(folder, f"sqlite:///{folder}/data/{{service}}.db")
    story.play()
    story.close()
    return story


@pytest.fixture
def scene(evening: Story, queues: str, tmp_path: Path) -> Scene:
    """A copy of the evening, to break."""
    shutil.copytree(evening.folder, tmp_path / "var")
    return Scene(at(tmp_path / "var", "sqlite:///{data}/{service}.db", queues), evening)


@pytest.fixture(scope="module")
def on_postgres(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory, queues: str) -> Iterator[Scene]:
    """The evening, played on PostgreSQL."""
    folder, pattern = tmp_path_factory.mktemp("evening"), postgres.url_pattern(ALL)
    story = Story(folder, pattern)
    story.play()
    story.close()
    yield Scene(at(folder, pattern, queues), story)
    for name in ALL:
        postgres.drop(pattern.format(service=name))
