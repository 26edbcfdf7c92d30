"""Settings of personal data: the keys of the erasure list and of pseudonyms."""

from __future__ import annotations

import os
import re

from pydantic import model_validator

from runtime.errors import UsageError
from runtime.settings.core import Section

SHORTEST_KEY = 32
DEMO = "demo"
# Public data of a public demo: this key protects nothing, and no other environment uses it.
_DEMO_KEY = b"the demo's data are public, so is this key"


class PersonalDataSettings(Section):
    """The keys come from the environment variables that these settings name."""

    erasure_key_variable: str
    pseudonym_key_variable: str

    # Checks the section, since the message of a field would show its value: perhaps the key itself.
    @model_validator(mode="after")
    def _name_variables(self) -> PersonalDataSettings:
        for field in ("erasure_key_variable", "pseudonym_key_variable"):
            name = getattr(self, field)
            if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,63}", name) or name.startswith("HOLDFAST__"):
                raise ValueError(
                    f"{field} must be the name of an environment variable, such as "
                    "HOLDFAST_ERASURE_KEY, and never the key itself; HOLDFAST__ starts a setting"
                )
        return self

    def erasure_key(self, env: str) -> bytes:
        """The key of the erasure list. UsageError: it is missing or too short."""
        value = os.environ.get(self.erasure_key_variable)
        return _checked(value, self.erasure_key_variable, env, "the erasure list")

    def pseudonym_key(self, env: str) -> bytes:
        """The key of pseudonyms. UsageError: it is missing or too short."""
        value = os.environ.get(self.pseudonym_key_variable)
        return _checked(value, self.pseudonym_key_variable, env, "pseudonyms")


def _checked(value: str | None, variable: str, env: str, purpose: str) -> bytes:
    if not value:
        if env == DEMO:
            return _DEMO_KEY
        raise UsageError(
            f"{variable}: the environment variable with the key of {purpose} is not set. Make a "
            "key with `openssl rand -hex 32`, keep it in your secret store, and set the variable."
        )
    if len(value) < SHORTEST_KEY:
        raise UsageError(
            f"{variable}: must have at least {SHORTEST_KEY} characters, got {len(value)}. Make a "
            "key with `openssl rand -hex 32`."
        )
    return value.encode()
