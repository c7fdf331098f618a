"""What every process is told by its environment. A service's own settings stand in its own folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from shared.runtime.address import problem_of


class FromEnvironment(BaseSettings):
    """Settings that may also lie as files, one a variable, in the folder that ``CHAPTERHOUSE_SECRETS`` names.

    A file has its variable's name, in small letters (``chapterhouse_broker_url``), and the value in it; the variable
    itself, where it is set, comes first. An environment is inherited and shown by many tools, a file is not.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is handed in, the environment, the folder of secrets."""
        folder = os.environ.get("CHAPTERHOUSE_SECRETS")
        files = SecretsSettingsSource(settings_cls, folder) if folder else file_secret_settings
        return (init_settings, env_settings, dotenv_settings, files)


class Settings(FromEnvironment):
    """Read from ``CHAPTERHOUSE_*`` variables; each field's name in capitals is the variable's."""

    model_config = SettingsConfigDict(env_prefix="CHAPTERHOUSE_")

    env: Literal["development", "production"] = "development"
    broker_url: str = "amqp://guest:guest@127.0.0.1:5672//"
    """``amqps://…?cafile=…`` for TLS: shared.runtime.address. Of a cluster the URL of each node, with semicolons between."""
    data: Path = Path("var/data")
    keys: Path = Path("var/keys")
    database_url: str = "sqlite:///{data}/{service}.db"
    """``{service}`` and ``{data}`` are filled in; for PostgreSQL name the driver: ``postgresql+psycopg2://…/{service}``."""
    clock_file: Path | None = None
    """The one offset of the domain clock, for development and tests. Refused in production."""
    health_port: int = 0  # 0 = none; loopback unless health_host says otherwise
    health_host: str = "127.0.0.1"
    ladder: Annotated[tuple[float, ...], NoDecode] = (1.0, 10.0, 60.0, 600.0)
    """The retry ladder's rungs, in seconds; after the last an event is parked. Comma-separated in the variable."""
    batch: int = Field(default=100, ge=1, le=1000)
    """Events in one transaction at most; prefetch is twice that."""
    breaker_after: int = Field(default=20, ge=0)
    """Different events on which a handler fails in a row before its events wait (shared/messaging/breaker.py); 0 = never."""
    drain_seconds: float = 20.0
    """How long a stopping process may finish what it has begun."""
    log_level: str = "INFO"

    @field_validator("ladder", mode="before")
    @classmethod
    def _rungs(cls, value: object) -> object:
        return tuple(float(part) for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("broker_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        named = [each for part in value.split(";") if (each := part.strip())]
        if not named:
            raise ValueError("no broker is named: amqp://user:password@host/vhost")
        for each in named:
            if problem := problem_of(each):
                raise ValueError(problem)
        return value

    @field_validator("clock_file")
    @classmethod
    def _no_moved_clock_in_production(cls, value: Path | None, info: object) -> Path | None:
        if value is not None and getattr(info, "data", {}).get("env") == "production":
            raise ValueError("the domain clock cannot be moved in production; unset CHAPTERHOUSE_CLOCK_FILE")
        return value

    def database(self, service: str) -> str:
        """The database URL of this service."""
        return self.database_url.format(data=self.data, service=service)
