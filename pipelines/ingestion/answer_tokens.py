"""The key that verifies the tokens of survey answers while they are ingested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.silver import SURVEY_ANSWERS
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings


def has_tokens(source: SourceSettings) -> bool:
    """Whether rows of the source name the customer by a token."""
    return source.table == SURVEY_ANSWERS.short_name and "token" in source.mapping


def key_of(settings: Settings, name: str) -> bytes:
    """The key that verifies the tokens of a source. UsageError: it is not set."""
    key = settings.survey.key()
    if key is None:
        raise UsageError(
            f"sources.{name}: maps token, but the environment variable "
            f"{settings.survey.key_variable} with the key is not set, so no token can be verified. "
            "Set it, or map customer_id instead."
        )
    return key
