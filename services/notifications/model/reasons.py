"""Why a person was not reached, and what to do now: in plain words, for a coordinator in a hurry."""

from __future__ import annotations

from services.notifications.messages import DOES_NOT_ANSWER

LEFT = "left"
NOT_NEEDED = frozenset({"seat_released", "superseded", "meeting_cancelled", "not_attended", "window_closed", LEFT})
"""Reasons that mean that there was nobody to tell any more, or that newer news took its place."""

_BY_HAND = "Call them if you can, or put a note on the door."

_WORDS: dict[str, tuple[str, str]] = {
    "no_contact": ("They have no address or number with us.", _BY_HAND),
    LEFT: ("They have left, and we have forgotten them.", "There is nobody to tell any more."),
    "contact_removed": ("They removed this address or number.", _BY_HAND),
    "no_consent": (
        "They did not agree to be written to about changes.",
        "Their page in the portal shows the change. " + _BY_HAND,
    ),
    "suppressed": (
        "They asked us to stop, or the address does not work any more.",
        "Do not write to it by other ways. Tell them in person, or put a note on the door.",
    ),
    "quiet_hours": (
        "It would have broken their quiet hours.",
        "Their page in the portal shows the change. " + _BY_HAND,
    ),
    "expired": ("It could not be delivered in time.", _BY_HAND),
    "bounced": (
        "The mail server says that this address does not exist.",
        "Ask them for another address when you see them. " + _BY_HAND,
    ),
    "invalid": (
        "The provider says that this is no working address or number.",
        "Ask them for another when you see them. " + _BY_HAND,
    ),
    "landline": ("The number cannot take texts.", "Ask them for another when you see them. " + _BY_HAND),
    "opted_out": ("They told the provider to stop.", "Only they can undo it, by texting START. " + _BY_HAND),
    "blocked": ("The provider blocked it.", "Tell the operator. " + _BY_HAND),
    "undelivered": ("The phone could not be reached.", _BY_HAND),
    "unknown": (
        "It may have arrived or not: the connection broke while it was being sent.",
        "Ask them, then mark it as arrived, or send it again.",
    ),
    DOES_NOT_ANSWER: (
        "It may have arrived or not: the provider could not be asked before it was too late.",
        "Ask them. " + _BY_HAND,
    ),
    "given_up": ("Someone decided not to send it again.", _BY_HAND),
    "wrong_person": ("The number belongs to someone else.", "Ask them for another when you see them. " + _BY_HAND),
}


def explain(reason: str) -> tuple[str, str]:
    """What happened, and the next step."""
    return _WORDS.get(reason, ("It could not be delivered.", _BY_HAND))
