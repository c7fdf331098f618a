"""What an event, a command, a query and a view are.

An *event* says what happened, a *command* asks for a change, a *query* asks for a *view*.
All are frozen pydantic models. A producer may not add fields of its own (construction forbids
them); a consumer ignores fields it does not know (:func:`read`), so that both can be upgraded
in any order. Ids are opaque strings; times are aware datetimes in UTC unless a name says local.
"""

from __future__ import annotations

import builtins
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, Literal, NewType, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

RegionId = NewType("RegionId", str)
ChapterId = NewType("ChapterId", str)
GroupId = NewType("GroupId", str)
VenueId = NewType("VenueId", str)
RoomId = NewType("RoomId", str)
SeriesId = NewType("SeriesId", str)
MeetingId = NewType("MeetingId", str)
MemberId = NewType("MemberId", str)
GuestId = NewType("GuestId", str)
SeatId = NewType("SeatId", str)
ContactPointId = NewType("ContactPointId", str)
NoticeId = NewType("NoticeId", str)
WindowId = NewType("WindowId", str)

Instant = AwareDatetime
"""A moment, aware, in UTC inside the system."""


def _not_blank(text: str) -> str:
    cleaned = " ".join(text.split())
    if not cleaned:
        raise ValueError("say something here; it is blank")
    return cleaned


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_not_blank)]
"""One line of text that a person typed, trimmed, at most 200 characters."""

Locale = Annotated[str, StringConstraints(max_length=35)]
"""A BCP 47 tag; 35 characters hold every one that is in use (RFC 5646 section 4.4.1)."""


def _by_the_wall(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("say the local time, without a zone or offset: 19:00")
    return value


LocalTime = Annotated[time, AfterValidator(_by_the_wall)]
"""What a clock on the wall shows; the zone is said elsewhere."""

LONGEST_ID = 64
LARGEST = 2**31 - 1
YEARS = range(1900, 2200)

Sealed = NewType("Sealed", str)
"""Base64 of a libsodium sealed box to the receiving service's public key (shared.runtime.keys).

What an address, a number, an alias or a code travels in, so that no queue holds it in the clear.
"""

Classification = Literal["public", "internal", "restricted"]


class Contract(BaseModel):
    """A frozen model whose producer may not add fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(Contract):
    """What a query or a command answers."""


class Done(View):
    """The command took effect (or had already, under the same request id). Nothing else to say."""


class Event(Contract):
    """Something that happened, in the past tense, with opaque ids and no person's data."""

    type: ClassVar[str]
    """``<service>.<fact>.v<n>``: the routing key, and the CloudEvents type."""
    subject: ClassVar[str]
    """The name of the field whose value is the CloudEvents subject; ``sequence`` rises by one per subject."""
    classification: ClassVar[Classification] = "internal"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.__dict__.get("type")
        if name is not None:
            if name in EVENTS:
                raise TypeError(f"two events are called {name}")
            EVENTS[name] = cls

    @property
    def subject_id(self) -> str:
        """The value of the subject field."""
        return str(getattr(self, self.subject))


def _check_storable(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("this holds a character that cannot be kept; type it again")
    elif isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError(f"this number is too large; the largest is {LARGEST}")
    elif isinstance(value, dict):
        for name, each in value.items():
            _check_storable(name)
            _check_storable(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_storable(each)


def _longest(field_name: str | None) -> int:
    """Notices are called by a hash, all else by a UUID."""
    return LONGEST_ID if field_name == "notice_id" else 36


AnswerT = TypeVar("AnswerT", bound=View)


class Request(Contract, Generic[AnswerT]):
    """A command or a query: something with one receiver and an answer."""

    type: ClassVar[str]
    """``<service>.<act>.v<n>``; the service's name is also the first part of the queue it is sent to."""

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any, info: ValidationInfo) -> Any:
        """What no database holds, or not every one, is refused by the name of its field and not found out by a fault."""
        _check_storable(value)
        if str(info.field_name).endswith("_id") and isinstance(value, str) and len(value) > _longest(info.field_name):
            raise ValueError("nothing has so long an id; open the page again")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _near(cls, value: Any) -> Any:
        if isinstance(value, date) and value.year not in YEARS:
            raise ValueError(f"choose a date between {YEARS.start} and {YEARS.stop}")
        return value

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.__dict__.get("type")
        if name is not None:
            if name in REQUESTS:
                raise TypeError(f"two requests are called {name}")
            REQUESTS[name] = cls

    @classmethod
    def receiver(cls) -> str:
        """The service that answers, for example ``meetings``."""
        return cls.type.split(".", 1)[0]

    @classmethod
    def answer_type(cls) -> builtins.type[AnswerT]:
        """The view class that this request is answered with."""
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args")
            if arguments:
                return arguments[0]  # type: ignore[no-any-return]
        raise TypeError(f"{cls.__name__} does not say what it is answered with")


class Command(Request[AnswerT], Generic[AnswerT]):
    """Asks for a change. Under the same request id it takes effect once and answers the same."""

    remembered: ClassVar[bool] = True
    """False for the few commands whose request must leave no trace (drawing a code, handing in a slip)."""


class Query(Request[AnswerT], Generic[AnswerT]):
    """Asks for a view and changes nothing."""


EVENTS: dict[str, type[Event]] = {}
"""Every event there is, by its type."""
REQUESTS: dict[str, type[Request[Any]]] = {}
"""Every command and query there is, by its type."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def read(model: type[ModelT], data: bytes | str) -> ModelT:
    """The model in this JSON; fields that the model does not know are ignored.

    Raises pydantic.ValidationError, which names each field.
    """
    return model.model_validate_json(data, extra="ignore")


class Role(StrEnum):
    """As whom a request is made. The gateway's signature says so; the owning service checks it."""

    VISITOR = "visitor"  # anyone, not signed in
    MEMBER = "member"
    COORDINATOR = "coordinator"
    REGIONAL = "regional"
    OPERATOR = "operator"  # the command line on the machine
    PROVIDER = "provider"  # the SMS provider's call-back, through the portal
    SERVICE = "service"  # another service


class Actor(Contract):
    """Who asks. ``id`` is a member id, an account id or a service's name; chapters bound a coordinator."""

    role: Role
    id: str | None = None
    chapters: tuple[ChapterId, ...] = ()


class Mode(StrEnum):
    """How one person attends."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    PHONE = "phone"


class Channel(StrEnum):
    """What a notice travels through."""

    EMAIL = "email"
    SMS = "sms"
