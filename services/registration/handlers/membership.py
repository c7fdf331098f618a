"""Joining under an alias, the agreement, and consents."""

from __future__ import annotations

from collections.abc import Iterable

from services.registration.handlers import allow
from services.registration.model.alias import checked_alias
from services.registration.model.consents import Decision, How, decide, withdraw
from services.registration.model.members import Member
from services.registration.work import RegistrationWork
from shared.contracts.base import Actor, Done, MemberId, Sealed
from shared.contracts.errors import Invalid
from shared.contracts.notifications import ContactSuppressed, ContactVerified
from shared.contracts.registration import (
    AcceptAgreement,
    AgreementAccepted,
    AgreementNeeded,
    AgreementText,
    ConsentChoice,
    ConsentDecided,
    CurrentAgreement,
    DecideConsents,
    Join,
    MemberJoined,
    Membership,
    MyMembership,
)

WITHDRAWING = ("stop", "unsubscribed")
"""The reasons of a suppression that are a person's own will; a bounce or a wrong person is none."""


def join(command: Join, actor: Actor, work: RegistrationWork) -> Done:
    """Become a member under an alias, the agreement accepted. Joining again changes nothing."""
    member_id = allow.oneself(actor)
    if allow.still(work.members.find(member_id)) is not None:
        return Done()
    alias = checked_alias(opened_alias(command.alias, work))
    _is_current(command.agreement_version, work)
    member = Member(member_id, command.agreement_version)
    if not work.members.add(member, alias=alias, role=command.role_in_attending, at=work.now):
        allow.still(work.members.find(member_id))
        return Done()
    work.members.accept(member_id, command.agreement_version, locale=command.locale, at=work.now)
    work.publish(MemberJoined(member_id=member_id, agreement_version=command.agreement_version))
    chosen = decide({}, command.consents, wording=command.wording, locale=command.locale, how=How.JOINED)
    enter(member_id, chosen, work)
    return Done()


def accept_agreement(command: AcceptAgreement, actor: Actor, work: RegistrationWork) -> Done:
    """Accept the agreement in force. Accepting it twice says nothing new."""
    member = allow.member(actor, work)
    _is_current(command.version, work)
    if member.agreement < command.version:
        work.members.accept(member.member_id, command.version, locale="en", at=work.now)
        work.publish(AgreementAccepted(member_id=member.member_id, version=command.version))
    return Done()


def decide_consents(command: DecideConsents, actor: Actor, work: RegistrationWork) -> Done:
    """Change one's mind, as easily one way as the other."""
    member = allow.member(actor, work)
    work.members.lock(member.member_id)
    standing = work.members.standing(member.member_id)
    decisions = decide(standing, command.choices, wording=command.wording, locale=command.locale, how=How.CHANGED)
    enter(member.member_id, decisions, work)
    return Done()


def my_membership(query: MyMembership, actor: Actor, work: RegistrationWork) -> Membership:
    """Who one is here."""
    member = work.members.find(allow.oneself(actor))
    if member is None or member.left:
        return Membership(joined=False, left=member is not None)
    standing = work.members.standing(member.member_id).values()
    return Membership(
        joined=True,
        alias=work.members.alias(member.member_id),
        role_in_attending=work.members.role(member.member_id),
        agreement_current=member.agreement >= work.agreements.current,
        consents=tuple(
            ConsentChoice(purpose=each.purpose, channel=each.channel, granted=each.granted) for each in standing
        ),
    )


def current_agreement(query: CurrentAgreement, actor: Actor, work: RegistrationWork) -> AgreementText:
    """The agreement in force, for anyone to read."""
    return work.agreements.text(query.locale)


def note_contact(event: ContactVerified, work: RegistrationWork) -> None:
    """A member can be reached through this channel. That brings no consent, and none back that was withdrawn."""
    member = work.members.lock(event.member_id)
    if member is not None and member.left:
        return
    work.members.reached_by(event.member_id, event.contact_point_id, event.channel, work.now)


def withdraw_consents(event: ContactSuppressed, work: RegistrationWork) -> None:
    """Who says STOP has withdrawn every purpose of that channel; who unsubscribes, what they unsubscribed from."""
    if event.reason not in WITHDRAWING or work.members.lock(event.member_id) is None:
        return
    standing = work.members.standing(event.member_id)
    enter(
        event.member_id,
        withdraw(standing, how=How.SUPPRESSED, channel=event.channel, purpose=event.purpose),
        work,
    )


def opened_alias(sealed: Sealed, work: RegistrationWork) -> str:
    """The alias in the clear. Raises Invalid (field ``alias``) where it was not sealed to this service."""
    alias = work.open_sealed(sealed)
    if alias is None:
        raise Invalid("The name did not arrive safely. Please reload the page and type it again.", field="alias")
    return alias


def _is_current(version: int, work: RegistrationWork) -> None:
    current = work.agreements.current
    if version != current:
        raise AgreementNeeded(
            "Our confidentiality agreement is another one than you were shown. Please read it and accept it.",
            field="agreement_version",
            version=current,
        )


def enter(member_id: MemberId, decisions: Iterable[Decision], work: RegistrationWork) -> None:
    """Write these decisions to the ledger, and say them."""
    decisions = list(decisions)
    work.members.append(member_id, decisions, work.now)
    for each in decisions:
        work.publish(
            ConsentDecided(
                member_id=member_id,
                purpose=each.purpose,
                channel=each.channel,
                granted=each.granted,
                decided=each.decided,
            )
        )
