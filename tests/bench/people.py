"""Registration with people in it, made in bulk through its own handlers, without a broker; and events to say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from services.registration.service import RegistrationService
from services.registration.store import RegistrationStoreWork
from services.registration.store import metadata as registration_tables
from shared.contracts.base import ChapterId, Event, GroupId, MeetingId, Mode, RegionId
from shared.contracts.meetings import MeetingFacts, MeetingScheduled, MeetingStatus, ModeOffer
from shared.contracts.registration import Join, RoleInAttending
from shared.messaging.answering import RequestDelivery
from shared.messaging.dispatch import Delivery, Dispatcher, Verdict
from shared.messaging.envelope import Cause, encode
from shared.messaging.requests import ask_bytes
from shared.runtime.clock import SystemClock, real_now
from shared.runtime.ids import new_id, new_traceparent
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.work import Store
from tests.bench.ground import say
from tests.support.world import member, ring

CHAPTER, REGION, GROUP = ChapterId("chapter-1"), RegionId("region-1"), GroupId("group-1")
TOGETHER = 200
"""In one transaction."""


def daytime_zone() -> str:
    """A zone where it is about noon now: no quiet hours hold a notice back there."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def meeting(
    meeting_id: str, places: int, kind: type[MeetingFacts] = MeetingScheduled, *, hours: float = 72, **more: Any
) -> MeetingFacts:
    """News of a meeting that is held online, so many hours from now."""
    starts = real_now() + timedelta(hours=hours)
    told: dict[str, Any] = {
        "meeting_id": MeetingId(meeting_id),
        "series_id": None,
        "group_id": GROUP,
        "group_name": "Tuesday circle",
        "chapter_id": CHAPTER,
        "region_id": REGION,
        "revision": 1,
        "status": MeetingStatus.SCHEDULED,
        "starts_at": starts,
        "ends_at": starts + timedelta(minutes=90),
        "time_zone": daytime_zone(),
        "place": None,
        "offers": (ModeOffer(mode=Mode.ONLINE, capacity=places),),
    }
    return kind(**told | more)


def envelope(event: Event) -> bytes:
    """What a relay sends."""
    return encode(event, event_id=new_id(), sequence=1, at=datetime.now(UTC), cause=Cause.root())


def deliver(dispatcher: Dispatcher[Any], events: Sequence[Event]) -> None:
    """Have a service handle these. Raises RuntimeError where it cannot."""
    for first in range(0, len(events), TOGETHER):
        batch = [Delivery(envelope(event)) for event in events[first : first + TOGETHER]]
        if set(dispatcher.events(batch)) != {Verdict.DONE}:
            raise RuntimeError("an event could not be handled")


def registration(engine: Engine, names: Sequence[str], meetings: Sequence[MeetingFacts]) -> None:
    """Tables, members who accepted the agreement, and meetings with room."""
    registration_tables.create_all(engine)
    clock = SystemClock()
    store = Store(engine, RegistrationStoreWork, ring("registration"), clock)
    service = RegistrationService(
        Parts(settings=Settings(), keys=store.keys, clock=clock, store=store, ask=lambda _: None)
    )
    dispatcher = Dispatcher(service, store)
    deliver(dispatcher, meetings)
    say(f"  {len(names)} people join")
    for first in range(0, len(names), TOGETHER):
        dispatcher.requests([_join(name) for name in names[first : first + TOGETHER]])


def _join(name: str) -> RequestDelivery:
    command = Join(
        alias=ring("portal").seal_for("registration", name.capitalize()),
        role_in_attending=RoleInAttending.LIVED_EXPERIENCE,
        agreement_version=1,
    )
    asked = ask_bytes(
        command,
        actor=member(name),
        keys=ring("portal"),
        request_id=new_id(),
        correlation_id=new_id(),
        traceparent=new_traceparent(),
        deadline=real_now() + timedelta(seconds=60),
    )
    return RequestDelivery(*asked)
