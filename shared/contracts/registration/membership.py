"""Joining under an alias, the agreement, and consents."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.base import (
    Channel,
    Command,
    Contract,
    Done,
    Locale,
    Query,
    Sealed,
    View,
)
from shared.contracts.errors import Refused
from shared.contracts.registration.events import Purpose, RoleInAttending


class AgreementNeeded(Refused):
    """The current confidentiality agreement has not been accepted. ``facts['version']`` is the current one."""

    code = "agreement_needed"


class NotAMember(Refused):
    """This person has not joined yet."""

    code = "not_a_member"


class HasLeft(Refused):
    """This member has left, and this id with them; whoever comes back is somebody new."""

    code = "has_left"


class ConsentChoice(Contract):
    """A tick, or none, beside one purpose and channel."""

    purpose: Purpose
    channel: Channel
    granted: bool


class Join(Command[Done]):
    """Become a member under an alias. Role MEMBER, for oneself. Joining again changes nothing."""

    type: ClassVar[str] = "registration.join.v1"

    alias: Sealed  # sealed to registration; 2 to 40 characters, never an address or a number
    role_in_attending: RoleInAttending
    agreement_version: int  # the version that was shown and accepted
    wording: int = 1  # version of the consent wording that was shown
    locale: Locale = "en"
    consents: tuple[ConsentChoice, ...] = ()


class AcceptAgreement(Command[Done]):
    """Accept the current agreement. Role MEMBER."""

    type: ClassVar[str] = "registration.accept_agreement.v1"

    version: int


class DecideConsents(Command[Done]):
    """Change one's mind, for any number of purposes and channels. Role MEMBER."""

    type: ClassVar[str] = "registration.decide_consents.v1"

    choices: tuple[ConsentChoice, ...]
    wording: int = 1
    locale: Locale = "en"


class Leave(Command[Done]):
    """Leave for good, and be forgotten: places are given up, consents withdrawn, the alias erased. Role MEMBER, for oneself.

    Also for who proved an address and never joined. Leaving again changes nothing.
    """

    type: ClassVar[str] = "registration.leave.v1"


class AgreementText(View):
    """The confidentiality agreement in force."""

    version: int
    title: str
    paragraphs: tuple[str, ...]


class CurrentAgreement(Query[AgreementText]):
    """The agreement in force, to be shown before it is accepted. Anyone."""

    type: ClassVar[str] = "registration.current_agreement.v1"

    locale: Locale = "en"


class Membership(View):
    """Who one is here. ``joined`` is False for someone whose contact is verified but who has not joined, or who left."""

    joined: bool
    left: bool = False
    alias: str = ""
    role_in_attending: RoleInAttending | None = None
    agreement_current: bool = False
    consents: tuple[ConsentChoice, ...] = ()


class MyMembership(Query[Membership]):
    """One's own membership. Role MEMBER."""

    type: ClassVar[str] = "registration.my_membership.v1"
