"""Refusals: the answers 'no' that cross the wire as what they are.

A refusal is worded for the person who must act. Anything else that goes wrong in a service is a
:class:`Fault`: logged there with its correlation id, told to the caller without its text.
"""

from __future__ import annotations

from typing import ClassVar

Fact = str | int | bool | None


class Refused(Exception):
    """The service says no. ``field`` names the input that is wrong, ``facts`` are for the page that tells it."""

    code: ClassVar[str] = "refused"
    keeps: ClassVar[bool] = False
    """True where what the command wrote before it refused stays (a failed try is counted). Else it is undone."""
    known: ClassVar[dict[str, type[Refused]]] = {}

    def __init__(self, message: str, *, field: str | None = None, **facts: Fact) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts: dict[str, Fact] = facts

    def __init_subclass__(cls) -> None:
        if cls.code in Refused.known:
            raise TypeError(f"two refusals are called {cls.code}")
        Refused.known[cls.code] = cls


Refused.known[Refused.code] = Refused


class Invalid(Refused):
    """A field holds what it may not hold."""

    code = "invalid"


class NotFound(Refused):
    """No such thing, or none that this actor may know of (the two are never told apart)."""

    code = "not_found"


class Forbidden(Refused):
    """This actor may not do that."""

    code = "forbidden"


class Stale(Refused):
    """What the person looked at has changed since; look again."""

    code = "stale"


class TooLate(Refused):
    """The time for it has passed (a deadline, a meeting that began, a window that closed)."""

    code = "too_late"


class AlreadyDone(Refused):
    """It was done before, and can be done once only."""

    code = "already_done"


class TooMany(Refused):
    """Too many tries; ``facts['retry_after']`` is in seconds where known."""

    code = "too_many"


class PayloadDiffers(Refused):
    """The same request id came before with another content."""

    code = "payload_differs"


class NotYet(Exception):
    """Raised by an event's handler that waits for an earlier event: this one climbs the ladder, and nobody is to blame."""


class Fault(Exception):
    """The service failed; its log has the reason under ``correlation_id``."""

    def __init__(self, correlation_id: str) -> None:
        super().__init__(f"the service failed; look for correlation id {correlation_id} in its log")
        self.correlation_id = correlation_id


class Unreachable(Exception):
    """The broker or the service did not answer in time. A command may be sent again under its request id."""


class Unanswered(Unreachable):
    """The request had left, or may have: nobody knows whether it was done."""


def refusal(code: str, message: str, field: str | None, facts: dict[str, Fact]) -> Refused:
    """The refusal with this code; an unknown code (from a newer service) is a plain :class:`Refused`."""
    return Refused.known.get(code, Refused)(message, field=field, **facts)
