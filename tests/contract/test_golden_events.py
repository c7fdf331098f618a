"""Every version of every event ever published still loads."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import asyncapi
from shared.contracts.base import EVENTS
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.contracts.upcasting import UPCASTERS
from shared.messaging.entrypoints import entrypoints_of
from shared.messaging.envelope import Cause, decode, encode
from tests.support.samples import sample

GOLDEN = Path(__file__).parent / "golden"
OURS = sorted(kind for kind, model in EVENTS.items() if model.__module__.startswith("shared.contracts."))


def golden_bytes(kind: str) -> bytes:
    """What this version says of its sample event; the file of a published version is never written again."""
    cause = Cause("correlation-1", "cause-1", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
    return encode(
        sample(EVENTS[kind]), event_id="event-1", sequence=7, at=datetime(2026, 11, 3, 19, tzinfo=UTC), cause=cause
    )


@pytest.mark.parametrize("kind", OURS)
def test_an_event_said_today_says_all_that_its_golden_file_says(kind: str) -> None:
    """A field may come, since nobody listens for it yet. One that changes or goes needs a new version."""
    file = GOLDEN / f"{kind}.json"
    assert file.exists(), f"publish it first: write {file.name} with python -m tests.contract.write_golden"
    assert list(_missing(json.loads(file.read_bytes()), json.loads(golden_bytes(kind)))) == []


def _missing(published: Any, said: Any, where: str = "") -> Iterator[str]:
    """Where what was published is not said any more, or otherwise."""
    if isinstance(published, dict) and isinstance(said, dict):
        for name, value in published.items():
            yield from _missing(value, said.get(name, "nothing"), f"{where}/{name}")
    elif isinstance(published, list) and isinstance(said, list) and len(published) == len(said):
        for index, pair in enumerate(zip(published, said, strict=True)):
            yield from _missing(*pair, f"{where}/{index}")
    elif published != said or type(published) is not type(said):
        yield where


def test_a_field_that_goes_or_changes_is_seen_however_deep_it_lies() -> None:
    """The comparison above can fail."""
    published = {"place": {"city": "x"}, "offers": [{"capacity": 3}], "held": True, "none": None}
    assert list(_missing(published, published | {"new": 1, "place": {"city": "x", "parking": ""}})) == []
    changed = {"place": {}, "offers": [{"capacity": 4}], "held": 1}
    assert list(_missing(published, changed)) == ["/place/city", "/offers/0/capacity", "/held", "/none"]


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_every_version_ever_published_still_loads(file: Path) -> None:
    """Also the ones that nobody says any more: an upcaster leads to today's class."""
    envelope, event = decode(file.read_bytes())
    assert envelope.type == file.stem
    assert event.type == file.stem or file.stem in UPCASTERS


def test_a_consumer_ignores_fields_it_does_not_know() -> None:
    """So that a producer can be upgraded first."""
    body = json.loads(golden_bytes("registration.member_joined.v1"))
    body["data"]["from_the_future"] = 1
    body["extension"] = "new"
    _, event = decode(json.dumps(body).encode())
    assert event == sample(EVENTS["registration.member_joined.v1"])


def test_no_event_has_a_field_for_a_persons_data() -> None:
    """Events carry opaque ids, never a name, address, number or free text of a person."""
    telling = {"alias", "email", "number", "contact", "surname", "text", "note", "notes", "link", "passcode"}
    for kind in OURS:
        assert not telling & set(EVENTS[kind].model_fields), kind


def test_the_asyncapi_document_is_up_to_date() -> None:
    """docs/asyncapi.yaml is generated: chapterhouse asyncapi."""
    assert Path("docs/asyncapi.yaml").read_text() == asyncapi.document()


def test_every_subscription_is_to_an_event_that_exists() -> None:
    """And to none twice."""
    for service, heard in SUBSCRIPTIONS.items():
        assert len(heard) == len(set(heard)), service
        assert all(event.type in EVENTS for event in heard), service


@pytest.mark.parametrize("service", SUBSCRIPTIONS)
def test_a_service_listens_to_what_the_table_says_that_it_hears(service: str) -> None:
    """An event that is bound and not handled would be acknowledged unheard; one that is not bound never comes."""
    module = importlib.import_module(f"services.{service}.service")
    assert set(entrypoints_of(getattr(module, f"{service.capitalize()}Service")).events) == set(SUBSCRIPTIONS[service])
