"""A service that asks others: what ends its reader ends the link with it, so that the next question opens another."""

from __future__ import annotations

from typing import Any

import pytest
from eventlet.event import Event as Answer

from shared.messaging.caller import Caller
from shared.messaging.link import LinkLost
from tests.support.world import ring


class Breaking:
    """A link that is read once, and then no more."""

    def __init__(self) -> None:
        self.closed = False

    def drain(self, _seconds: float) -> None:
        """Fail in a way that no connection does by being lost."""
        raise AttributeError

    def close(self) -> None:
        """Note it."""
        self.closed = True


def test_a_reader_that_fails_leaves_no_link_that_nobody_reads() -> None:
    """Else every later question would be sent, and its answer heard by nobody."""
    caller, link, answer = Caller("amqp://nowhere", ring("notifications")), Breaking(), Answer()
    there: Any = caller
    there._link, there._answers = link, {"one": answer}
    there._read(link)
    assert there._link is None
    assert link.closed
    with pytest.raises(LinkLost, match="AttributeError"):
        answer.wait()
