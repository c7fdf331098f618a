"""The forms that ask for an address, a number or a code: on the way in, and to add another contact."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import phonenumbers
from babel import Locale
from pydantic import field_validator

from services.portal import joining
from shared.contracts.base import Channel
from shared.contracts.errors import Refused
from shared.contracts.notifications import CodeExpired, WrongCode
from shared.gateway.forms import Fields, Form
from shared.runtime.ids import new_id


@cache
def countries(locale: str) -> tuple[tuple[str, str], ...]:
    """Countries that have a calling code, by name: ``("US", "United States (+1)")``."""
    names = Locale.parse(locale).territories
    listed = [
        (region, f"{names[region]} (+{phonenumbers.country_code_for_region(region)})")
        for region in phonenumbers.SUPPORTED_REGIONS
        if region in names
    ]
    return tuple(sorted(listed, key=lambda each: each[1]))


class ReachFields(Fields):
    """How someone can be reached."""

    missing: ClassVar[dict[str, str]] = {
        "channel": "Choose email or text message",
        "contact": "Enter your email address or phone number",
    }
    wrong: ClassVar[dict[str, str]] = {"channel": "Choose email or text message"}

    channel: Channel
    country: str = "US"
    contact: str

    @field_validator("country")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("Choose a country from the list")
        return value

    @field_validator("contact")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > 254:
            raise ValueError("That is too long for an address or a number")
        return value


class JoinFields(ReachFields):
    """How someone new can be reached, and what to call them."""

    missing: ClassVar[dict[str, str]] = {**ReachFields.missing, "alias": "Enter a name we can call you"}

    alias: str

    @field_validator("alias")
    @classmethod
    def _an_alias(cls, value: str) -> str:
        return joining.check_alias(value)


def reach_form(form: Form[ReachFields]) -> Form[ReachFields]:
    """Check the contact against its channel, with the error beside the field."""
    if form.value is not None:
        try:
            joining.clean_contact(form.value.contact, form.value.channel)
        except ValueError as error:
            form.errors["contact"] = str(error)
            form.request_id = new_id()
    return form


class CodeFields(Fields):
    """The code that was sent."""

    missing: ClassVar[dict[str, str]] = {"code": "Enter the 6 digits that we sent you"}

    code: str

    @field_validator("code")
    @classmethod
    def _six_digits(cls, value: str) -> str:
        return joining.clean_code(value)


def code_refused(form: Form[CodeFields], refused: Refused) -> Form[CodeFields]:
    """Why the code was not taken, beside its field, in words that help."""
    left = refused.facts.get("tries_left")
    if isinstance(refused, WrongCode):
        tries = f" You can try {left} more time{'' if left == 1 else 's'}." if isinstance(left, int) and left else ""
        message = f"That is not the code we sent last.{tries}"
    elif isinstance(refused, CodeExpired):
        message = "This code no longer works. Ask for another one below"
    else:
        return form.refuse(refused)
    form.errors["code"] = message
    form.request_id = new_id()
    return form
