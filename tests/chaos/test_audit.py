"""The auditor's own arithmetic, without a network."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.chaos.audit import requests
from tests.chaos.audit.attacker import Attack, Urn, best, bound
from tests.chaos.audit.record import Asked, read
from tests.chaos.audit.waiting import crowded, overtaken


def news(seat: str, state: str, reason: str, cause: str, mode: str = "online") -> dict[str, Any]:
    """One event of a seat at the one meeting."""
    data = {"seat_id": seat, "meeting_id": "m", "mode": mode, "state": state, "reason": reason}
    return {"type": f"registration.seat_{state}.v1", "causationid": cause, "data": data}


ONE_PLACE = [
    news("ana", "confirmed", "taken", "1"),
    news("ben", "waitlisted", "taken", "2"),
    news("cleo", "waitlisted", "taken", "3"),
    news("ana", "released", "given_up", "4"),
]


def test_the_first_in_line_moves_up() -> None:
    """Ana leaves, Ben is next."""
    assert overtaken([*ONE_PLACE, news("ben", "confirmed", "promoted", "4")]) == (1, [])


def test_whoever_passes_another_is_named() -> None:
    """Ana leaves, and Cleo gets the place that was Ben's."""
    promoted, faults = overtaken([*ONE_PLACE, news("cleo", "confirmed", "promoted", "4")])
    assert promoted == 1
    assert faults == ["cleo passed ben: m"]


def test_a_place_that_was_given_twice_is_named_though_it_was_taken_back() -> None:
    """Ana and Ben are told of the one place; the next change of the meeting puts Ben in line."""
    twice = [ONE_PLACE[0], news("ben", "confirmed", "taken", "2"), news("ben", "waitlisted", "moved", "3")]
    assert crowded(twice, {("m", "online"): 1}) == ["2 told of 1 places: m online"]


def test_whoever_makes_room_in_the_same_change_is_not_counted() -> None:
    """Ben is told that he has the place before Ana is told that she is in line, with another meeting's news between."""
    swap = [ONE_PLACE[0], news("ben", "confirmed", "moved", "2"), news("ana", "waitlisted", "moved", "2")]
    other = news("cleo", "confirmed", "taken", "3", "phone")
    other["data"]["meeting_id"] = "n"
    for events in (swap, [*swap[:2], other, swap[2]]):
        assert crowded(events, {("m", "online"): 1, ("n", "phone"): 1}) == []


def test_whoever_asked_for_another_mode_stands_behind() -> None:
    """Ben waits by phone and comes back: Cleo is before him now."""
    moves = [news("ben", "waitlisted", "switched", "5", "phone"), news("ben", "waitlisted", "switched", "6")]
    first = [*ONE_PLACE[:3], *moves, ONE_PLACE[3], news("cleo", "confirmed", "promoted", "4")]
    assert overtaken(first) == (1, [])


def take(request_id: str, end: str | None) -> Asked:
    """Ana asks for a seat at the one meeting."""
    facts = {"member_id": "ana", "meeting_id": "m"}
    return Asked(
        request_id, "registration.take_seat.v1", 1, facts, end, 2, {"seat_id": "s"} if end == "accepted" else {}
    )


def test_a_seat_that_was_taken_once_balances() -> None:
    """Two requests for the same seat, both accepted: the second found it taken, and said nothing."""
    asked = [take("1", "accepted"), take("2", "accepted")]
    assert requests._seats([news("s", "confirmed", "taken", "1")], asked).balances


def test_a_seat_that_was_taken_twice_is_named() -> None:
    """The same request took effect again."""
    line = requests._seats([news("s", "confirmed", "taken", "1")] * 2, [take("1", "accepted")])
    assert line.wrong == ("2 times: 1",)


def test_a_refusal_that_took_effect_is_named() -> None:
    """They were told no, and hold a seat."""
    line = requests._seats([news("s", "confirmed", "taken", "1")], [take("1", "refused")])
    assert line.wrong == ("it was refused, and a seat was taken: 1",)


def test_an_acceptance_without_an_effect_is_named() -> None:
    """They were told yes, and hold nothing."""
    line = requests._seats([], [take("1", "accepted")])
    assert line.wrong == ("registration.take_seat.v1 left no trace: ana m",)


def releases(cause: str, *meetings: str) -> list[dict[str, Any]]:
    """Ana's seats at these meetings, given up by one request."""
    given = [news(f"ana at {each}", "released", "given_up", cause) for each in meetings]
    for event, meeting in zip(given, meetings, strict=True):
        event["data"]["meeting_id"] = meeting
    return given


def asked_to(kind: str) -> list[Asked]:
    """One request of Ana's, accepted."""
    return [Asked("1", kind, 1, {"member_id": "ana", "meeting_id": "m"}, "accepted", 2)]


def test_whoever_leaves_gives_up_every_seat_by_one_request() -> None:
    """Each once; somebody who gives up one seat gives up no other."""
    leaving = asked_to("registration.leave.v1")
    assert requests._seats(releases("1", "m", "n"), leaving).balances
    assert requests._seats(releases("1", "m", "m"), leaving).wrong == ("2 times: 1",)
    giving_up = requests._seats(releases("1", "m", "n"), asked_to("registration.give_up_seat.v1"))
    assert "at 2 meetings: 1" in giving_up.wrong


def test_whoever_leaves_is_said_to_have_left_once() -> None:
    """An acceptance without the word, and a word that came twice, are named."""
    leaving = asked_to("registration.leave.v1")
    word = {"type": requests.LEFT, "causationid": "1", "data": {"member_id": "ana"}}
    assert requests._one_event({"registration": [word]}, leaving).balances
    assert not requests._one_event({"registration": []}, leaving).balances
    assert not requests._one_event({"registration": [word, word]}, leaving).balances


def test_a_request_without_an_answer_has_no_end(tmp_path: Path) -> None:
    """And a line that a kill tore was never acted on."""
    lines = [
        {"n": 1, "what": "intent", "id": "a", "kind": "k", "member_id": "m"},
        {"n": 2, "what": "unknown", "id": "a", "kind": "k", "why": "Unreachable"},
        {"n": 3, "what": "intent", "id": "b", "kind": "k"},
        {"n": 4, "what": "accepted", "id": "b", "kind": "k", "told": {"seat_id": "s"}},
    ]
    log = tmp_path / "driver.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"n": 5, "wh')
    first, second = read(log)
    assert (first.end, first.unknowns, first.facts) == (None, 1, {"member_id": "m"})
    assert (second.accepted, second.told, second.began, second.ended) == (True, {"seat_id": "s"}, 3, 4)


def test_luck_ends_where_the_binomial_says() -> None:
    """Of ten slips beside ten people: six hits or more come by luck once in 6,800 runs, five once in 600."""
    assert bound(10, 0.1, 0.001) == 6
    assert bound(10, 0.1, 0.01) == 5
    assert bound(0, 0.1, 0.001) == 1


def urn(size: int, chance: random.Random) -> Urn:
    """Slips and people, each slip somebody's, listed in no order."""
    people = [f"p{at:02}" for at in range(size)]
    owner = dict(zip([f"s{at:02}" for at in range(size)], people, strict=True))
    slips = list(owner)
    chance.shuffle(slips)
    return Urn(slips, people, owner)


def test_an_order_that_was_kept_gives_people_away() -> None:
    """Twenty slips that lie as their people came: every one is hit, and luck does not reach that."""
    found = urn(20, random.Random(1))
    kept = {slip: float(at) for at, slip in enumerate(sorted(found.slips))}
    came = {person: float(at) for at, person in enumerate(found.people)}
    attack = best([found], [("kept beside came", kept, came)])
    assert attack.hits == 20
    assert attack.hits >= attack.bound


def test_a_shuffled_order_gives_nobody_away() -> None:
    """The best of two hundred orders that tell nothing stays below where luck ends."""
    chance = random.Random(2)
    urns = [urn(15, chance), urn(12, chance)]
    people = {person: float(at) for each in urns for at, person in enumerate(each.people)}

    def shuffled() -> dict[str, float]:
        return {slip: chance.random() for each in urns for slip in each.slips}

    attack = best(urns, [(f"order {at}", shuffled(), people) for at in range(200)])
    assert isinstance(attack, Attack)
    assert 0 < attack.hits < attack.bound
