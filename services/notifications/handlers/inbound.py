"""What the SMS provider calls back with: delivery reports, and texts that people send us."""

from __future__ import annotations

import json

from services.notifications.handlers.contacts import contact_hash, silence
from services.notifications.handlers.notices import settle
from services.notifications.messages import Accepted, Inbound, Permanent, Receipt, Transient
from services.notifications.model.inbound import Word, word_of
from services.notifications.model.records import ContactPoint, Suppression
from services.notifications.outfit import Answer, Callbacks, Form
from services.notifications.work import Work
from shared.contracts.base import Actor, Channel, Role
from shared.contracts.errors import Forbidden, Invalid
from shared.contracts.notifications import (
    BadSignature,
    ContactSuppressed,
    NoticeState,
    ProviderAnswer,
    ReceiveCallback,
)
from shared.runtime.keys import CannotOpen


def receive_callback(command: ReceiveCallback, actor: Actor, work: Work, callbacks: Callbacks) -> ProviderAnswer:
    """Believe only what the provider signed. The same call again changes nothing and is answered the same."""
    if actor.role is not Role.PROVIDER:
        raise Forbidden("only the provider calls back")
    came = _read(command, work, callbacks)
    if isinstance(came, Receipt):
        take_receipt(came, work)
        return ProviderAnswer()
    return ProviderAnswer(body=callbacks.body(answer_text(came, work, callbacks)))


def _read(command: ReceiveCallback, work: Work, callbacks: Callbacks) -> Inbound | Receipt:
    try:
        pairs = json.loads(work.unseal(command.form))
        form: Form = [(str(name), str(value)) for name, value in pairs]
        came = callbacks.read(command.url, form, command.signature)
    except (CannotOpen, ValueError, TypeError, RecursionError):
        raise Invalid("the call-back cannot be read; a form of the provider was expected", field="form") from None
    if came is None:
        raise BadSignature(
            "the call-back is not signed by the provider: compare the account's token and the public URL with the settings"
        )
    return came


def take_receipt(receipt: Receipt, work: Work) -> None:
    """Receipts come twice and out of order: only a higher rank counts. A text that failed did not reach anyone."""
    notice = work.notices.advance(receipt.provider_id, receipt.status, receipt.rank)
    if notice is None or receipt.result is None:
        return
    if isinstance(receipt.result, Accepted):
        if notice.state in (NoticeState.REFUSED, NoticeState.HELD):
            settle(work, [notice], NoticeState.SENT)
        return
    if notice.state is not NoticeState.SENT:
        return
    if isinstance(receipt.result, Permanent):
        contact = work.contacts.get(notice.contact_point_id) if notice.contact_point_id else None
        if receipt.result.suppress and contact is not None:
            _suppress(work, contact, "hard_bounce")
        settle(work, [notice], NoticeState.REFUSED, receipt.result.reason)
    elif isinstance(receipt.result, Transient):
        settle(work, [notice], NoticeState.REFUSED, "undelivered")


def answer_text(text: Inbound, work: Work, callbacks: Callbacks) -> str | None:
    """Do what the text asks for; the one answer to it, or None where silence was asked for or the provider answers."""
    before = work.notices.answered(text.provider_id)
    if before is not None:
        return before or None
    said = _act(word_of(text.body, text.opt_out_type), text, work, callbacks)
    work.notices.remember_answer(text.provider_id, said or "")
    return said


def _act(word: Word, text: Inbound, work: Work, callbacks: Callbacks) -> str | None:
    known_as = contact_hash(work, Channel.SMS, text.sender)
    contact = work.contacts.by_hash(known_as)
    locale = contact.locale if contact else "en"
    stopped = any(each.reason in ("stop", "wrong_person") for each in work.members.suppressions(known_as))
    answer: Answer
    if word is Word.START:
        work.members.lift(known_as, reason="stop")
        work.members.lift(known_as, reason="wrong_person")
        answer = "start"
    elif word in (Word.STOP, Word.WRONG):
        wrong = word is Word.WRONG
        _silence(work, contact, known_as, "wrong_person" if wrong else "stop")
        if wrong and contact is not None:
            work.contacts.remove(contact.contact_point_id)
        if stopped:
            return None  # exactly one confirmation
        answer = "wrong" if wrong else "stop"
    elif stopped and word is not Word.HELP:
        return None
    else:
        answer = "help"
    return None if text.opt_out_type else callbacks.answer(answer, locale)


def _silence(work: Work, contact: ContactPoint | None, known_as: str, reason: str) -> None:
    if contact is not None:
        _suppress(work, contact, reason)
    else:
        work.members.suppress(Suppression(known_as, "", reason))


def _suppress(work: Work, contact: ContactPoint, reason: str) -> None:
    silence(
        work,
        contact,
        Suppression(contact.contact_hash, "", reason),
        ContactSuppressed(
            member_id=contact.member_id,
            contact_point_id=contact.contact_point_id,
            channel=contact.channel,
            reason=reason,
        ),
    )
