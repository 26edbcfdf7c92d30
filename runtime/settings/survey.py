"""Settings of surveys: the personal link in a message, and the key that signs it."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runtime.errors import UsageError
from runtime.settings.core import Section

TOKEN = "{token}"
_SHORTEST_KEY = 32


class SurveySettings(Section):
    """The key comes from the environment variable that `key_variable` names."""

    url: str | None
    valid_days: int = Field(ge=1, le=3650)
    key_variable: str

    @field_validator("url")
    @classmethod
    def _has_a_place_for_the_token(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if url.count(TOKEN) != 1 or re.search(r"[\s\x00-\x1f\x7f<>\"]", url):
            raise ValueError(f"must hold {TOKEN} once, and no space, quote, < or >")
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or TOKEN in parts.netloc:
            raise ValueError(f"must be a https: address with {TOKEN} after the host")
        return url

    # Checks the section, since the message of a field would show its value: perhaps the key itself.
    @model_validator(mode="after")
    def _names_a_variable(self) -> SurveySettings:
        name = self.key_variable
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,63}", name) or name.startswith("HOLDFAST__"):
            raise ValueError(
                "key_variable must be the name of an environment variable, such as "
                "HOLDFAST_SURVEY_KEY, and never the key itself; HOLDFAST__ starts a setting"
            )
        return self

    def key(self) -> bytes | None:
        """The key. None: the variable is not set. UsageError: it has fewer than 32 characters."""
        value = os.environ.get(self.key_variable)
        if not value:
            return None
        if len(value) < _SHORTEST_KEY:
            raise UsageError(
                f"{self.key_variable}: must have at least {_SHORTEST_KEY} characters, got "
                f"{len(value)}. Make a key with `openssl rand -hex 32`."
            )
        return value.encode()
