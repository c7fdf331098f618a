"""Codes and slips: one code, one slip, and no way from the one to the other."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.feedback.store import tables as store
from shared.contracts.base import Actor, ChapterId, Role
from shared.contracts.errors import Forbidden, Invalid, NotFound, Refused, TooLate, TooMany
from shared.contracts.feedback import CodeUnknown, CodeUsed, DrawCode, SubmitSlip, WindowClosed
from shared.runtime.ids import new_id
from shared.runtime.keys import CannotOpen
from shared.storage import core
from tests.component.feedback.given import GLAD, SAD, Feedback, attendance, chapter_opened
from tests.support.world import OPERATOR, REGIONAL, SERVICE, VISITOR, coordinator, ring


def rows(engine: Engine, table) -> list:
    with engine.connect() as connection:
        return list(connection.execute(select(table)))


def test_one_code_is_one_slip(feedback: Feedback, engine: Engine) -> None:
    """A second try says that the first counts; it changes nothing."""
    window = feedback.open()
    code = feedback.answered(window, "ash", 0, present=3)[0]
    feedback.hand_in(code, GLAD)
    with pytest.raises(CodeUsed):
        feedback.hand_in(code, SAD)
    with pytest.raises(CodeUsed):
        feedback.hand_in(code.lower().replace("-", " "), SAD)
    assert [row.answers for row in rows(engine, store.slips)] == [
        '{"agreement": 3, "heard": 2, "part": 2, "safe": 3, "useful": 3}'
    ]


def test_of_two_at_once_exactly_one_wins(feedback: Feedback, engine: Engine) -> None:
    """However many hands the code is in."""
    window = feedback.open()
    code = feedback.answered(window, "ash", 0, present=3)[0]
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def try_it() -> None:
        start.wait()
        try:
            feedback.hand_in(code)
        except Refused as refused:
            outcomes.append(refused.code)
        else:
            outcomes.append("done")

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["code_used", "code_used", "code_used", "done"]
    assert len(rows(engine, store.slips)) == 1


def test_a_slip_and_its_code_have_nothing_in_common_but_chapter_and_window(feedback: Feedback, engine: Engine) -> None:
    """No column, no row number, no transaction number, no place on the disk joins them."""
    window = feedback.open()
    feedback.answered(window, "ash", 10, 10, present=24)
    assert {column.name for column in store.slips.c} & {column.name for column in store.codes.c} == {
        "window_id",
        "chapter_id",
    }
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for question in ("SELECT rowid FROM codes", "SELECT rowid FROM slips"):
                with pytest.raises(OperationalError, match="no such column"):
                    connection.execute(text(question))
            return
        kinds = connection.execute(text("SELECT xmin::text FROM codes UNION SELECT xmin::text FROM slips")).all()
        assert len(kinds) == 1
        placed = [
            answers == '{"agreement": 3, "heard": 2, "part": 2, "safe": 3, "useful": 3}'
            for answers in connection.scalars(text("SELECT answers FROM slips ORDER BY ctid"))
        ]
    assert len(placed) == 20
    assert placed != [True] * 10 + [False] * 10, "lies in the order in which it came (1 in 184,756 by chance)"


def test_drawing_and_answering_leave_no_trace(feedback: Feedback, engine: Engine) -> None:
    """No request, no event, no log line; no table that grows but codes and slips; no time, no code, no answer."""
    window = feedback.open()
    feedback.world.deliver(chapter_opened("ash"), attendance("ash", 5))
    other = [table for name, table in store.metadata.tables.items() if name not in ("codes", "slips", "urns")]

    def all_else() -> dict[str, list]:
        with engine.connect() as connection:
            return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in other}

    before = all_else()
    with capture_logs() as lines:
        request_id = new_id()
        code = feedback.draw(window, "ash")
        feedback.hand_in(code, request_id=request_id)
        with pytest.raises(CodeUsed):
            feedback.hand_in(code, request_id=request_id)
        with pytest.raises(CodeUnknown):
            feedback.hand_in("0000-0000-0000")
    assert all_else() == before
    assert lines == []
    stored = repr([*rows(engine, store.codes), *rows(engine, store.slips)])
    assert code not in stored
    assert code.replace("-", "") not in stored


def test_only_notifications_draws_codes_and_only_it_can_read_them(feedback: Feedback) -> None:
    """Whoever could draw could answer for others."""
    window = feedback.open()
    feedback.world.deliver(chapter_opened("ash"), attendance("ash", 5))
    for actor in (VISITOR, OPERATOR, REGIONAL, coordinator("ash"), Actor(role=Role.SERVICE, id="registration")):
        with pytest.raises(Forbidden):
            feedback.draw_sealed(window, "ash", actor)
    sealed = feedback.draw_sealed(window, "ash").code
    with pytest.raises(CannotOpen):
        ring("feedback").unseal(sealed)


def test_no_more_codes_than_people_counted_with_some_slack(feedback: Feedback) -> None:
    """The slack is for answers lost on the way; a count that rises allows more, an older count changes nothing."""
    window = feedback.open()
    with pytest.raises(TooMany):
        feedback.draw(window, "ash")
    feedback.world.deliver(chapter_opened("ash"), attendance("ash", 4))
    for _ in range(7):
        feedback.draw(window, "ash")
    with pytest.raises(TooMany) as refused:
        feedback.draw(window, "ash")
    assert refused.value.facts["retry_after"] == 60
    feedback.world.deliver(attendance("ash", 5, change=2), times=2)
    feedback.world.deliver(attendance("ash", 90, change=1))
    feedback.world.deliver(attendance("ash", 90, meeting="after-the-window", days=29))
    feedback.draw(window, "ash")
    with pytest.raises(TooMany):
        feedback.draw(window, "ash")


def test_a_code_is_drawn_for_a_window_of_the_chapters_region(feedback: Feedback) -> None:
    """And for a window that exists and still takes slips."""
    window, elsewhere = feedback.open(), feedback.open(region="region-2")
    feedback.world.deliver(chapter_opened("ash"), attendance("ash", 5))
    for wrong in (elsewhere, "nowhere"):
        with pytest.raises(NotFound):
            feedback.world.send(DrawCode(window_id=wrong, chapter_id=ChapterId("ash")), SERVICE)
    feedback.close()
    with pytest.raises(TooLate):
        feedback.draw(window, "ash")


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"safe": 4}, "safe"),
        ({"safe": -1}, "safe"),
        ({"colour": 1}, "colour"),
        ({}, "answers"),
    ],
)
def test_wrong_answers_are_named_and_the_code_stays_good(feedback: Feedback, answers, field) -> None:
    """A person corrects the one thing and hands in again."""
    window = feedback.open()
    code = feedback.answered(window, "ash", 0, present=3)[0]
    with pytest.raises(Invalid) as refused:
        feedback.hand_in(code, answers)
    assert refused.value.field == field
    feedback.hand_in(code)


@pytest.mark.parametrize("answers", ["no json", '{"values": {"safe": "secret words"}}', '{"values": 7}', "[]"])
def test_answers_that_cannot_be_read_are_refused_without_repeating_them(feedback: Feedback, answers) -> None:
    """A refusal that quotes could be logged by someone."""
    window = feedback.open()
    code = feedback.answered(window, "ash", 0, present=3)[0]
    seal = feedback.world.seal
    with pytest.raises(Invalid) as refused:
        feedback.world.send(SubmitSlip(code=seal(code), answers=seal(answers)), VISITOR)
    assert "secret" not in refused.value.message
    with pytest.raises(Invalid) as refused:
        feedback.world.send(SubmitSlip(code="bm9uc2Vuc2U=", answers=seal("{}")), VISITOR)
    assert refused.value.field == "code"


def test_after_the_last_slip_a_code_is_too_late_then_unknown(feedback: Feedback, engine: Engine) -> None:
    """Between the last slip and the closing it is too late; the closing forgets the unused, a month later the rest."""
    window = feedback.open()
    used, unused, *_ = feedback.answered(window, "ash", 1, present=3)
    feedback.world.clock.step(days=31)
    with pytest.raises(TooLate):
        feedback.hand_in(unused)
    feedback.world.tick()
    assert feedback.world.published(WindowClosed)
    assert len(rows(engine, store.codes)) == 1
    with pytest.raises(CodeUnknown):
        feedback.hand_in(unused)
    with pytest.raises(CodeUsed):
        feedback.hand_in(used)
    feedback.world.tick(days=31)
    assert rows(engine, store.codes) == []
    with pytest.raises(CodeUnknown):
        feedback.hand_in(used)
    assert len(rows(engine, store.slips)) == 1


def test_tidying_drops_old_versions_of_rows(feedback: Feedback, engine: Engine, tmp_path) -> None:
    """The write-ahead log, in which the order still stood, is empty afterwards."""
    window = feedback.open()
    feedback.answered(window, "ash", 3)
    assert feedback.world.service.tidy() is False
    if engine.dialect.name == "sqlite":
        assert (tmp_path / "test.db-wal").stat().st_size == 0
    else:
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM slips")) == 3


def test_the_migration_makes_the_tables_that_the_store_knows(engine: Engine) -> None:
    """Names, columns, nullability, indexes; and both without row numbers on SQLite."""
    found = inspect(engine)
    assert set(found.get_table_names()) - {"alembic_version"} == set(store.metadata.tables)
    for name, table in store.metadata.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert columns == {column.name: column.nullable for column in table.c}, name
        assert set(found.get_pk_constraint(name)["constrained_columns"]) == {each.name for each in table.primary_key}
        if name not in core.core.tables:
            assert {each["name"] for each in found.get_indexes(name)} == {each.name for each in table.indexes}
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            definitions = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        assert {name for name, sql in definitions if "WITHOUT ROWID" in sql} == {"codes", "slips"}
