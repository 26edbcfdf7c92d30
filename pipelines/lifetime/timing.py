"""Effects that the models do not cover: regular purchases, seasons, and contracts that end."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from models.btyd.shifted_beta_geometric import Renewals, ShiftedBetaGeometric, fit
from models.fit_attempts import LeftOut, fit_or_reason
from pipelines.lifetime.btyd_fits import Fits
from pipelines.lifetime.model_rows import fit_rows, left_out_row, plain_row
from pipelines.lifetime.summaries import Summaries
from runtime.context import Context
from transforms.lifetime import contract_renewals, gap_regularity, purchases_by_day
from transforms.visibility import keep_visible

# Standard deviation over mean of the gaps. Random purchases give about 1, a fixed rhythm gives 0.
REGULAR = 0.6
# Purchases in the busiest month over those of the mean month.
SEASONAL = 1.5
NAME = "shifted_beta_geometric"


def timing(summaries: Summaries, day: dt.date) -> Fits:
    """Regularity and seasonality of the purchases, with a warning where they are strong."""
    regular = gap_regularity(summaries.days, day).collect()[0]  # one row
    by_day = purchases_by_day(summaries.days, day).toPandas()  # one row per day of history
    customers = int(summaries.summary_at(day).count())
    rhythm, month = regular["value"], _peak(by_day, "month", day)
    values = {
        "gap_std_over_mean": (rhythm, int(regular["customers"])),
        "busiest_weekday_over_mean": (_peak(by_day, "weekday", day), customers),
        "busiest_month_over_mean": (month, customers),
    }
    rows = [plain_row("timing", name, v, customers=count) for name, (v, count) in values.items()]
    return Fits(rows=rows, warnings=_timing_warnings(rhythm, month))


def _timing_warnings(rhythm: float | None, month: float | None) -> list[str]:
    warnings = []
    if rhythm is not None and rhythm < REGULAR:
        warnings.append(
            f"purchases are regular (std / mean of the gaps is {rhythm:.2f}, about 1 for random "
            "purchases). The models assume random purchases, so they detect a silence later than "
            "possible."
        )
    if month is not None and month > SEASONAL:
        warnings.append(
            f"the busiest month has {month:.1f} times the mean number of purchases. The models "
            "have no seasons: forecasts start from the mean over the year."
        )
    return warnings


def _peak(by_day: pd.DataFrame, unit: str, as_of: dt.date) -> float | None:
    """Purchases per day in the busiest weekday or month, over the mean weekday or month.

    All days count from the first with a purchase to the last before as_of; a day without a
    purchase counts 0. None: there is no purchase.
    """
    if not len(by_day):
        return None
    bought = by_day.set_index(pd.to_datetime(by_day["day"]))["customers"]
    days = pd.date_range(bought.index.min(), as_of, inclusive="left")
    key = days.dayofweek if unit == "weekday" else days.month
    rates = bought.reindex(days, fill_value=0).groupby(key).mean()
    return float(rates.max() / rates.mean())


def contracts(context: Context, summaries: Summaries, day: dt.date) -> Fits:
    """Shifted beta-geometric model of whole months, where contracts have ended."""
    if not context.has("silver.terminations"):
        return Fits()
    ended = keep_visible(context.read("silver.terminations"), "terminated_at", day)
    # At most two rows per month of history.
    counts: pd.DataFrame = contract_renewals(summaries.summary_at(day), ended).toPandas()
    if not counts["has_left"].any():
        return Fits()
    months = np.zeros((2, int(counts["renewals"].max()) + 1))
    for row in counts.itertuples():
        months[int(row.has_left), int(row.renewals)] += row.customers
    alive, left = months
    fitted = fit_or_reason(lambda: fit(Renewals.of(left, alive)))
    if isinstance(fitted, LeftOut):
        row = left_out_row(NAME, fitted.reason, int(months.sum()))
        return Fits(rows=[row], warnings=[f"{NAME} is left out: {fitted.reason}"])
    rows = fit_rows(NAME, fitted, False, is_identified=None)
    if not fitted.converged:
        return Fits(rows=rows)
    return Fits(others={NAME: ShiftedBetaGeometric(**fitted.parameters)}, rows=rows)
