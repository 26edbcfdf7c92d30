"""Settings of the report."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from runtime.settings.core import Section

DEFAULT_OWNER = "default"


class ReportSettings(Section):
    locale: Literal["en", "de", "fr", "es"]
    currency: str | None
    acquisition_cost: float | None = Field(gt=0)
    owners: dict[str, str]

    @field_validator("currency")
    @classmethod
    def _is_a_code(cls, currency: str | None) -> str | None:
        if currency is not None and not re.fullmatch(r"[A-Z]{3}", currency):
            raise ValueError("must be the code of a currency, three capital letters such as EUR")
        return currency

    def in_currency(self, of_purchases: str | None) -> ReportSettings:
        """The settings with the currency of the purchases, unless the report has its own."""
        return self if self.currency else self.model_copy(update={"currency": of_purchases})

    def owner(self, group: str) -> str:
        """Who contacts the customers of a group of segments; empty: not given."""
        return self.owners.get(group, self.owners.get(DEFAULT_OWNER, ""))
