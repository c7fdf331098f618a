"""What the subscriber promises of events while everything runs: redelivery, order, poison, what cannot be read."""

from __future__ import annotations

import json
import random

from tests.support.processes import eventually
from tests.support.site import LADDER, QUEUE, Site, chapter


def test_an_event_takes_effect_once_however_often_it_comes(running: Site) -> None:
    """In one batch, in many, and again after it was handled."""
    said = [chapter() for _ in range(20)]
    running.say(*said, *said, *random.sample(said, 20))
    running.balances(said)
    running.say(*said)
    eventually(lambda: running.ready() == 0)
    running.balances(said)


def test_the_order_of_arrival_is_no_matter(running: Site) -> None:
    """Shuffled and doubled, the same state."""
    said = [chapter() for _ in range(100)]
    shuffled = said * 2
    random.shuffle(shuffled)
    running.say(*shuffled)
    running.balances(said)


def test_poison_climbs_the_ladder_and_is_parked_once_and_its_batch_mates_are_handled(running: Site) -> None:
    """Parked with kind and handler, never the error's text; after as many tries as there are rungs, and one."""
    poison = [chapter("poison") for _ in range(3)]
    said = [chapter() for _ in range(30)]
    mixed = poison + said
    random.shuffle(mixed)
    running.say(*mixed, poison[0])
    running.balances(mixed, parked=poison)
    for each in poison:
        row = running.parked()[each.event_id]
        assert (row.reason, row.handler, row.settled) == ("ValueError", "keep", None)
        assert row.attempts == len(LADDER) + 1
        assert bytes(row.body) == each.body


def test_an_event_that_fails_for_a_while_is_handled_in_the_end(running: Site) -> None:
    """It climbs, and nothing is parked."""
    said = [chapter("fail 3") for _ in range(2)]
    running.say(*said)
    running.balances(said)


def test_what_cannot_be_read_is_parked_at_once_with_its_reason(running: Site) -> None:
    """Undecodable, of an unknown type, with data that its type refuses; each once, and never tried."""
    unknown, invalid = json.loads(chapter().body), json.loads(chapter().body)
    unknown["type"] = "meetings.from_the_future.v1"
    invalid["data"].pop("slug")
    bodies = [b"\xff\x00 no json", b"", b"[]", json.dumps(unknown).encode(), json.dumps(invalid).encode()]
    mate = chapter()
    running.put([*bodies, mate.body, *bodies], "", QUEUE)
    running.balances([mate])
    lot = {bytes(row.body): row for row in running.parked().values()}
    reasons = ["undecodable", "undecodable", "undecodable", "unknown_type", "invalid"]
    assert [lot[body].reason for body in bodies] == reasons
    assert [lot[body].attempts for body in bodies] == [1] * 5
    assert lot[bodies[3]].event_id == unknown["id"]


def test_an_envelope_that_no_column_can_hold_is_parked_and_ends_no_process(running: Site) -> None:
    """An id too long or with a NUL in it, a type with a NUL, an attempt beyond counting: outsiders may send anything."""
    bodies = []
    for field, value in (("id", "i" * 300), ("id", "a\0b"), ("id", ""), ("type", "a\0b"), ("type", "t" * 300)):
        bodies.append(json.dumps(json.loads(chapter().body) | {field: value}).encode())
    mate = chapter()
    running.put([*bodies, mate.body], "", QUEUE)
    poison = chapter("poison")
    running.put([poison.body], "", QUEUE, **{"x-attempt": 2**40})
    running.balances([mate, poison], parked=[poison])
    lot = {bytes(row.body) for row in running.parked().values()}
    assert lot >= set(bodies)
    assert running.children[0].alive()
