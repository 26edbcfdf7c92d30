"""The settings that turn purchases into CLV, and the months of its discount."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.btyd.rows import Array

MONTH_DAYS = 365 / 12
YEAR, THREE_YEARS = 365.0, 1095.0


@dataclass(frozen=True)
class Terms:
    """The settings that turn purchases into CLV.

    margin: share of revenue. monthly_discount: rate per month. interval: probability between the
    low and high columns. A customer counts as staying if they buy within horizon_days, which begin
    lead_days from now.
    """

    margin: float
    monthly_discount: float
    interval: float
    horizon_days: int
    lead_days: int = 0

    @property
    def told_after_days(self) -> int:
        """Days from now to the end of the horizon, when it is known who stayed."""
        return self.lead_days + self.horizon_days


def month_ends(begin: float, until: float) -> Array:
    """The ends of the months after day `begin`, in days from now, and `until` itself.

    >>> month_ends(0.0, 90.0).round(1).tolist()
    [30.4, 60.8, 90.0]
    """
    last = math.ceil(until / MONTH_DAYS - 1e-9)
    ends = np.minimum(np.arange(1, last + 1) * MONTH_DAYS, until)
    return ends[ends > begin + 1e-9]
