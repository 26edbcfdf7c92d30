"""What past forecasts of a purchase model showed: rates of new customers, and the variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from models.btyd.rows import Array
from models.new_customers import NewCustomers
from models.value_interval import Calibrated

# The rate of a new customer is that of this many days ahead.
MONTH = 30


@dataclass(frozen=True)
class PastErrors:
    """value, purchases: rates of new customers; None: not shrunk. interval: variance of the
    revenue around its forecast; None: that of the model."""

    value: NewCustomers | None = None
    purchases: NewCustomers | None = None
    interval: Calibrated | None = None

    def factor(self, what: str, frame: pd.DataFrame, month: Array) -> Array:
        """By what to multiply forecasts of `value` or `purchases`, one entry per row.

        month: the forecast of MONTH days ahead. 1 for a customer who is not new.
        """
        new = self.value if what == "value" else self.purchases
        return np.ones(len(frame)) if new is None else new.factor(frame, month / MONTH)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of dataclasses.asdict, also after JSON; empty for an older model."""
        value, purchases = (
            NewCustomers.from_dict(content[n]) if content.get(n) else None
            for n in ("value", "purchases")
        )
        interval = content.get("interval")
        return cls(value, purchases, Calibrated.from_dict(interval) if interval else None)
