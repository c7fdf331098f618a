"""Faults to order, so that a test or a curious reader can see what the network does about them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """One fault, for mails or texts to one recipient or to all, so many times or until it is lifted.

    ``refuse``       answer with this code and text; nothing is accepted
    ``stall``        wait so many seconds before doing anything
    ``late``         accept, then wait so many seconds before saying so
    ``die``          cut the connection in the middle; nothing is accepted
    ``die_in_data``  mails only: cut the connection while the mail is being sent, before its last dot
    ``die_after``    accept, then cut the connection without saying so
    ``refuse_after``  texts only: accept, then answer with this code as if it had not been
    ``undelivered``  texts only: accept; later report that it was not delivered, with this code
    """

    model_config = ConfigDict(extra="forbid")

    mode: Literal["refuse", "stall", "late", "die", "die_in_data", "die_after", "refuse_after", "undelivered"]
    code: int = 0
    """Mail: the SMTP code (default 451). Texts: Twilio's code (default 20500; undelivered: 30003)."""
    status: int = 0
    """Texts, refuse: the HTTP status (default 400; 500 for code 20500, 429 for 20429)."""
    text: str = ""
    at: Literal["connect", "mail", "rcpt", "data"] = "data"
    """Mail, refuse: in answer to what."""
    seconds: float = Field(default=30.0, ge=0, le=600)
    to: str | None = None
    times: int | None = Field(default=None, ge=1)


class Faults:
    """The switch. One fault for mails and one for texts at a time."""

    def __init__(self) -> None:
        self.mail: Fault | None = None
        self.sms: Fault | None = None

    def take(self, kind: Literal["mail", "sms"], to: str | None, *modes: str) -> Fault | None:
        """The fault that meets this recipient, if it is one of these modes; it counts as used."""
        fault: Fault | None = getattr(self, kind)
        if fault is None or fault.mode not in modes:
            return None
        if fault.to is not None and (to or "").casefold() != fault.to.casefold():
            return None
        if fault.times is not None:
            left = fault.times - 1
            setattr(self, kind, fault.model_copy(update={"times": left}) if left else None)
        return fault

    def shown(self) -> dict[str, Fault | None]:
        """Both, for the page and the API."""
        return {"mail": self.mail, "sms": self.sms}
