"""What the models leave out and a reader should know: rhythm, seasons, contracts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from models.btyd.rows import NotFittableError
from models.btyd.shifted_beta_geometric import Renewals, ShiftedBetaGeometric, fit
from pipelines.lifetime.btyd_fits import Fits, rows_of
from pipelines.lifetime.summaries import Summaries
from runtime.context import Context

# Below this, gaps are far more even than purchases at random would leave.
REGULAR = 0.6
# A weekday or a month with half as many purchases again as the mean one.
SEASONAL = 1.5
NAME = "shifted_beta_geometric"


def add_timing(context: Context, summaries: Summaries, day: dt.date, found: Fits) -> None:
    """Regularity and seasonality as rows and, where they are strong, as warnings."""
    from transforms.lifetime import gap_regularity, purchases_by_day

    regular = gap_regularity(summaries.days, day).collect()[0]  # one row
    by_day = purchases_by_day(summaries.days, day).toPandas()  # one row a day of history
    customers = int(summaries.of_day(summaries.summary, day).count())
    figures = {
        "gap_std_over_mean": (regular["value"], int(regular["customers"])),
        "busiest_weekday_over_mean": (_peak(by_day, "weekday", day), customers),
        "busiest_month_over_mean": (_peak(by_day, "month", day), customers),
    }
    nothing = dict.fromkeys(("std_error", "log_likelihood", "converged", "is_identified"))
    for parameter, (value, count) in figures.items():
        facts = {"model_name": "timing", "parameter": parameter, "value": value}
        found.rows.append({**facts, **nothing, "customers": count, "is_chosen": False})
    rhythm = figures["gap_std_over_mean"][0]
    if rhythm is not None and rhythm < REGULAR:
        found.warnings.append(
            f"purchases are regular (std / mean of the gaps {rhythm:.2f}; at random about 1): the "
            "models take them for random, and notice a silence later than they could."
        )
    month = figures["busiest_month_over_mean"][0]
    if month is not None and month > SEASONAL:
        found.warnings.append(
            f"the busiest month has {month:.1f} times the mean of purchases: the models know no "
            "season, so forecasts begin from the mean over the year."
        )


def _peak(by_day: pd.DataFrame, unit: str, as_of: dt.date) -> float | None:
    """Purchases a day in the busiest weekday or month over those of the mean one.

    Of all days from the first with a purchase to the last before as_of: one without counts 0.
    """
    if not len(by_day):
        return None
    bought = by_day.set_index(pd.to_datetime(by_day["day"]))["customers"]
    days = pd.date_range(bought.index.min(), as_of, inclusive="left")
    key = days.dayofweek if unit == "weekday" else days.month
    rates = bought.reindex(days, fill_value=0).groupby(key).mean()
    return float(rates.max() / rates.mean())


def add_contracts(context: Context, summaries: Summaries, day: dt.date, found: Fits) -> None:
    """Shifted beta-geometric by whole months, where contracts have ended."""
    if not context.has("silver.terminations"):
        return
    from pyspark.sql import functions as F

    from transforms.lifetime import contract_renewals
    from transforms.visibility import visible_from

    known = visible_from("terminated_at") <= F.lit(day)
    ends = context.read("silver.terminations").where(known)
    # A row a month of history, twice.
    counted: Any = contract_renewals(summaries.of_day(summaries.summary, day), ends).toPandas()
    if not counted["has_left"].any():
        return
    months = np.zeros((2, int(counted["renewals"].max()) + 1))
    for row in counted.itertuples():
        months[int(row.has_left), int(row.renewals)] += row.customers
    still, left = months
    try:
        fitted = fit(Renewals.of(left, still))
    except NotFittableError as reason:
        found.warnings.append(f"{NAME}: {reason}")
        return
    found.rows += rows_of(NAME, fitted, False, None)
    if fitted.converged:
        found.others[NAME] = ShiftedBetaGeometric(**fitted.parameters)
