"""What notifications is told by its environment: ``CHAPTERHOUSE_NOTIFICATIONS_*``."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import FromEnvironment


class NotificationsSettings(FromEnvironment):
    """Each field's name in capitals, after the prefix, is the variable's. Secrets may lie in files."""

    model_config = SettingsConfigDict(env_prefix="CHAPTERHOUSE_NOTIFICATIONS_")

    env: Literal["development", "production"] = Field(default="development", validation_alias="CHAPTERHOUSE_ENV")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_password_file: Path | None = None
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    """``tls`` speaks TLS from the first byte (port 465), ``starttls`` before it says anything (587). Certificates are checked."""
    smtp_ca_file: str = ""
    """Whom to trust in place of the system's authorities: a PEM file, for a mail server of one's own."""
    mail_from: str = "Chapterhouse <notices@chapterhouse.example>"
    """Shown on lock screens: a neutral name, and an address whose domain says nothing either."""

    sms_base_url: str = "http://127.0.0.1:1080"
    sms_account: str = "AC00000000000000000000000000000000"
    sms_token: SecretStr = SecretStr("")
    sms_token_file: Path | None = None
    sms_from: str = "+15005550006"
    status_callback_url: str = ""

    portal_url: str = "http://127.0.0.1:8081"
    """Public base URL of the portal, without a slash at its end."""
    unsubscribe_path: str = "/u/"
    """Where the portal takes one-click unsubscribes; the token follows."""

    reminder_hours: float = Field(default=24, ge=2)
    feedback_hours: float = Field(default=3, ge=0)
    """How long after a meeting's end people are asked how it was."""
    link_minutes: int = Field(default=30, ge=0)
    """How long before the start a join link is shown."""
    codes_per_contact: int = 5
    codes_per_client: int = 30
    """Verification codes within an hour."""

    lanes: int = Field(default=2, ge=1, le=32)
    """How many mails, and how many texts, are on their way at once in this process; each lane has its own connection."""
    lane_batch: int = Field(default=50, ge=1, le=200)
    """Urgent mails that a lane marks as being sent at once. Everything else it marks one by one."""
    lease_seconds: float = Field(default=300, ge=1)
    """After which a notice that a dead process was sending is looked at by another. Longer than any time-out below it,
    and the same in every process: a lease more than twice as long counts as one from before a clock was set back."""

    @model_validator(mode="after")
    def _no_mail_in_the_clear(self) -> Self:
        if self.env == "production" and self.smtp_security == "none" and not _is_loopback(self.smtp_host):
            raise ValueError(
                "in production set CHAPTERHOUSE_NOTIFICATIONS_SMTP_SECURITY to starttls or tls: notices name people"
            )
        return self

    def smtp_secret(self) -> str:
        """The password of the mail server."""
        return _secret(self.smtp_password, self.smtp_password_file)

    def sms_secret(self) -> str:
        """The token of the SMS account; it also signs the call-backs."""
        return _secret(self.sms_token, self.sms_token_file)

    @property
    def mail_domain(self) -> str:
        """What Message-IDs end in."""
        return self.mail_from.rstrip("> ").rpartition("@")[2] or "localhost"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(value: SecretStr, file: Path | None) -> str:
    return file.read_text().strip() if file else value.get_secret_value()
