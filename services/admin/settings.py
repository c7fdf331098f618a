"""What the admin app is told by its environment, besides what every process is told."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import FromEnvironment


class AdminSettings(FromEnvironment):
    """Read from ``CHAPTERHOUSE_ADMIN_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="CHAPTERHOUSE_ADMIN_")

    host: str = "127.0.0.1"
    port: int = 8001
    base_url: str = ""
    """As browsers call it. With https cookies are Secure; empty means http on this machine, for development."""
    forwarded_from: str = "127.0.0.1"
    """Whose X-Forwarded-* headers are believed: the reverse proxy."""
    locale: str = Field(default="en", validation_alias="CHAPTERHOUSE_LOCALE")
    """How times are written: the same variable as the portal's."""
    idle_minutes: int = Field(default=30, ge=1)
    absolute_hours: int = Field(default=8, ge=1)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")
