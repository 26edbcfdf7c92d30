"""Fit what past forecasts of a purchase model showed: new customers, and the variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from models.btyd.past_errors import MONTH, PastErrors
from models.btyd.worth import LifetimeModel
from models.new_customers import NewCustomers, Tenure
from models.value_interval import Calibrated, levels_of


def with_past(
    model: LifetimeModel, past: Mapping[int, pd.DataFrame], tenure: Tenure
) -> LifetimeModel:
    """The model with rates of new customers and a variance from past errors.

    past: per horizon h in days, rows of past dates since which h days have passed, with
    next_value_<h> and next_days_<h>. The rates need the horizon MONTH.
    """
    filled = {h: rows for h, rows in past.items() if len(rows)}
    errors = PastErrors()
    if MONTH in filled:
        new = {what: _new(model, filled[MONTH], tenure, what) for what in ("value", "purchases")}
        errors = PastErrors(new["value"], new["purchases"])
    shrunk = replace(model, past=errors)
    if model.spend is None:
        return shrunk
    moments = {
        h: (shrunk.moments(rows, h), rows[f"next_value_{h}"].to_numpy(dtype=float))
        for h, rows in filled.items()
    }
    interval = Calibrated.fit(
        moments,
        levels_of(model.terms.interval),
        is_added=False,
        new_until=tenure.classes[-1],
    )
    return replace(shrunk, past=replace(errors, interval=interval))


def _new(
    model: LifetimeModel, rows: pd.DataFrame, tenure: Tenure, what: str
) -> NewCustomers | None:
    """None without amounts, or without new customers."""
    if what == "value" and model.spend is None:
        return None
    own = model.forecast(rows, MONTH)[what].to_numpy() / MONTH
    came = rows[f"next_{'value' if what == 'value' else 'days'}_{MONTH}"].to_numpy(dtype=float)
    days = np.full(len(rows), float(MONTH))
    return NewCustomers.fit(tenure, rows, own=own, days=days, came=came)
