"""The driver's promise: a request is on disk before it leaves, and is sent again under its id until it is decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contracts.errors import NotFound, Unreachable
from tests.chaos.audit.record import read
from tests.chaos.driver import doing
from tests.chaos.driver.doing import Act, Doer, Facts
from tests.chaos.driver.journal import Journal


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A log of this test's own; nobody is taken aback for long."""
    monkeypatch.setattr(doing, "TAKEN_ABACK", 0.0)
    monkeypatch.setattr(doing, "AGAIN_AFTER", 0.0)
    return Journal(tmp_path / "driver.jsonl")


def test_a_request_is_on_disk_before_it_leaves(journal: Journal) -> None:
    """Whoever is killed while it is on its way has left its id."""
    found: list[str] = []

    def send(request_id: str) -> Facts:
        (asked,) = read(journal.file)
        found.append(asked.request_id)
        return {}

    act = Act("k", send)
    Doer(journal).do(act)
    assert found == [act.request_id]


def test_what_is_unknown_is_sent_again_under_its_id(journal: Journal) -> None:
    """Until somebody says yes; then it is done with, and told once."""
    sent: list[str] = []
    told: list[Facts] = []

    def send(request_id: str) -> Facts:
        sent.append(request_id)
        if len(sent) < 3:
            raise Unreachable("away")
        return {"seat_id": "s"}

    doer = Doer(journal)
    doer.do(Act("k", send, then=told.append))
    while doer.undecided:
        doer.again()
    doer.again()
    (asked,) = read(journal.file)
    assert sent == [asked.request_id] * 3
    assert (asked.end, asked.unknowns, told) == ("accepted", 2, [{"seat_id": "s"}])


def test_a_refusal_is_final(journal: Journal) -> None:
    """It is written down with its code, and not sent again."""
    codes: list[str] = []

    def send(_request_id: str) -> Facts:
        raise NotFound("no such thing")

    doer = Doer(journal)
    doer.do(Act("k", send, otherwise=codes.append))
    assert doer.undecided == []
    assert codes == ["not_found"]
    assert read(journal.file)[0].end == "refused"
