"""A link: what was refused over it is not asked twice."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import amqp
import pytest

from shared.messaging.link import Confirms, Link


class _Link:
    """A link on which the broker answers each publish by a word."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.left = False
        self.channel = SimpleNamespace(confirm_select=lambda: None, events={"basic_ack": set(), "basic_nack": set()})
        self.channel.channel_id, self.channel.connection = 1, SimpleNamespace(frame_max=131072)
        self.channel.basic_publish = lambda *_, **__: None
        self.tag = 0

    def guard(self) -> AbstractContextManager[None]:
        return nullcontext()

    def writing(self) -> AbstractContextManager[Any]:
        return nullcontext(self.channel)

    def drain(self, _timeout: float) -> bool:
        self.tag += 1
        for hear in self.channel.events[self.answers.pop(0)]:
            hear(self.tag, False)
        return True

    def leave(self) -> None:
        self.left = True


@pytest.mark.parametrize(
    ("answers", "left"), [(("basic_ack", "basic_ack"), False), (("basic_ack", "basic_nack"), True)]
)
def test_a_link_over_which_the_broker_refused_something_is_left(answers: tuple[str, ...], left: bool) -> None:  # noqa: FBT001
    """It may refuse for ever over this one, and take it over the next; what it took is known to be taken."""
    link = _Link(*answers)
    confirms = Confirms(cast(Link, link))
    for key in ("one", "two"):
        confirms.publish(key, amqp.Message(b""), "", "queue")
    taken, refused = confirms.settle(5)
    assert (taken | refused, "two" in refused, link.left) == ({"one", "two"}, left, left)
