"""Addresses and numbers: read as people type them, kept in one form, shown masked."""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from shared.contracts.base import Channel
from shared.contracts.errors import Invalid


def normalised(channel: Channel, text: str, country: str) -> str:
    """The one form of an address or number. Raises Invalid, field ``contact``; never repeats what was typed."""
    return _email(text) if channel is Channel.EMAIL else _number(text, country)


def _email(text: str) -> str:
    """Lower-cased whole: mailboxes that differ only in case do not exist in practice, double members do."""
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise Invalid("that is not an email address; one looks like name@example.org", field="contact") from None
    return found.normalized.lower()


def _number(text: str, country: str) -> str:
    try:
        number = phonenumbers.parse(text, country.upper())
    except phonenumbers.NumberParseException:
        raise _no_number() from None
    if not phonenumbers.is_valid_number(number):
        raise _no_number()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _no_number() -> Invalid:
    return Invalid(
        "that is not a phone number in the chosen country; begin with + and the country code to be sure",
        field="contact",
    )


def masked(channel: Channel, address: str) -> str:
    """As its owner sees it: ``a…@e….org`` or ``…0199``. One who looks over the shoulder learns little."""
    if channel is Channel.SMS:
        return f"…{address[-4:]}"
    local, _, domain = address.partition("@")
    name, _, ending = domain.rpartition(".")
    return f"{local[:1]}…@{name[:1]}….{ending}"
