"""Bad input is named, not swallowed: whatever stands in a field, the answer is a view or a refusal, never a fault."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.base import REQUESTS, View
from shared.contracts.errors import Fault, Invalid, Refused
from shared.messaging.answering import RequestDelivery
from shared.messaging.requests import Asked, read_reply
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id, new_traceparent
from shared.storage.engine import make_engine
from tests.component.privacy.scene import DryStore, Scene, product_requests
from tests.component.privacy.test_who_may import POLICY
from tests.support.region import Region
from tests.support.world import SIGNER, ring

NASTY: list[Any] = [
    None, True, -1, 0, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 1.5, 1e400, [], {}, [[]], [None], "", " ", "\0", "a\0b", "\x01\x1b[31m",
    "\u202e\u2066evil", "\u200b", "\ufeff", "x" * 201, "x" * 70_000, "é" * 65, "%s{0}${x}", "' OR 1=1 --", "<script>alert(1)</script>",
    "../../etc/passwd", "..\\", "America/", "/etc/localtime", "posixrules", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00", "9999-12-31", "0001-01-01", "2026-11-10T19:00:00+02:00", "19:00:00+02:00", "23:59:59.999999Z", "24:00", "-1", "1e9",
    "NaN", "FREQ=SECONDLY", "FREQ=WEEKLY;UNTIL=99991231", "FREQ=WEEKLY;INTERVAL=999999999", "FREQ=MONTHLY;BYDAY=5FR;COUNT=99999999999", "en_US.UTF-8@x",
    "../en", "e\0n", "ZZ", "x" * 36, "00000000-0000-7000-8000-000000000000", "A" * 44, "AAAA", "====", "é",
]  # fmt: skip
"""What people, programs and enemies put into fields."""
STORED = [
    2**31,
    -(2**63) - 1,
    "a\0b",
    "x" * 201,
    "é" * 65,
    "x" * 36,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
]
"""What PostgreSQL takes otherwise than SQLite; the rest never comes as far as a database."""
SURROGATE = "LONE-SURROGATE"
"""Stands for a lone surrogate, which no UTF-8 holds: it is put into the body as a JSON escape."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """One scene on each kind of database: they refuse different things. No try changes it."""
    if request.param == "sqlite":
        network = Region(store=DryStore)
    else:
        server = request.getfixturevalue("postgres")
        pattern = server.url_pattern(("meetings", "registration", "notifications", "feedback"))
        network = Region(store=DryStore, engine=lambda name: make_engine(pattern.format(service=name)))
    made = Scene(network)
    for world in network.worlds.values():
        world.store.dry = True  # type: ignore[attr-defined]
    yield made
    network.close()
    if request.param == "postgresql":
        for name in network.worlds:
            server.drop(pattern.format(service=name))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a payload, containers included."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from leaves(each, (*path, key))


def put(payload: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The payload with another value there."""
    changed = copy.deepcopy(payload)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def answer_to(scene: Scene, kind: str, payload: dict[str, Any]) -> View | Exception:
    """What someone who may is answered; the body is signed as it is, so that nothing is cleaned on the way."""
    who = min(POLICY[kind] & {"ana", "own coordinator", "regional", "operator", "notifications", "provider"})
    actor = scene.actors()[who]
    signer = ring(actor.id if actor.role == "service" else SIGNER[actor.role])
    asked = Asked(
        type=kind,
        request_id=new_id(),
        correlation_id=new_id(),
        traceparent=new_traceparent(),
        deadline=real_now() + timedelta(seconds=60),
        signer=signer.name,
        actor=actor,
        payload={},
    )
    envelope = asked.model_dump(mode="json") | {"payload": payload}
    body = json.dumps(envelope).replace(SURROGATE, "\\ud800").encode()
    model = REQUESTS[kind]
    dispatcher = scene.network.worlds[model.receiver()].dispatcher
    try:
        return read_reply(dispatcher.requests([RequestDelivery(body, signer.sign(body))])[0], model.answer_type())
    except (Refused, Fault) as error:
        return error


def check(scene: Scene, kind: str, payload: dict[str, Any], said: str) -> str | None:
    """What is wrong with the answer, if anything."""
    answer = answer_to(scene, kind, payload)
    if isinstance(answer, Fault):
        return f"fault: {said}"
    if isinstance(answer, Invalid) and not answer.field and SURROGATE not in said and "inf" not in said.lower():
        return f"no field named: {said}: {answer.message}"
    return None


def sealed(scene: Scene, kind: str, text: str) -> str:
    """The text as a gateway seals it for the receiver of this request."""
    return str(scene.network.worlds[REQUESTS[kind].receiver()].seal(text))


@pytest.mark.parametrize("kind", product_requests())
def test_a_nasty_value_in_any_field_is_a_view_or_a_named_refusal(scene: Scene, kind: str) -> None:
    """Each field of each request, with each nasty value: nothing faults, and what is Invalid names its field."""
    payload = scene.payloads()[kind]
    on_sqlite = scene.network.engines[0].dialect.name == "sqlite"
    wrong = []
    for path in leaves(payload):
        wrong += [
            check(scene, kind, put(payload, path, value), f"{path}={str(value)[:40]!r}")
            for value in ([*NASTY, SURROGATE] if on_sqlite else STORED)
        ]
    for path in payload:
        without = {name: value for name, value in payload.items() if name != path}
        wrong.append(check(scene, kind, without, f"without {path}"))
    found = [each for each in wrong if each]
    assert not found, "\n".join(found[:20])


SEALED: dict[str, tuple[str, ...]] = {
    "meetings.add_room.v1": ("link", "dial_in", "passcode"),
    "registration.join.v1": ("alias",),
    "registration.add_walk_in.v1": ("alias",),
    "notifications.start_verification.v1": ("contact",),
    "notifications.confirm_code.v1": ("code",),
    "notifications.receive_callback.v1": ("form",),
    "feedback.submit_slip.v1": ("code", "answers"),
}
NASTY_SECRETS = [
    "", "\0", "a\0b", "\u202eevil", "x" * 70_000, "a@b", "a@b.c\r\nBcc: x@y.z", "<a@example.org>", "a@" + "b" * 300 + ".org", "ä@exämple.org",
    "a@xn--.org", "+", "+0", "+1" * 50, "911", "tel:+44;ext=5", "https://", "https://[::1", "https://a@b:99999/", "javascript:alert(1)",
    "[[]]", "[1]", "{}", "null", '[["a"]]', '[["Body", null]]', "[" * 100_000, '{"values": {"safe": 1e400}}', '{"values": {"safe": 99999999999999999999}}',
    '{"values": {"\\u0000": 1}}', '{"values": null}', "NaN",
]  # fmt: skip


@pytest.mark.parametrize("kind", SEALED)
def test_a_nasty_secret_is_a_view_or_a_named_refusal(scene: Scene, kind: str) -> None:
    """The same for what was sealed: nobody has looked into it before the service does."""
    payload = scene.payloads()[kind]
    wrong = [
        check(scene, kind, payload | {field: sealed(scene, kind, text)}, f"{field}={text[:40]!r}")
        for field in SEALED[kind]
        for text in NASTY_SECRETS
    ]
    found = [each for each in wrong if each]
    assert not found, "\n".join(found)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_anything_anywhere_never_faults(scene: Scene, data: st.DataObject) -> None:
    """Whatever Hypothesis thinks of, in up to three fields at once."""
    kind = data.draw(st.sampled_from(product_requests()))
    payload = scene.payloads()[kind]
    paths = [path for path in leaves(payload) if len(path) == 1]
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=3)) if paths else ():
        payload = put(payload, path, data.draw(anything))
    answer = answer_to(scene, kind, payload)
    assert not isinstance(answer, Fault), payload


GOOD = {"name": "Talk", "slug": "t1", "day": 2, "time": "19:00", "address": "1 Quay Street", "city": "London"}
HOSTILE_ROWS: dict[str, str] = {
    "ten megabytes in one cell": json.dumps([GOOD | {"notes": "x" * 10_000_000}]),
    "ten megabytes of a name": json.dumps([GOOD | {"name": "x" * 10_000_000}]),
    "deep nesting": "[" * 200_000 + "]" * 200_000,
    "a deep cell": '[{"name": ' + "[" * 5000 + "]" * 5000 + "}]",
    "NaN": '[{"name": "A", "slug": "s", "day": NaN, "time": "19:00", "latitude": Infinity}]',
    "a day of 1e400": '[{"name": "A", "slug": "s", "day": 1e400, "time": "19:00"}]',
    "a slug of 5000 digits": '[{"name": "A", "slug": ' + "9" * 5000 + ', "day": 1, "time": "19:00"}]',
    "the same slug fifty times": json.dumps([GOOD] * 50),
    "HTML": json.dumps([GOOD | {"name": "<img src=x onerror=alert(1)>", "location": "<b>x</b>"}]),
    "right to left": json.dumps([GOOD | {"name": "\u202egnp.exe\u2066", "city": "\u202enodnoL"}]),
    "NUL": json.dumps([{key: f"{value}\0" if isinstance(value, str) else value for key, value in GOOD.items()}]),
    "lone surrogates": json.dumps([GOOD]).replace("Talk", "T\\ud800").replace("Quay", "\\udfff"),
    "lone surrogate slug": json.dumps([GOOD]).replace("t1", "t\\ud800"),
    "lone surrogate link": json.dumps([GOOD | {"conference_url": "https://a.example/LINK"}]).replace("LINK", "\\ud800"),
    "lone surrogate key": json.dumps([GOOD | {"KEY": 1}]).replace("KEY", "\\ud800"),
    "lone surrogate type": json.dumps([GOOD | {"types": ["KEY", "O"]}]).replace("KEY", "\\ud800"),
    "lone surrogate type in text": json.dumps([GOOD | {"types": "KEY, O"}]).replace("KEY", "\\ud800"),
    "every cell an object": json.dumps([{key: {"a": [1]} for key in GOOD}]),
    "every cell a list": json.dumps([{key: [1, "x", None] for key in GOOD}]),
    "every cell true": json.dumps([dict.fromkeys(GOOD, True)]),
    "a zone that leaves its folder": json.dumps([GOOD | {"timezone": "../../etc/passwd"}]),
    "a zone with NUL": json.dumps([GOOD | {"timezone": "Europe/London\0"}]),
    "digits of another script": json.dumps([GOOD | {"time": "\u0661\u0669:\u0660\u0660", "day": "\u0662"}]),
    "superscript": json.dumps([GOOD | {"time": "²³:00", "day": "²"}]),
    "no rows": "[]",
    "no list": "{}",
    "nulls": "[null, null]",
    "numbers": '[1, 2.5, "x"]',
}


@pytest.mark.parametrize("what", HOSTILE_ROWS)
def test_a_hostile_list_is_reported_row_by_row(scene: Scene, what: str) -> None:
    """An import answers one report a row, or names rows_json; the network's own feeds can be read after it."""
    from shared.contracts.meetings import ImportReport  # noqa: PLC0415

    payload = scene.payloads()["meetings.import_meetings.v1"] | {"rows_json": HOSTILE_ROWS[what]}
    began = time.monotonic()
    answer = answer_to(scene, "meetings.import_meetings.v1", payload)
    assert time.monotonic() - began < 4, "one row keeps everybody else waiting"
    assert isinstance(answer, ImportReport | Invalid), f"{answer!r}"
    if isinstance(answer, ImportReport):
        assert len(answer.rows) == len(json.loads(HOSTILE_ROWS[what]))
        assert all(row.why and len(row.why) < 500 for row in answer.rows if row.outcome == "refused")
        assert len(answer.model_dump_json()) < 100_000
    else:
        assert answer.field


@pytest.mark.parametrize("places", [10**9, 2**63, -1, 0])
def test_a_billion_places_is_refused_by_name(scene: Scene, places: int) -> None:
    """No list, series or import makes a room of a billion."""
    payload = scene.payloads()["meetings.import_meetings.v1"] | {"in_person_capacity": places}
    answer = answer_to(scene, "meetings.import_meetings.v1", payload)
    assert isinstance(answer, Invalid)
    assert answer.field == "in_person_capacity"
    if places:
        series = scene.payloads()["meetings.schedule_series.v1"]
        series |= {"offers": [{"mode": "in_person", "capacity": places}]}
        answer = answer_to(scene, "meetings.schedule_series.v1", series)
        assert isinstance(answer, Invalid)
        assert str(answer.field).startswith("offers")
