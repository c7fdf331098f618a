"""The envelope: the same bytes everywhere, and what is none is told apart by kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import upcasting
from shared.contracts.meetings import ChapterOpened
from shared.messaging.envelope import Cause, Unreadable, decode, encode
from tests.support.samples import sample

AT = datetime(2026, 11, 3, 19, tzinfo=UTC)


def body(**changed: Any) -> bytes:
    """A good envelope, with these attributes changed."""
    said = encode(sample(ChapterOpened), event_id="event-1", sequence=1, at=AT, cause=Cause.root())
    return json.dumps(json.loads(said) | changed).encode()


def test_what_was_encoded_decodes_to_the_same() -> None:
    """With its cause, and the cause of what follows from it."""
    cause = Cause("conversation", "cause-0", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
    envelope, event = decode(encode(sample(ChapterOpened), event_id="event-1", sequence=7, at=AT, cause=cause))
    assert event == sample(ChapterOpened)
    assert (envelope.id, envelope.sequence, envelope.time) == ("event-1", 7, AT)
    following = envelope.cause_of_next()
    assert (following.correlation_id, following.causation_id) == ("conversation", "event-1")
    assert following.traceparent.split("-")[1] == "ab" * 16
    assert following.traceparent != cause.traceparent


@pytest.mark.parametrize("value", ["", "a b", "a\0b", "i" * 37, "ü", "a\n", None, 7])
def test_an_id_that_no_inbox_can_hold_is_no_envelope(value: object) -> None:
    """PostgreSQL refuses a NUL and what is too long; parked under its hash instead."""
    with pytest.raises(Unreadable) as told:
        decode(body(id=value))
    assert (told.value.reason, told.value.event_id) == ("undecodable", None)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"type": "meetings.no_such.v1"}, "unknown_type"),
        ({"data": {}}, "invalid"),
        ({"data": []}, "undecodable"),
        ({"sequence": "x"}, "undecodable"),
        ({"time": "yesterday"}, "undecodable"),
    ],
)
def test_what_is_wrong_is_told_by_kind(changed: dict[str, Any], reason: str) -> None:
    """And by the id, where there is one."""
    with pytest.raises(Unreadable) as told:
        decode(body(**changed))
    assert told.value.reason == reason
    assert told.value.event_id == (None if reason == "undecodable" else "event-1")


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_raise_anything_but_unreadable(raw: bytes) -> None:
    """Whatever lies in the queue."""
    with pytest.raises(Unreadable):
        decode(raw)


def test_an_upcaster_that_stumbles_makes_the_event_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take for granted what a stranger's event lacks."""

    def step(data: dict[str, Any]) -> dict[str, Any]:
        return {"a": data["missing"]}

    monkeypatch.setitem(upcasting.UPCASTERS, "meetings.chapter_opened.v0", (ChapterOpened.type, step))
    with pytest.raises(Unreadable, match="invalid"):
        decode(body(type="meetings.chapter_opened.v0"))
