"""The lanes together."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.notifications.sending import postbox
from services.notifications.settings import NotificationsSettings
from shared.contracts.base import Channel


class FakeLane:
    """The first one fails at once; the second takes its time."""

    made: list[FakeLane]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.number, self.ended = len(self.made), False
        self.made.append(self)

    def run(self) -> int:
        """One round."""
        if self.number == 0:
            raise ConnectionError("the database is away")
        time.sleep(0.3)
        self.ended = True
        return 0


def test_a_lane_that_fails_does_not_have_the_others_entered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane is not for two threads, and the next round begins soon after a failure: so all have ended by then."""
    FakeLane.made = []
    monkeypatch.setattr(postbox, "Lane", FakeLane)
    nothing: Any = None
    settings = NotificationsSettings(lanes=2)
    post = postbox.Postbox(
        nothing, settings, nothing, nothing, channel=Channel.EMAIL, make_sender=lambda _channel: nothing
    )
    with pytest.raises(ConnectionError):
        post.send()
    assert FakeLane.made[1].ended
