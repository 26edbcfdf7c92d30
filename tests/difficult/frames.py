"""The rows that the fits take, made from a company's lines in pandas: small, and without Spark."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.difficult.companies import Company

# Days of silence after which a customer counts as lost, and days between landmarks.
WINDOW, STEP = 60, 30
WINDOWS = (30, 90)


def purchase_days(company: Company) -> pd.DataFrame:
    """customer, day, value: one row per customer and day with a purchase; its sum with returns.

    A line of amount 0 is a purchase, as without amounts; a line below 0 is a return.
    """
    lines = company.lines.assign(is_purchase=company.lines["paid"] >= 0)
    days = lines.groupby(["customer", "day"], as_index=False).agg(
        value=("paid", "sum"), is_purchase=("is_purchase", "any")
    )
    return days[days["is_purchase"]].drop(columns="is_purchase").reset_index(drop=True)


def summary(days: pd.DataFrame, until: int) -> pd.DataFrame:
    """One row per customer with a purchase before the day: frequency, recency, T and mean value.

    monetary_value is the mean of the repeat purchases; null without one.
    """
    known = days[days["day"] < until].sort_values(["customer", "day"])
    repeats = known[known.duplicated("customer")]
    first_last = known.groupby("customer")["day"].agg(["min", "max", "count"])
    return pd.DataFrame(
        {
            "frequency": first_last["count"] - 1,
            "recency_days": first_last["max"] - first_last["min"],
            "T_days": until - 1 - first_last["min"],
            "monetary_value": repeats.groupby("customer")["value"].mean(),
        },
        index=first_last.index,
    )


def past(days: pd.DataFrame, until: int, horizon: int) -> pd.DataFrame:
    """`summary` with the purchases and revenue of the windows before and the horizon after."""
    rows = summary(days, until)
    spans = {f"past_{{}}_{w}": (until - w, until) for w in WINDOWS}
    spans[f"next_{{}}_{horizon}"] = (until, until + horizon)
    for name, (begin, end) in spans.items():
        inside = days[days["day"].between(begin, end - 1)].groupby("customer")["value"]
        for what, totals in (("days", inside.count()), ("value", inside.sum())):
            rows[name.format(what)] = totals.reindex(rows.index, fill_value=0).astype(float)
    return rows


def landmarks(company: Company, days: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and landmark: covariates, entry_days, duration_days, event.

    A customer is lost WINDOW days after the last purchase. Times count from the first purchase.
    """
    last = int(days["day"].max()) + 1
    parts = []
    for at in range(STEP, last, STEP):
        rows = past(days, at, STEP)
        begun = days.groupby("customer")["day"].min().reindex(rows.index)
        rows["entry_days"] = at - begun
        rows["feature_recency_days"] = rows["T_days"] - rows["recency_days"] + 1
        rows = rows[(rows["feature_recency_days"] <= WINDOW) & (rows["entry_days"] > 0)]
        parts.append(_with_time(rows, days, at, last).assign(landmark=at))
    return pd.concat(parts).reset_index() if parts else pd.DataFrame()


def _with_time(rows: pd.DataFrame, days: pd.DataFrame, at: int, last: int) -> pd.DataFrame:
    lost_on = {c: _lost_on(d.to_numpy(), at) for c, d in days.groupby("customer")["day"]}
    lost = pd.Series(lost_on).reindex(rows.index).to_numpy()
    lived = np.minimum(lost, last) - at
    out = rows.assign(
        duration_days=rows["entry_days"] + lived,
        event=(lost <= last).astype(int),
        followed_days=last - at,
        feature_purchases_90d=rows["past_days_90"],
        feature_revenue_90d=rows["past_value_90"],
        feature_mean_value=rows["monetary_value"],
        feature_orders=rows["frequency"],
        # Always the same, and always twice another one.
        feature_constant=1.0,
        feature_twice=2 * rows["past_days_90"],
    )
    return out[out["duration_days"] > out["entry_days"]]


def _lost_on(bought: np.ndarray, at: int) -> int:
    """The day on which WINDOW days of silence end, for the first such silence after `at`."""
    bought = np.sort(bought)
    begin = max(int((bought < at).sum()) - 1, 0)
    kept = bought[begin:]
    silent = np.flatnonzero(np.diff(kept) > WINDOW)
    return int(kept[silent[0]] if len(silent) else kept[-1]) + WINDOW + 1
