"""Backtest of lifetime models: baseline forecasts of purchases and value, and error metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingRegressor

from udfs.normal import NORMAL_95

Array = NDArray[np.float64]
DECILES = 10
QUARTERS = 4
# Approaches that predict a customer's value over any period. One of them is chosen.
APPROACHES = ("btyd", "survival")


def last_period(rows: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Baseline: the purchases and value of the horizon before the cut, one row per input row."""
    return pd.DataFrame(
        {
            "purchases": rows[f"past_days_{horizon_days}"].astype(float),
            "value": rows[f"past_value_{horizon_days}"].astype(float),
        }
    )


@dataclass(frozen=True)
class BoostedTrees:
    """Regressors of purchases and value on the purchase summary and the past periods.

    Fitted on a cut that is at least one horizon earlier.
    """

    features: tuple[str, ...]
    purchases: Any
    value: Any

    @classmethod
    def fit(cls, rows: pd.DataFrame, horizon_days: int, seed: int) -> BoostedTrees:
        """Fit on rows of an earlier cut whose horizon ends where the forecast begins."""
        names = [c for c in rows if c.startswith("past_")]
        features = ("frequency", "recency_days", "T_days", "monetary_value", "silent_days", *names)
        x = _matrix(rows, features)

        def trees(target: str) -> HistGradientBoostingRegressor:
            # Squared error, so that the trees forecast the mean, as the other approaches do.
            learner = HistGradientBoostingRegressor(
                max_iter=150, max_leaf_nodes=15, learning_rate=0.05, random_state=seed
            )
            return learner.fit(x, rows[target].to_numpy(dtype=float))

        purchases = trees(f"next_days_{horizon_days}")
        return cls(features, purchases, trees(f"next_value_{horizon_days}"))

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Forecast purchases and value, both >= 0, one row per input row in the same index."""
        x = _matrix(rows, self.features)
        forecast = {
            "purchases": np.maximum(self.purchases.predict(x), 0.0),
            "value": np.maximum(self.value.predict(x), 0.0),
        }
        return pd.DataFrame(forecast, index=rows.index)


def _matrix(rows: pd.DataFrame, features: tuple[str, ...]) -> Array:
    full = rows.assign(silent_days=rows["T_days"] - rows["recency_days"])
    return full[list(features)].astype(float).to_numpy()


def measures(actual: ArrayLike, forecast: ArrayLike) -> dict[str, float | None]:
    """Error metrics of a forecast, one value per customer. Undefined metrics are None.

    mae, rmse: in the unit of `actual`. rank_correlation: Spearman's. top_decile_share: share of the
    actual total that comes from the tenth of customers with the highest forecast. total_ratio: sum
    of forecasts divided by sum of actuals. bias_decile_<n>: mean forecast minus mean actual in the
    n-th tenth by forecast, 1 being the lowest. Empty for an empty input.
    """
    y, f = np.asarray(actual, dtype=float), np.asarray(forecast, dtype=float)
    if not len(y):
        return {}
    order = np.argsort(f, kind="stable")
    # With fewer than ten customers the highest tenths are empty.
    tenths = np.array_split(order, DECILES)
    total, top = y.sum(), tenths[-1]
    metrics: dict[str, float | None] = {
        "mae": float(np.abs(f - y).mean()),
        "rmse": float(np.sqrt(((f - y) ** 2).mean())),
        "rank_correlation": rank_correlation(y, f),
        "top_decile_share": float(y[top].sum() / total) if total > 0 and len(top) else None,
        "total_ratio": float(f.sum() / total) if total > 0 else None,
    }
    for number, tenth in enumerate(tenths, start=1):
        bias = float((f[tenth] - y[tenth]).mean()) if len(tenth) else None
        metrics[f"bias_decile_{number}"] = bias
    return metrics


def ratio_interval(
    actual: Array, forecast: Array, *, samples: int, seed: int
) -> tuple[float | None, float | None, float | None]:
    """Sum of forecasts divided by sum of actuals, and its bootstrap interval of 90 %.

    Customers are drawn with replacement. None where the sum of actuals is not positive, in the data
    or in a sample.
    """
    if not len(actual) or actual.sum() <= 0:
        return None, None, None
    draw = np.random.default_rng(seed)
    ratios = []
    for _ in range(samples):
        drawn = draw.integers(0, len(actual), len(actual))
        total = actual[drawn].sum()
        if total <= 0:
            return float(forecast.sum() / actual.sum()), None, None
        ratios.append(forecast[drawn].sum() / total)
    low, high = np.quantile(ratios, [0.05, 0.95])
    return float(forecast.sum() / actual.sum()), float(low), float(high)


def share_interval(inside: int, customers: int) -> tuple[float, float, float]:
    """A share of customers and its Wilson interval of 95 %.

    >>> [round(v, 3) for v in share_interval(9, 10)]
    [0.9, 0.596, 0.982]
    """
    n, p, z = float(customers), inside / customers, NORMAL_95
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return p, float((centre - half) / scale), float((centre + half) / scale)


def quarters(values: Array) -> NDArray[np.int64]:
    """1 (lowest) to 4 (highest) per entry, by rank; ties by position."""
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(len(values))
    return 1 + rank * QUARTERS // max(len(values), 1)


def rank_correlation(actual: Array, forecast: Array) -> float | None:
    """Spearman's rank correlation. Ties get their mean rank. None if an input is constant."""
    a, b = rankdata(actual), rankdata(forecast)
    spread = a.std() * b.std()
    if spread == 0:
        return None
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)


def chosen_before(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add is_chosen to the rows of a backtest.

    `rows` have cut (ISO text), approach, horizon_days, metric and value. At each cut and horizon,
    is_chosen is True for the approach of APPROACHES with the lowest mean value_mae over the cuts
    whose horizon had passed by then, and None if there is no such cut. Without amounts, the mean
    purchases_mae decides.
    """
    places = {(r["cut"], r["horizon_days"]) for r in rows}
    decided = {place: best_before(rows, *place) for place in places}
    marked = []
    for r in rows:
        best = decided[r["cut"], r["horizon_days"]]
        marked.append({**r, "is_chosen": None if best is None else r["approach"] == best})
    return marked


def best_before(rows: Sequence[dict[str, Any]], day: str, horizon_days: int) -> str | None:
    """The approach with the lowest mean error on cuts whose horizon had passed by `day`.

    All approaches are compared on the same cuts. Ties go to the first in APPROACHES. None if no cut
    qualifies.
    """
    for metric in ("value_mae", "purchases_mae"):
        errors: dict[str, dict[str, float]] = {}
        for r in rows:
            over = dt.date.fromisoformat(r["cut"]) + dt.timedelta(days=horizon_days)
            is_past = r["horizon_days"] == horizon_days and over <= dt.date.fromisoformat(day)
            is_known = r["value"] is not None
            if is_past and is_known and r["metric"] == metric and r["approach"] in APPROACHES:
                errors.setdefault(r["approach"], {})[r["cut"]] = r["value"]
        if errors:
            shared = set.intersection(*(set(by_cut) for by_cut in errors.values()))
            mean = {a: sum(by[c] for c in shared) / max(len(shared), 1) for a, by in errors.items()}
            return min((a for a in APPROACHES if a in mean), key=lambda a: mean[a])
    return None
