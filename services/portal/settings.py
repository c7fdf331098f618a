"""What the portal is told by its environment, beside what every process is told."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, field_validator

from shared.runtime.settings import Settings


class PortalSettings(Settings):
    """Read from ``CHAPTERHOUSE_*``."""

    portal_host: str = "127.0.0.1"
    portal_port: int = Field(default=8081, ge=0, le=65535)
    portal_url: str = "http://127.0.0.1:8081"
    """The public base URL, without a slash at its end: in feeds, in notices, and what providers sign their calls with."""
    portal_name: str = "Chapterhouse"
    """The name on every page and in the browser's tab. It should not say what the groups are about."""
    exit_url: str = "https://www.weather.gov/"
    """Where "Leave this page" goes: a page anyone might look at. Nothing of ours is told to it."""
    country: str = "US"
    """ISO 3166-1 alpha-2: how a phone number without its country is read, and whose help lines stand first."""
    locale: str = "en"
    proxies: str = "127.0.0.1"
    """Comma-separated addresses of the proxies whose X-Forwarded-For is believed."""

    @field_validator("portal_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(
                "CHAPTERHOUSE_PORTAL_URL is an address: it begins with https:// (or http:// on one machine)"
            )
        return value.rstrip("/")

    @field_validator("exit_url")
    @classmethod
    def _a_web_page(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError("CHAPTERHOUSE_EXIT_URL is the address of a web page; it begins with https://")
        return value

    @property
    def secure(self) -> bool:
        """Whether the portal is reached over https; then its cookies are ``__Host-`` and Secure."""
        return self.portal_url.startswith("https://")


IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=8)
"""How long a member stays signed in (ASVS 5.0, 7.3.1 and 7.3.2; a phone is lent and left lying)."""
