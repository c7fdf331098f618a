"""What the sink is told by its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class SinkSettings(BaseSettings):
    """Read from ``CHAPTERHOUSE_SINK_*``."""

    model_config = SettingsConfigDict(env_prefix="CHAPTERHOUSE_SINK_", frozen=True)

    port: int = 8082
    smtp_port: int = 8025
    log: Path = Path("var/sink/arrived.jsonl")
    sms_account: str = "AC" + "0" * 32
    sms_token: str = "development"  # noqa: S105 - a sink on loopback has no secret to keep
    inbound_url: str = ""
    """Where a text from a member's phone is posted: the portal's hook. Empty: nowhere."""
    sent_after: float = 0.2
    """Seconds until a text's status becomes ``sent``, and as long again until ``delivered``."""
    test_credentials: bool = False
    """Answer as Twilio answers test credentials: only the magic numbers may send."""
