"""What lifetime models must beat, and by which measures: forecasts of purchases and value."""

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

Array = NDArray[np.float64]
DECILES = 10
# Those that say what customers are worth over any period; one of them is chosen.
APPROACHES = ("btyd", "survival")


def last_period(rows: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """The same again: purchases and value of the horizon before the cut."""
    return pd.DataFrame(
        {
            "purchases": rows[f"past_days_{horizon_days}"].astype(float),
            "value": rows[f"past_value_{horizon_days}"].astype(float),
        }
    )


@dataclass(frozen=True)
class BoostedTrees:
    """Two regressors on the summary and the past periods, fitted a horizon earlier."""

    features: tuple[str, ...]
    purchases: Any
    value: Any

    @classmethod
    def fit(cls, rows: pd.DataFrame, horizon_days: int, seed: int) -> BoostedTrees:
        """From rows of an earlier cut whose horizon ends where the forecast begins."""
        names = [c for c in rows if c.startswith("past_")]
        features = ("frequency", "recency_days", "T_days", "monetary_value", "silent_days", *names)
        x = _matrix(rows, features)

        def trees(target: str) -> HistGradientBoostingRegressor:
            # Squared error: the mean is forecast, as the other approaches do.
            learner = HistGradientBoostingRegressor(
                max_iter=150, max_leaf_nodes=15, learning_rate=0.05, random_state=seed
            )
            return learner.fit(x, rows[target].to_numpy(dtype=float))

        purchases = trees(f"next_days_{horizon_days}")
        return cls(features, purchases, trees(f"next_value_{horizon_days}"))

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Purchases and value, at or above 0."""
        x = _matrix(rows, self.features)
        found = {
            "purchases": np.maximum(self.purchases.predict(x), 0.0),
            "value": np.maximum(self.value.predict(x), 0.0),
        }
        return pd.DataFrame(found, index=rows.index)


def _matrix(rows: pd.DataFrame, features: tuple[str, ...]) -> Array:
    full = rows.assign(silent_days=rows["T_days"] - rows["recency_days"])
    return full[list(features)].astype(float).to_numpy()


def measures(actual: ArrayLike, forecast: ArrayLike) -> dict[str, float | None]:
    """How good a forecast was; None: undefined.

    mae, rmse; rank_correlation: Spearman's; top_decile_share: share of all that came from the tenth
    of customers with the largest forecast; total_ratio: forecast over actual, of all;
    bias_decile_<n>: mean forecast less mean actual in tenths by forecast, 1 the lowest.
    """
    y, f = np.asarray(actual, dtype=float), np.asarray(forecast, dtype=float)
    if not len(y):
        return {}
    order = np.argsort(f, kind="stable")
    # Fewer customers than tenths leave the highest empty.
    tenths = np.array_split(order, DECILES)
    total, top = y.sum(), tenths[-1]
    found: dict[str, float | None] = {
        "mae": float(np.abs(f - y).mean()),
        "rmse": float(np.sqrt(((f - y) ** 2).mean())),
        "rank_correlation": rank_correlation(y, f),
        "top_decile_share": float(y[top].sum() / total) if total > 0 and len(top) else None,
        "total_ratio": float(f.sum() / total) if total > 0 else None,
    }
    for number, tenth in enumerate(tenths, start=1):
        bias = float((f[tenth] - y[tenth]).mean()) if len(tenth) else None
        found[f"bias_decile_{number}"] = bias
    return found


def rank_correlation(one: Array, other: Array) -> float | None:
    """Spearman's, ties sharing their mean rank; None where one is constant."""
    a, b = rankdata(one), rankdata(other)
    spread = a.std() * b.std()
    if spread == 0:
        return None
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)


def chosen_before(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with is_chosen: at each cut and horizon the approach of APPROACHES with the lowest
    mean value_mae over the cuts whose horizon had passed by then; None where there is no such cut.

    `rows` have cut (ISO text), approach, horizon_days, metric and value. Where amounts are not
    known purchases decide.
    """
    places = {(r["cut"], r["horizon_days"]) for r in rows}
    decided = {place: best_before(rows, *place) for place in places}
    found = []
    for r in rows:
        best = decided[r["cut"], r["horizon_days"]]
        found.append({**r, "is_chosen": None if best is None else r["approach"] == best})
    return found


def best_before(rows: Sequence[dict[str, Any]], day: str, horizon_days: int) -> str | None:
    """The approach with the lowest mean error on cuts whose horizon had passed by the day, each
    measured on the same cuts; None: there is none. The first of APPROACHES where two are equal."""
    for metric in ("value_mae", "purchases_mae"):
        errors: dict[str, dict[str, float]] = {}
        for r in rows:
            over = dt.date.fromisoformat(r["cut"]) + dt.timedelta(days=horizon_days)
            is_past = r["horizon_days"] == horizon_days and over <= dt.date.fromisoformat(day)
            if is_past and r["metric"] == metric and r["approach"] in APPROACHES:
                errors.setdefault(r["approach"], {})[r["cut"]] = r["value"]
        if errors:
            shared = set.intersection(*(set(by_cut) for by_cut in errors.values()))
            mean = {a: sum(by[c] for c in shared) / max(len(shared), 1) for a, by in errors.items()}
            return min((a for a in APPROACHES if a in mean), key=lambda a: mean[a])
    return None
