"""Settings of who may be contacted."""

from __future__ import annotations

from typing import Literal

from runtime.settings.core import Section


class ContactSettings(Section):
    """when_consent_unknown: for customers whose is_opted_out is null, or who have no profile."""

    when_consent_unknown: Literal["contact", "do_not_contact"]
