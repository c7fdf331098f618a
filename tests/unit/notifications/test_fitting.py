"""What the settings say of the mail server reaches the conversation with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from services.notifications.fitting import mail_options
from services.notifications.settings import NotificationsSettings

PREFIX = "CHAPTERHOUSE_NOTIFICATIONS_"


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mail_is_spoken_as_the_settings_say(monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    """Each of the three ways, with an authority of one's own or the system's."""
    monkeypatch.setenv(f"{PREFIX}SMTP_SECURITY", security)
    assert (mail_options(NotificationsSettings()).security, mail_options(NotificationsSettings()).ca_file) == (
        security,
        None,
    )
    monkeypatch.setenv(f"{PREFIX}SMTP_CA_FILE", "/etc/mail-ca.crt")
    assert mail_options(NotificationsSettings()).ca_file == "/etc/mail-ca.crt"


def test_production_sends_no_mail_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at all to a server elsewhere; one on this machine may be spoken to as it is."""
    monkeypatch.setenv("CHAPTERHOUSE_ENV", "production")
    for host in ("127.0.0.1", "::1", "localhost"):
        monkeypatch.setenv(f"{PREFIX}SMTP_HOST", host)
        assert mail_options(NotificationsSettings()).security == "none"
    monkeypatch.setenv(f"{PREFIX}SMTP_HOST", "mail.example.org")
    with pytest.raises(ValidationError, match="SMTP_SECURITY to starttls or tls"):
        NotificationsSettings()
    monkeypatch.setenv(f"{PREFIX}SMTP_SECURITY", "tls")
    assert mail_options(NotificationsSettings()).security == "tls"


def test_the_process_says_why_it_does_not_start() -> None:
    """In a sentence, before it asks for broker or keys."""
    env = {**os.environ, "CHAPTERHOUSE_ENV": "production", f"{PREFIX}SMTP_HOST": "mail.example.org"}
    done = subprocess.run(
        [sys.executable, "-m", "services.notifications"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "set CHAPTERHOUSE_NOTIFICATIONS_SMTP_SECURITY" in done.stderr
    assert "Traceback" not in done.stderr
