"""The way in: reach a person, check the code, show the agreement, take the seat. One step a function.

Who is known already walks the same pages and is told the same, so that nobody is found out; they are simply
spared the steps that they have done before.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from services.portal import words
from services.portal.store import Way
from shared.contracts.base import Actor, Channel, Mode, Role, Sealed
from shared.contracts.errors import Invalid, Refused
from shared.contracts.notifications import ConfirmCode, StartVerification
from shared.contracts.registration import (
    AcceptAgreement,
    ConsentChoice,
    HasLeft,
    Join,
    Membership,
    MyMembership,
    Purpose,
    RoleInAttending,
    SeatView,
    TakeSeat,
)
from shared.gateway.asking import Asking

VISITOR = Actor(role=Role.VISITOR)


def member(member_id: str) -> Actor:
    """A signed-in member."""
    return Actor(role=Role.MEMBER, id=member_id)


class Seals:
    """Seals a text once for each request id: a box is different each time, and a request sent again must be the same.

    Holds ciphertexts of this process only, a thousand at most, and knows what was sealed by nothing but a keyed hash.
    """

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._made: OrderedDict[tuple[str, str, str], Sealed] = OrderedDict()

    def seal(self, asking: Asking, service: str, text: str, *, request_id: str, digest: str) -> Sealed:
        """Seal a text to a service. ``digest`` is a keyed hash of it."""
        key = (service, request_id, digest)
        if key not in self._made:
            self._made[key] = asking.seal_for(service, text)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return self._made[key]


def check_alias(alias: str) -> str:
    """A name to be called by, never an address or a number. Raises ValueError with what would be right.

    Registration decides; saying it at once saves a person a walk back.
    """
    cleaned = " ".join(alias.split())
    if not 2 <= len(cleaned) <= 40:
        raise ValueError("Choose a name of 2 to 40 letters")
    if "@" in cleaned or len(re.findall(r"\d", cleaned)) > 4:
        raise ValueError("Choose a name that is not an address or a phone number")
    return cleaned


def clean_contact(contact: str, channel: Channel) -> str:
    """An address or number as typed, without what people type around it. Raises ValueError with what would be right."""
    cleaned = contact.strip()
    if channel is Channel.EMAIL:
        name, at, host = cleaned.rpartition("@")
        if not (name and at and "." in host) or " " in cleaned:
            raise ValueError("Enter an email address, like name@example.org")
    elif len(re.findall(r"\d", cleaned)) < 5 or re.search(r"[^\d\s()+./-]", cleaned):
        raise ValueError("Enter a phone number, like 555 010 0199 or +49 30 5550199")
    return cleaned[:254]


def clean_code(code: str) -> str:
    """The digits of a code; people type spaces and dashes. Raises ValueError with what would be right."""
    digits = re.sub(r"[\s-]", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise ValueError("Enter the 6 digits that we sent you")
    return digits


async def send_code(asking: Asking, way: Way, actor: Actor, *, client: str, locale: str, request_id: str) -> Way:
    """Send a code to the contact of this way. Raises what notifications refuses with."""
    if way.channel is None or way.contact is None:
        raise Invalid("Tell us first how to reach you.", field="contact")
    started = await asking.send(
        StartVerification(channel=way.channel, contact=way.contact, country=way.country, locale=locale, client=client),
        actor,
        request_id=request_id,
    )
    return way.model_copy(update={"verification_id": started.verification_id})


async def confirm_code(asking: Asking, way: Way, code: Sealed, actor: Actor, *, request_id: str) -> Way:
    """Check the code; the way then knows who they are. Raises WrongCode, CodeExpired."""
    if way.verification_id is None:
        raise Invalid("Ask for a code first.", field="code")
    verified = await asking.send(
        ConfirmCode(verification_id=way.verification_id, code=code, member_id=way.proposed),
        actor,
        request_id=request_id,
    )
    return way.model_copy(update={"member_id": verified.member_id, "contact": None})


class Next(StrEnum):
    """What is still to do before a seat can be taken."""

    JOIN = "join"
    AGREE = "agree"  # the agreement has changed since
    NOTHING = "nothing"


def what_next(membership: Membership) -> Next:
    """What this person has not done yet."""
    if not membership.joined:
        return Next.JOIN
    return Next.NOTHING if membership.agreement_current else Next.AGREE


async def membership_of(asking: Asking, member_id: str) -> Membership:
    """Who one is here."""
    return await asking.ask(MyMembership(), member(member_id))


@dataclass(frozen=True)
class Agreed:
    """What a person decided on the page with the agreement."""

    version: int
    role: RoleInAttending
    consents: frozenset[tuple[Purpose, Channel]]
    asked: frozenset[Channel]  # the channels that the page asked about


async def join(asking: Asking, member_id: str, alias: Sealed, agreed: Agreed, *, locale: str, request_id: str) -> None:
    """Become a member. Raises what registration refuses with (field ``alias``, another version)."""
    await asking.send(
        Join(
            alias=alias,
            role_in_attending=agreed.role,
            agreement_version=agreed.version,
            wording=words.CONSENT_WORDING,
            locale=locale,
            consents=choices(agreed.consents, agreed.asked),
        ),
        member(member_id),
        request_id=request_id,
    )


async def accept(asking: Asking, member_id: str, version: int, *, request_id: str) -> None:
    """Accept the agreement that has changed."""
    await asking.send(AcceptAgreement(version=version), member(member_id), request_id=request_id)


def choices(ticked: frozenset[tuple[Purpose, Channel]], among: frozenset[Channel]) -> tuple[ConsentChoice, ...]:
    """A decision for each purpose and channel that was asked about: a box left empty is a no."""
    return tuple(
        ConsentChoice(purpose=purpose, channel=channel, granted=(purpose, channel) in ticked)
        for purpose in Purpose
        for channel in Channel
        if channel in among
    )


@dataclass(frozen=True)
class Seated:
    """What became of the seat that someone came for. A refusal does not undo that they joined."""

    seat: SeatView | None = None
    refused: Refused | None = None


async def take_seat(asking: Asking, member_id: str, meeting_id: str, mode: Mode, *, request_id: str) -> Seated:
    """Take the seat, or hear why not. Raises HasLeft."""
    try:
        seat = await asking.send(
            TakeSeat(meeting_id=meeting_id, mode=mode),
            member(member_id),
            request_id=request_id,
        )
    except HasLeft:
        raise
    except Refused as refused:
        return Seated(refused=refused)
    return Seated(seat=seat)


def read_ticks(ticks: list[str]) -> frozenset[tuple[Purpose, Channel]]:
    """The boxes that were ticked: ``meeting_changes.email``. What is none of ours is left out."""
    known = {f"{purpose}.{channel}": (purpose, channel) for purpose in Purpose for channel in Channel}
    return frozenset(known[tick] for tick in ticks if tick in known)
