"""Live pages: who watches what is told that it changed, once for many changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.contracts.base import Event, Mode
from shared.contracts.registration import SeatConfirmed, SeatReason, SeatState
from shared.gateway import live
from shared.messaging.envelope import Envelope
from tests.support.asking import LocalAsking


def confirmed(number: int, meeting_id: str = "meeting-1") -> SeatConfirmed:
    return SeatConfirmed(
        seat_id=f"seat-{number}",
        meeting_id=meeting_id,
        chapter_id="chapter-1",
        member_id=f"member-{number}",
        mode=Mode.ONLINE,
        state=SeatState.CONFIRMED,
        reason=SeatReason.TAKEN,
        meeting_revision=1,
        change=1,
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GATHER_SECONDS", 0.02)
    monkeypatch.setattr(live, "AGAIN_SECONDS", 0.02)


async def next_of(stream: AsyncIterator[object], seconds: float = 1.0) -> object:
    return await asyncio.wait_for(anext(stream), seconds)


def test_many_changes_of_one_meeting_are_told_once_and_others_not_at_all() -> None:
    """The word carries no id, no name and no count."""

    async def scene() -> None:
        asking, fan = LocalAsking("admin"), live.Live()
        fan.start(asking)
        stream = fan.changes("meeting:meeting-1")
        waiting = asyncio.create_task(next_of(stream))
        await asyncio.sleep(0.01)
        for number in range(40):
            asking.say(confirmed(number))
        told = await waiting
        assert (told.event, told.data) == ("changed", "")  # type: ignore[attr-defined]
        asking.say(confirmed(41, "meeting-2"))
        with pytest.raises(TimeoutError):
            await next_of(stream, 0.1)
        await stream.aclose()  # type: ignore[attr-defined]
        assert not fan._watchers
        await fan.stop()

    asyncio.run(scene())


def test_when_the_stream_was_lost_every_page_is_told_to_look_again() -> None:
    """Something may have been missed meanwhile."""

    class Breaking(LocalAsking):
        async def follow(self) -> AsyncIterator[tuple[Envelope, Event]]:
            raise ConnectionError
            yield

    async def scene() -> None:
        fan = live.Live()
        fan.start(Breaking("admin"))
        assert await next_of(fan.changes("meeting:meeting-1"))
        await fan.stop()

    asyncio.run(scene())
