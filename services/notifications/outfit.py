"""What the service is fitted out with: wording, ways out, and how call-backs are read. Tests fit it out otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from services.notifications.messages import Facts, Inbound, Receipt, Sender, Wording
from shared.contracts.base import Channel
from shared.contracts.notifications import Discretion, LockScreen

Form = list[tuple[str, str]]
Answer = Literal["stop", "help", "start", "wrong"]


class Wordings(Wording, Protocol):
    """Wording, with the file that a member downloads."""

    def calendar_file(self, level: Discretion, locale: str, facts: Facts) -> str:
        """The entry of one's seat, METHOD PUBLISH."""
        ...


class Callbacks(Protocol):
    """How the provider's call-backs are read and answered."""

    def read(self, url: str, form: Form, signature: str) -> Inbound | Receipt | None:
        """What came; None where it was not signed by the provider. Raises ValueError where it makes no sense."""
        ...

    def answer(self, to: Answer, locale: str) -> str:
        """The one text that answers STOP, HELP, START or WRONG."""
        ...

    def body(self, text: str | None) -> str:
        """What to answer the provider with."""
        ...


@dataclass(frozen=True)
class Outfit:
    """Everything from the neighbouring rooms."""

    wording: Wordings
    sender: Callable[[Channel], Sender]  # a new one each time: one a lane
    callbacks: Callbacks
    lock_screens: Callable[[Discretion, str], tuple[LockScreen, ...]]
    sms_parts: Callable[[str], int]
