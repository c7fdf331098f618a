"""The envelope: CloudEvents 1.0, structured JSON, the same bytes in outbox, queue, parking lot and golden file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from shared.contracts.base import EVENTS, Event
from shared.contracts.upcasting import current
from shared.runtime.ids import child_traceparent, new_id, new_traceparent

CONTENT_TYPE = "application/cloudevents+json"

EventId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,36}\z")]
"""What an inbox can hold: printable ASCII, no blank, no NUL, which PostgreSQL refuses."""
EventType = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}\z")]


class Cause(NamedTuple):
    """Why something is said: the conversation it belongs to, the message that led to it, the trace."""

    correlation_id: str
    causation_id: str | None
    traceparent: str

    @classmethod
    def root(cls) -> Cause:
        """The start of a conversation (a timer, a command line)."""
        return cls(correlation_id=new_id(), causation_id=None, traceparent=new_traceparent())


class Unreadable(Exception):  # noqa: N818
    """The body is no envelope, or its data no event of its type. ``reason`` is a kind, never the content."""

    def __init__(self, reason: str, event_id: str | None = None, event_type: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.event_id = event_id
        self.event_type = event_type


class Envelope(BaseModel):
    """What goes round an event. Attribute names are CloudEvents' (lower case, no underscores)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: str
    id: EventId
    source: str
    type: EventType
    subject: str
    time: datetime
    sequence: int
    correlationid: str
    causationid: str | None = None
    traceparent: str | None = None
    chapterid: str | None = None
    dataclassification: str = "internal"
    data: dict[str, Any]

    def cause_of_next(self) -> Cause:
        """What an event that follows from this one says of its cause."""
        return Cause(self.correlationid, self.id, child_traceparent(self.traceparent))


def encode(event: Event, *, event_id: str, sequence: int, at: datetime, cause: Cause) -> bytes:
    """The bytes of an event, as they will lie in outbox, queue and parking lot."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/chapterhouse/{event.type.split('.', 1)[0]}",
        "type": event.type,
        "subject": event.subject_id,
        "time": at,
        "datacontenttype": "application/json",
        "sequence": sequence,
        "correlationid": cause.correlation_id,
        "traceparent": cause.traceparent,
        "dataclassification": event.classification,
    }
    if cause.causation_id is not None:
        attributes["causationid"] = cause.causation_id
    chapter = getattr(event, "chapter_id", None)
    if chapter is not None:
        attributes["chapterid"] = chapter
    attributes["data"] = event
    return to_json(attributes)


def decode(body: bytes) -> tuple[Envelope, Event]:
    """The envelope and its event, in today's version. Raises Unreadable."""
    try:
        raw = from_json(body)
        envelope = Envelope.model_validate(raw)
    except (ValueError, ValidationError) as error:
        raise Unreadable("undecodable") from error
    try:
        kind, data = current(envelope.type, envelope.data)
        model = EVENTS.get(kind)
        event = model.model_validate(data, extra="ignore") if model else None
    except Exception as error:  # an upcaster or a validator may stumble in any way over what is not what it says
        raise Unreadable("invalid", envelope.id, envelope.type) from error
    if event is None:
        raise Unreadable("unknown_type", envelope.id, envelope.type)
    return envelope, event
