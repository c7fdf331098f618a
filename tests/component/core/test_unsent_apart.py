"""A network that ran before, or still does: what an older process wrote and did not send, the newer ones send."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import insert, select, text

from shared.contracts.base import ChapterId
from shared.contracts.meetings import ChapterOpened
from shared.messaging.relay import Outbox
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.migrate import _config, upgrade
from shared.storage.work import Store, Work
from tests.support.samples import sample
from tests.support.world import ring

NOW = datetime.now(UTC).replace(microsecond=0)
SERVICE = "feedback"


@pytest.fixture
def store(database: str) -> Store[Work]:
    """A service's own tables, as its migrations leave them."""
    engine = make_engine(database)
    upgrade(SERVICE, engine)
    return Store(engine, Work, ring(SERVICE))


def write_as_before(store: Store[Work], *names: str, sent_at: datetime | None = None) -> None:
    """As the version before writes an event: it knows of no table beside the outbox."""
    rows = [
        {
            "event_id": name,
            "type": "a.b.v1",
            "subject": name,
            "sequence": 1,
            "body": b"{}",
            "recorded_at": NOW,
            "sent_at": sent_at,
        }
        for name in names
    ]
    with store.writing() as work:
        work.connection.execute(insert(core.outbox), rows)


def taken(store: Store[Work]) -> list[str]:
    """What a look of a relay finds."""
    return [row.event_id for row in Outbox(store).turn((), ())]


def test_what_an_older_process_left_is_sent_once(store: Store[Work]) -> None:
    """Also where it is written after the newer ones have begun; and not what it has sent itself."""
    write_as_before(store, "sent", sent_at=NOW)
    write_as_before(store, "left", "behind")
    assert taken(store) == ["left", "behind"]
    write_as_before(store, "later")
    assert taken(store) == ["later"]
    assert taken(store) == []


def test_what_an_older_process_left_is_counted_before_a_relay_has_looked(store: Store[Work]) -> None:
    """A broker that is away while the version changes lets no relay look, and the operator must see what waits."""
    write_as_before(store, "sent", sent_at=NOW)
    assert Outbox(store).unsent() == (0, 0.0)
    write_as_before(store, "left", "behind")
    with store.writing() as work:
        work.publish(sample(ChapterOpened, chapter_id=ChapterId("one")))
    count, age = Outbox(store).unsent()
    assert (count, age > 0) == (3, True)
    taken(store)
    assert Outbox(store).unsent()[0] == 3


def test_an_older_process_leaves_ours_to_us(store: Store[Work]) -> None:
    """It looks for rows without ``sent_at``."""
    with store.writing() as work:
        work.publish(sample(ChapterOpened, chapter_id=ChapterId("one")))
    with store.reading() as work:
        assert not work.connection.scalars(select(core.outbox.c.position).where(core.outbox.c.sent_at.is_(None))).all()
    assert len(taken(store)) == 1


def test_back_to_the_version_before_nothing_is_forgotten(store: Store[Work]) -> None:
    """What had not left is without ``sent_at`` again."""
    write_as_before(store, "sent", sent_at=NOW)
    with store.writing() as work:
        work.publish(sample(ChapterOpened, chapter_id=ChapterId("one")))
    config = _config(SERVICE)
    with store.engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    with store.engine.connect() as connection:
        assert connection.scalars(text("SELECT subject FROM outbox WHERE sent_at IS NULL")).all() == ["one"]
