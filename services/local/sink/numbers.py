"""What Twilio says of a number, and how it counts a text. From its API reference and error dictionary."""

from __future__ import annotations

import re
from dataclasses import dataclass

_E164 = re.compile(r"\+[1-9]\d{6,14}")

# GSM 03.38: the basic set, and the extension table whose characters cost two.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = set("\f^{}\\[~]|€")


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - an answer
    """An error of the API: ``{code, message, more_info, status}`` with this HTTP status."""

    code: int
    message: str
    status: int = 400

    def body(self) -> dict[str, object]:
        """As the API words it."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}


def looks_like_a_number(text: str) -> bool:
    """E.164: a plus, a country code, seven to fifteen digits in all."""
    return _E164.fullmatch(text) is not None


def segments(body: str) -> int:
    """Into how many parts a text is cut: 160 or 153 septets, 70 or 67 UTF-16 units."""
    if all(char in _GSM or char in _GSM_EXTENDED for char in body):
        cost, one, more = sum(2 if char in _GSM_EXTENDED else 1 for char in body), 160, 153
    else:
        cost, one, more = len(body.encode("utf-16-be")) // 2, 70, 67
    return 1 if cost <= one else -(-cost // more)


# https://www.twilio.com/docs/iam/test-credentials: numbers that always answer the same
_MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: +1500555XXXX"),
    "+15005550002": (21612, "The 'To' phone number: +15005550002, is not currently reachable using the 'From' number"),
    "+15005550003": (
        21408,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    ),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
_MAGIC_FROM = {
    "+15005550001": (
        21212,
        "The 'From' number +15005550001 is not a valid phone number, shortcode, or alphanumeric sender ID.",
    ),
    "+15005550007": (
        21606,
        "The 'From' phone number provided (+15005550007) is not a valid message-capable Twilio phone number",
    ),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
GOOD_FROM = "+15005550006"


def check_numbers(to: str | None, sender: str | None, service: str | None, *, test_credentials: bool) -> None:
    """Raise the Refusal that these numbers meet, if any."""
    if not to:
        raise Refusal(21604, "A 'To' phone number is required.")
    if not sender and not service:
        raise Refusal(21603, "A 'From' phone number is required.")
    if sender in _MAGIC_FROM:
        raise Refusal(*_MAGIC_FROM[sender])
    if test_credentials and sender != GOOD_FROM:
        raise Refusal(
            21606, f"The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number"
        )
    if to in _MAGIC_TO:
        raise Refusal(*_MAGIC_TO[to])
    if not looks_like_a_number(to):
        raise Refusal(21211, f"Invalid 'To' Phone Number: {to}")
    if sender and sender.startswith("+") and not looks_like_a_number(sender):
        raise Refusal(
            21212, f"The 'From' number {sender} is not a valid phone number, shortcode, or alphanumeric sender ID."
        )
