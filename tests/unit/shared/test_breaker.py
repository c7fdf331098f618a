"""When a handler counts as broken, what may be tried then, and what makes it whole again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.breaker import Breaker

PAUSES = (1.0, 10.0, 60.0)


def opened(after: int = 3, now: float = 0.0) -> Breaker:
    """A breaker whose handler ``keep`` has failed once too often."""
    breaker = Breaker(after, PAUSES)
    for number in range(after):
        breaker.failed(["keep"], f"e{number}", "ValueError", now)
    return breaker


def test_a_run_of_failures_opens_and_is_said_once() -> None:
    """Not before the last of them."""
    breaker = Breaker(3, PAUSES)
    said = [breaker.failed(["keep"], f"e{number}", "ValueError", 0.0) for number in range(4)]
    assert said == [[], [], ["keep"], []]
    assert breaker.open(["other", "keep"])
    assert not breaker.open(["other"])


def test_one_event_that_always_fails_opens_nothing() -> None:
    """It climbs, and is parked, while others pass."""
    breaker = Breaker(2, PAUSES)
    assert [breaker.failed(["keep"], "poison", "ValueError", 0.0) for _ in range(50)] == [[]] * 50
    assert not breaker.open(["keep"])
    assert not breaker.told()


def test_a_success_between_ends_the_run() -> None:
    """Of this handler; another's proves nothing."""
    breaker = Breaker(2, PAUSES)
    breaker.failed(["keep"], "e1", "ValueError", 0.0)
    assert breaker.succeeded(["keep"]) == []
    assert breaker.failed(["keep"], "e2", "ValueError", 0.0) == []
    breaker.succeeded(["other"])
    assert breaker.failed(["keep"], "e3", "ValueError", 0.0) == ["keep"]


def test_one_event_is_tried_after_each_pause_and_the_pauses_grow_with_the_ladder() -> None:
    """Up to the last rung, and stay there."""
    breaker, now = opened(), 0.0
    for stage, pause in enumerate((*PAUSES, PAUSES[-1])):
        assert breaker.stage == min(stage, len(PAUSES) - 1)
        assert not breaker.lets(["keep"], "new", now + pause * 0.99)
        now += pause
        assert breaker.lets(["keep"], "new", now)
        breaker.failed(["keep"], "probe", "ValueError", now)
        assert not breaker.lets(["keep"], "new", now)


def test_the_first_success_closes_and_the_next_run_begins_at_none() -> None:
    """With the shortest pause."""
    breaker = opened()
    breaker.failed(["keep"], "probe", "ValueError", 1.0)
    assert breaker.succeeded(["keep"]) == ["keep"]
    assert breaker.lets(["keep"], "new", 1.0)
    assert breaker.stage == 0
    assert breaker.failed(["keep"], "e9", "ValueError", 1.0) == []


def test_an_event_that_two_hear_waits_while_one_of_them_is_broken() -> None:
    """They take effect together or not at all."""
    breaker = opened()
    assert not breaker.lets(["other", "keep"], "new", 0.5)
    assert breaker.lets(["other"], "new", 0.5)


def test_what_failed_before_is_tried_after_all_others() -> None:
    """Else one poison event, first in line after each pause, would keep a circuit open that should close."""
    breaker = opened()
    assert breaker.lets(["keep"], "new", PAUSES[0])
    assert not breaker.lets(["keep"], "e0", PAUSES[0])
    assert breaker.lets(["keep"], "e0", 2 * PAUSES[0])


def test_what_is_wrong_is_told_in_a_sentence() -> None:
    """With the handler's name and the kind of error, and how often it is tried."""
    sentence = opened().told()["keep"]
    assert (
        sentence == "keep failed on 3 events in a row (last: ValueError); its events wait, and one is tried every 1 s"
    )


def test_without_a_rung_or_with_zero_nothing_is_ever_opened() -> None:
    """An operator's way to have everything parked."""
    for breaker in (Breaker(0, PAUSES), Breaker(2, ())):
        for number in range(100):
            breaker.failed(["keep"], str(number), "ValueError", 0.0)
        assert breaker.lets(["keep"], "new", 0.0)
        assert not breaker.open(["keep"])


@given(
    after=st.integers(1, 4),
    history=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("123456"), st.booleans(), st.floats(0, 90)), max_size=60
    ),
)
def test_whatever_happens_a_broken_handler_is_tried_once_a_pause(
    after: int, history: list[tuple[str, str, bool, float]]
) -> None:
    """Against the rule in other words: the different events failed since the last success, and the time of the last try."""
    breaker, now = Breaker(after, PAUSES), 0.0
    run: dict[str, set[str]] = {"a": set(), "b": set()}
    tried: dict[str, list[float]] = {"a": [], "b": []}  # since it was opened, that moment first
    for handler, event, works, seconds in history:
        now += seconds
        broken = len(run[handler]) >= after
        assert breaker.open([handler]) == broken
        if broken:
            pause = PAUSES[min(len(tried[handler]), len(PAUSES)) - 1]
            due = tried[handler][-1] + pause + (pause if event in run[handler] else 0)
            assert breaker.lets([handler], event, now) == (now >= due)
        if not breaker.lets([handler], event, now):
            continue
        if works:
            assert breaker.succeeded([handler]) == ([handler] if broken else [])
            run[handler], tried[handler] = set(), []
        else:
            breaker.failed([handler], event, "ValueError", now)
            run[handler].add(event)
            if len(run[handler]) >= after:
                tried[handler].append(now)
