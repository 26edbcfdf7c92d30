"""What any model must beat: recency alone, RFM in a logistic regression, and "everyone stays".

Each is fitted on counts or by Spark, so that no customers come to the driver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

RFM_COLUMNS = ("recency_days", "purchases_365d", "revenue_365d")


@dataclass(frozen=True)
class RecencyOnly:
    """Churn rate by recency_days, made monotone; the longer the silence, the likelier the loss."""

    days: tuple[float, ...]
    rates: tuple[float, ...]
    name: str = "recency_only"

    @classmethod
    def fit(cls, counts: pd.DataFrame) -> RecencyOnly:
        """From one row a recency_days with `rows` and `churned` (at most some thousand rows)."""
        ordered = counts.sort_values("recency_days")
        rates = ordered["churned"] / ordered["rows"]
        fitted = IsotonicRegression(out_of_bounds="clip").fit(
            ordered["recency_days"], rates, sample_weight=ordered["rows"]
        )
        return cls(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The fitted rate, with a billionth a day, so that its plateaus tie no two silences."""
        days = frame["recency_days"].astype(float).to_numpy()
        return np.clip(np.interp(days, self.days, self.rates) + 1e-9 * days, 0.0, 1.0)


@dataclass(frozen=True)
class RfmLogistic:
    """Logistic regression on log(1 + recency), log(1 + frequency), log(1 + monetary)."""

    coefficients: tuple[float, ...]
    intercept: float
    name: str = "rfm_logistic"

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        logs = np.log1p(frame[list(RFM_COLUMNS)].astype(float).clip(lower=0).to_numpy())
        return expit(logs @ np.array(self.coefficients) + self.intercept)


@dataclass(frozen=True)
class EveryoneStays:
    """Nobody leaves: the accuracy that a model has to be measured against."""

    name: str = "everyone_stays"

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return np.zeros(len(frame))
