"""Proving that an address or number is one's own, and what one wishes done with it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.notifications.handlers.notices import send_code
from services.notifications.model.addresses import normalised
from services.notifications.model.records import ContactPoint, Suppression, Verification
from services.notifications.model.tokens import read_token
from services.notifications.work import Work
from shared.contracts.base import Actor, Channel, ContactPointId, Done, MemberId, Role, Sealed
from shared.contracts.errors import Forbidden, Invalid, NotFound, TooMany
from shared.contracts.notifications import (
    CodeExpired,
    ConfirmCode,
    ContactSuppressed,
    ContactVerified,
    RemoveContact,
    SetPreferences,
    StartVerification,
    Unsubscribe,
    VerificationStarted,
    Verified,
    WrongCode,
)
from shared.contracts.registration import HasLeft
from shared.runtime.ids import random_id
from shared.runtime.keys import CannotOpen

CODE_LIVES = timedelta(minutes=10)  # ASVS 5.0 6.5.5
TRIES = 5
SPAN = timedelta(hours=1)


@dataclass(frozen=True)
class Limits:
    """How many codes may be asked for within an hour of real time."""

    per_contact: int = 5
    per_client: int = 30


def start_verification(command: StartVerification, actor: Actor, work: Work, limits: Limits) -> VerificationStarted:
    """Send a code. Nothing here looks whether the address is known, so nothing can tell."""
    if actor.role not in (Role.VISITOR, Role.MEMBER):
        raise Forbidden("only the person themselves can verify an address or number")
    member_id = MemberId(actor.id) if actor.role is Role.MEMBER and actor.id else None
    if member_id is not None and not work.members.stays(member_id):
        raise _has_left()
    address = normalised(command.channel, _opened(command.contact, "contact", work), command.country)
    known_as = contact_hash(work, command.channel, address)
    client = command.client or (actor.id or "")
    _limit(work.contacts.started_since(contact_hash=known_as, since=work.real_now - SPAN), limits.per_contact, work)
    if client:
        _limit(work.contacts.started_since(client=client, since=work.real_now - SPAN), limits.per_client, work)
    verification_id, code = random_id(), f"{secrets.randbelow(1_000_000):06d}"
    verification = Verification(
        verification_id=verification_id,
        channel=command.channel,
        contact_hash=known_as,
        client=client,
        locale=command.locale,
        code_hash=work.keys.keyed_hash("code", f"{verification_id}:{code}"),
        tries_left=TRIES,
        started_at=work.real_now,
        expires_at=work.real_now + CODE_LIVES,
        member_id=member_id,
    )
    work.contacts.start(verification, address, code)
    send_code(work, verification)
    return VerificationStarted(verification_id=verification_id, expires_at=verification.expires_at)


def contact_hash(work: Work, channel: Channel, address: str) -> str:
    """What an address is looked up by: a keyed hash, which tells nothing without this service's key."""
    return work.keys.keyed_hash("contact", f"{channel.value}:{address}")


def _opened(sealed: Sealed, field: str, work: Work) -> str:
    try:
        return work.unseal(sealed)
    except CannotOpen:
        raise Invalid("this could not be read; open the page again and send it once more", field=field) from None


def _limit(started: list[datetime], most: int, work: Work) -> None:
    if len(started) >= most:
        free = started[len(started) - most] + SPAN
        wait = max(1, int((free - work.real_now).total_seconds()))
        raise TooMany(
            f"too many codes were asked for; try again in {-(-wait // 60)} minutes, or use the last code that came",
            field="contact",
            retry_after=wait,
        )


def confirm_code(command: ConfirmCode, actor: Actor, work: Work) -> Verified:
    """Bind the contact point to the member who had it, else to the one proposed. A code is good once."""
    if actor.role not in (Role.VISITOR, Role.MEMBER) or (actor.role is Role.MEMBER and actor.id != command.member_id):
        raise Forbidden("a code can only be confirmed for oneself")
    if actor.role is Role.MEMBER and not work.members.stays(command.member_id):
        raise _has_left()
    verification = _checked(command, work)
    owner = work.contacts.by_hash(verification.contact_hash)
    if owner is not None:
        if actor.role is Role.MEMBER and owner.member_id != actor.id:
            work.contacts.settle(verification.verification_id)
            raise _expired()  # as for any old code: whose it is, is nobody's business
        return _settled(work, verification, Verified(member_id=owner.member_id, known=True))
    if actor.role is Role.VISITOR and work.members.known(command.member_id):
        raise Forbidden("this member id is taken; begin again")
    _bind(command.member_id, verification, work)
    return _settled(work, verification, Verified(member_id=command.member_id, known=False))


def _checked(command: ConfirmCode, work: Work) -> Verification:
    """The verification, if the code is right and in time. A wrong try counts, whatever becomes of the command."""
    verification = work.contacts.verification(command.verification_id, lock=True)
    if (
        verification is None
        or verification.settled
        or verification.tries_left <= 0
        or work.real_now >= verification.expires_at
    ):
        raise _expired()
    typed = "".join(_opened(command.code, "code", work).split())
    hashed = work.keys.keyed_hash("code", f"{verification.verification_id}:{typed}")
    if not compare_digest(hashed, verification.code_hash):
        left = verification.tries_left - 1
        work.contacts.missed(verification.verification_id, left)
        raise WrongCode(
            "that is not the code we sent; look at the newest message"
            if left
            else "that was the last try; ask for another code",
            field="code",
            tries_left=left,
        )
    return verification


def _expired() -> CodeExpired:
    return CodeExpired("this code can no longer be used; ask for another", field="code")


def _bind(member_id: MemberId, verification: Verification, work: Work) -> None:
    address = work.contacts.under_way(verification)
    if address is None:
        raise _expired()
    if not work.members.stays(member_id):
        raise _has_left()
    contact = ContactPoint(
        contact_point_id=ContactPointId(work.new_id()),
        member_id=member_id,
        channel=verification.channel,
        contact_hash=verification.contact_hash,
        locale=verification.locale,
        verified_at=work.now,
    )
    work.contacts.add(contact, address)
    work.publish(
        ContactVerified(member_id=member_id, contact_point_id=contact.contact_point_id, channel=contact.channel)
    )


def _settled(work: Work, verification: Verification, answer: Verified) -> Verified:
    """The code came through, so the address works."""
    work.members.lift(verification.contact_hash, reason="hard_bounce")
    work.contacts.settle(verification.verification_id)
    return answer


def set_preferences(command: SetPreferences, actor: Actor, work: Work) -> Done:
    """Keep how a member wants to be written to."""
    member_id = _member(actor)
    try:
        ZoneInfo(command.preferences.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            "that is no time zone we know; one looks like America/Chicago", field="preferences.time_zone"
        ) from None
    if not work.members.stays(member_id):
        raise _has_left()
    work.members.prefer(member_id, command.preferences)
    return Done()


def remove_contact(command: RemoveContact, actor: Actor, work: Work) -> Done:
    """Forget one of one's contact points; what waits for it is refused at the gate."""
    contact = work.contacts.get(command.contact_point_id)
    if contact is None or contact.member_id != _member(actor):
        raise NotFound("you have no such address or number", field="contact_point_id")
    work.contacts.remove(contact.contact_point_id)
    return Done()


def unsubscribe(command: Unsubscribe, actor: Actor, work: Work) -> Done:
    """Write no more to this contact point for this purpose. Whoever holds the mail may ask for it, as often as they like."""
    read = read_token(command.token, work.keys.keyed_hash)
    if read is None:
        raise NotFound("this unsubscribe link is not one of ours, or was cut short; copy it whole", field="token")
    contact_point_id, purpose = read
    contact = work.contacts.get(contact_point_id)
    if contact is None:
        return Done()
    consent = work.members.consent(contact.member_id, purpose, contact.channel)
    silence(
        work,
        contact,
        Suppression(contact.contact_hash, purpose.value, "unsubscribed", consent.decided if consent else 0),
        ContactSuppressed(
            member_id=contact.member_id,
            contact_point_id=contact.contact_point_id,
            channel=contact.channel,
            reason="unsubscribed",
            purpose=purpose,
        ),
    )
    return Done()


def silence(work: Work, contact: ContactPoint, suppression: Suppression, event: ContactSuppressed) -> None:
    """Suppress, and say so once."""
    known = work.members.suppressions(contact.contact_hash)
    work.members.suppress(suppression)
    if all((each.purpose, each.reason) != (suppression.purpose, suppression.reason) for each in known):
        work.publish(event)


def _has_left() -> HasLeft:
    return HasLeft("You have left, and we have forgotten you. You can come back at any time, as somebody new.")


def _member(actor: Actor) -> MemberId:
    if actor.role is not Role.MEMBER or actor.id is None:
        raise Forbidden("sign in first")
    return MemberId(actor.id)
