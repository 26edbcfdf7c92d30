"""Settings of the app."""

from __future__ import annotations

import ipaddress
from typing import Literal

from pydantic import Field, model_validator

from runtime.settings.core import Section


class UploadSettings(Section):
    """Limits of the files that people upload. folder: None is <lakehouse>-uploads."""

    folder: str | None
    most_mb: int = Field(ge=1, le=1024)
    most_expanded_mb: int = Field(ge=1)
    most_rows: int = Field(ge=1)
    most_columns: int = Field(ge=1)
    most_minutes: int = Field(ge=1)
    keep_days: int = Field(ge=1)


class AppSettings(Section):
    """login: none (everyone is an editor), oidc (Streamlit's log-in) or header (of a proxy)."""

    address: str
    port: int = Field(ge=1, le=65535)
    login: Literal["none", "oidc", "header"]
    user_header: str | None
    editors: list[str]
    uploads: UploadSettings

    @model_validator(mode="after")
    def _strangers_cannot_reach_it(self) -> AppSettings:
        if self.login == "header" and not self.user_header:
            raise ValueError("must name user_header if login is header, such as X-Forwarded-Email")
        if self.login == "none" and not self.is_loopback:
            raise ValueError(
                f"has address {self.address} and login none: everyone who reaches it would be "
                "an editor. Set address to 127.0.0.1, or login to oidc or header"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """True if only this machine reaches the app."""
        if self.address == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False
