"""Settings of the prediction service and of its online store."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from runtime.settings.core import Section

Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class ApiKeySettings(Section):
    """A key that clients send. sha256: its digest in hex; the key itself stands nowhere.

    expires_on: the first day (UTC) on which it is refused. None: it does not expire. Two keys with
    the same name are valid at the same time, which is how a key is replaced.
    """

    name: KeyName
    sha256: Digest
    expires_on: dt.date | None = None


class RedisSettings(Section):
    """url: None means no online store. retry_seconds: the pause of the circuit breaker."""

    url: str | None
    password_variable: str
    timeout_ms: int = Field(ge=1, le=5_000)
    retry_seconds: float = Field(gt=0, le=60)
    record_days: int = Field(ge=1)

    @model_validator(mode="after")
    def _url_has_no_password(self) -> RedisSettings:
        # Of the section, so that the message does not show the value.
        parts = urlsplit(self.url or "redis:")
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError("url must start with redis://, rediss:// or unix://")
        if parts.password:
            raise ValueError(
                "url must not hold a password; set the variable that password_variable names"
            )
        return self


class InferenceLogSettings(Section):
    """queue: answers that wait in memory. spool_bytes: size of the files that wait for Delta."""

    queue: int = Field(ge=1)
    commit_seconds: float = Field(gt=0)
    spool_bytes: int = Field(ge=1_000_000)


class ServiceSettings(Section):
    """live_lakehouse: the lakehouse that stream_events writes; None: that of the environment."""

    host: str
    port: int = Field(ge=0, le=65_535)
    redis: RedisSettings
    answer_cache_seconds: int = Field(ge=0)
    live_lakehouse: str | None
    model_check_seconds: float = Field(gt=0)
    shadow_challenger: bool
    max_body_bytes: int = Field(ge=1_000)
    max_batch: int = Field(ge=1)
    api_keys: list[ApiKeySettings]
    api_keys_file: str | None
    requests_per_second: float = Field(gt=0)
    burst: int = Field(ge=1)
    log: InferenceLogSettings
    stop_seconds: float = Field(gt=0)
    traces: bool
