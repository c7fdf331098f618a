"""The real outfit: templates, an SMTP server, an SMS provider."""

from __future__ import annotations

from email.utils import parseaddr

from services.notifications.channels import gsm, sms_inbound
from services.notifications.channels.mail import MailOptions, MailSender
from services.notifications.channels.sms import SmsOptions, SmsSender
from services.notifications.messages import Inbound, Receipt, Sender
from services.notifications.outfit import Answer, Form, Outfit
from services.notifications.settings import NotificationsSettings
from services.notifications.wording import Wordings, answer, lock_screens
from shared.contracts.base import Channel
from shared.contracts.notifications import Discretion, LockScreen
from shared.runtime.clock import Clock


class _Callbacks:
    """See services.notifications.outfit.Callbacks."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self._token = settings.sms_secret()
        self._portal = settings.portal_url

    def read(self, url: str, form: Form, signature: str) -> Inbound | Receipt | None:
        """None where it was not signed by the provider."""
        return sms_inbound.read(form) if sms_inbound.signed(self._token, url, form, signature) else None

    def answer(self, to: Answer, locale: str) -> str:
        """From the templates."""
        return answer(to, locale, self._portal)

    def body(self, text: str | None) -> str:
        """TwiML."""
        return sms_inbound.twiml(text)


def mail_options(settings: NotificationsSettings) -> MailOptions:
    """Which mail server, and how to speak to it."""
    name, address = parseaddr(settings.mail_from)
    return MailOptions(
        sender=address,
        sender_name=name or "Notifications",
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_secret(),
        ca_file=settings.smtp_ca_file or None,
    )


def fitted(settings: NotificationsSettings, clock: Clock) -> Outfit:
    """Everything real, as the settings say."""
    name, address = parseaddr(settings.mail_from)
    mail = mail_options(settings)
    sms = SmsOptions(
        account_sid=settings.sms_account,
        auth_token=settings.sms_secret(),
        sender=settings.sms_from,
        status_callback=settings.status_callback_url,
        base_url=settings.sms_base_url,
    )

    def sender(channel: Channel) -> Sender:
        return MailSender(mail) if channel is Channel.EMAIL else SmsSender(sms)

    def screens(level: Discretion, locale: str) -> tuple[LockScreen, ...]:
        return lock_screens(
            level,
            locale,
            portal_url=settings.portal_url,
            email_sender=name or address,
            sms_sender=settings.sms_from,
        )

    return Outfit(
        wording=Wordings(clock),
        sender=sender,
        callbacks=_Callbacks(settings),
        lock_screens=screens,
        sms_parts=gsm.parts,
    )
