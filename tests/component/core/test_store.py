"""The store: one transaction with its events, from any number of threads; a savepoint that leaves no trace."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.contracts.base import ChapterId
from shared.contracts.meetings import ChapterOpened
from shared.storage import core
from shared.storage.engine import is_contention, is_held, is_outage, make_engine
from shared.storage.sealing import Forgotten
from shared.storage.work import Store, Work
from tests.support.probe.service import effects, metadata
from tests.support.samples import sample
from tests.support.world import ring


@pytest.fixture
def store(database: str) -> Store[Work]:
    """The probe's tables."""
    engine = make_engine(database)
    metadata.create_all(engine)
    return Store(engine, Work, ring("feedback"))


def opened(chapter: str) -> ChapterOpened:
    """An event of this subject."""
    return sample(ChapterOpened, chapter_id=ChapterId(chapter))  # type: ignore[no-any-return]


def told(store: Store[Work]) -> list[tuple[str, int]]:
    """Subject and sequence of what was said, in order."""
    with store.reading() as work:
        statement = select(core.outbox.c.subject, core.outbox.c.sequence).order_by(core.outbox.c.position)
        return [(subject, sequence) for subject, sequence in work.connection.execute(statement)]


def test_many_threads_lose_nothing_and_leave_no_gap(store: Store[Work]) -> None:
    """Sequences rise by one per subject, whoever wins."""
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for _ in range(10):
                with store.writing() as work:
                    work.add(effects, event_key=f"thread-{number}", subject="s")
                    work.publish(opened("one"))
                    work.publish(opened(f"own-{number}"))
        except BaseException as failure:  # noqa: BLE001 - told by the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    said = told(store)
    assert sorted(sequence for subject, sequence in said if subject == "one") == list(range(1, 81))
    assert [sequence for subject, sequence in said if subject == "own-3"] == list(range(1, 11))
    with store.reading() as work:
        assert len(work.connection.execute(select(effects)).all()) == 80


def test_what_fails_leaves_no_trace_and_wakes_no_relay(store: Store[Work]) -> None:
    """Neither row nor event, also after a flush."""
    woken: list[bool] = []
    store.on_said = lambda _lease, _rows: woken.append(True)
    with pytest.raises(RuntimeError), store.writing() as work:  # noqa: PT012 - the same
        work.add(effects, event_key="a", subject="s")
        work.publish(opened("one"))
        work.flush()
        raise RuntimeError
    assert told(store) == []
    assert woken == []
    with store.writing() as work:
        work.publish(opened("one"))
    assert told(store) == [("one", 1)]
    assert woken == [True]


@pytest.mark.parametrize("flushed", [False, True])
def test_a_savepoint_undoes_what_is_inside_and_keeps_what_was_before(store: Store[Work], flushed: bool) -> None:  # noqa: FBT001
    """Rows and events both, also where the inside flushed what was said before it."""
    with store.writing() as work:
        work.add(effects, event_key="before", subject="s")
        work.publish(opened("before"))
        with pytest.raises(RuntimeError), work.savepoint():  # noqa: PT012 - what came before the error is the point
            work.add(effects, event_key="inside", subject="s")
            work.publish(opened("inside"))
            work.publish(opened("before"))
            if flushed:
                work.flush()
            raise RuntimeError
        with work.savepoint():
            work.publish(opened("after"))
    assert told(store) == [("before", 1), ("after", 1)]
    with store.reading() as work:
        assert work.connection.scalars(select(effects.c.event_key)).all() == ["before"]


def test_a_deferred_savepoint_undoes_what_waits_and_touches_no_database(store: Store[Work]) -> None:
    """Of what came before, inside and after, only the inside is gone; until the flush no statement is sent."""
    with store.writing() as work:
        statements: list[str] = []
        event.listen(work.connection, "before_cursor_execute", lambda *each: statements.append(each[2]))
        for name, fails in (("before", False), ("inside", True), ("after", False)):
            with suppress(RuntimeError), work.savepoint(deferred=True):
                work.add(effects, event_key=name, subject="s")
                work.publish(opened(name))
                if fails:
                    raise RuntimeError
        assert statements == []
    assert told(store) == [("before", 1), ("after", 1)]
    with store.reading() as work:
        assert work.connection.scalars(select(effects.c.event_key)).all() == ["before", "after"]


def test_a_key_made_in_a_savepoint_that_is_undone_seals_nothing_after_it(store: Store[Work]) -> None:
    """Else the next in the batch would seal with a key that was never kept, and nobody could open it again."""
    with store.writing() as work:
        with pytest.raises(RuntimeError), work.savepoint():  # noqa: PT012 - what came before the error is the point
            work.vault.seal("ana", "place", "refused")
            raise RuntimeError
        sealed = work.vault.seal("ana", "place", "kept")
    with store.reading() as work:
        assert work.vault.open("ana", "place", sealed) == "kept"


def test_a_sealed_value_opens_in_its_place_for_its_owner_until_it_is_forgotten(store: Store[Work]) -> None:
    """Moved, changed, or another's: it does not open."""
    with store.writing() as work:
        sealed = work.vault.seal("ana", "t.c.1", "secret")
        work.vault.seal("ben", "t.c.1", "other")
        assert b"secret" not in sealed
        for owner, place, value in (
            ("ana", "t.c.2", sealed),
            ("ben", "t.c.1", sealed),
            ("ana", "t.c.1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ):
            with pytest.raises(ValueError, match="does not belong"):
                work.vault.open(owner, place, value)
    with store.writing() as work:
        assert work.vault.open("ana", "t.c.1", sealed) == "secret"
        work.vault.forget("ana")
    with store.writing() as work, pytest.raises(Forgotten):
        work.vault.open("ana", "t.c.1", sealed)


def test_two_who_seal_for_the_same_member_first_share_one_key(store: Store[Work]) -> None:
    """Neither fails, and both values open."""
    sealed: dict[int, bytes] = {}
    together = threading.Barrier(2)

    def seal(number: int) -> None:
        together.wait(10)
        with store.writing() as work:
            sealed[number] = work.vault.seal("ana", f"place-{number}", "x")

    threads = [threading.Thread(target=seal, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with store.reading() as work:
        assert [work.vault.open("ana", f"place-{number}", sealed[number]) for number in range(2)] == ["x", "x"]


def test_a_database_away_is_told_from_an_event_that_fails(store: Store[Work]) -> None:
    """An outage parks nothing; what an event itself brings about does not hold up the others."""
    with pytest.raises(Exception) as failure, store.writing() as work:
        work.connection.execute(text("SELECT * FROM no_such_table"))
    assert not is_outage(failure.value)
    assert not is_contention(failure.value)
    assert is_outage(PoolTimeout("full"))
    locked = OperationalError("x", {}, Exception("database is locked"))
    assert is_contention(locked)
    assert is_held(locked)
    for said in ("could not translate host name", "database or disk is full", "attempt to write a readonly database"):
        assert is_outage(OperationalError("x", {}, Exception(said)))
