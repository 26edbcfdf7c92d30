"""Baselines that every model must beat: recency only, RFM logistic regression, "everyone stays".

rfm_logistic is fitted as a learner (`models.learners`), on the columns that are defined here. No
customer rows are collected to the driver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from models.encoding import FeatureEncoder

RFM = "rfm_logistic"
# Recency, frequency and monetary value.
RFM_COLUMNS = ("recency_days", "purchases_365d", "revenue_365d")
# Each column as sign(x) * log(1 + |x|), null as 0, neither centered nor scaled.
RFM_ENCODER = FeatureEncoder(
    numeric=RFM_COLUMNS,
    fill=(0.0, 0.0, 0.0),
    center=(0.0, 0.0, 0.0),
    scale=(1.0, 1.0, 1.0),
    logged=RFM_COLUMNS,
)


@dataclass(frozen=True)
class RecencyOnly:
    """Churn rate by recency_days, fitted by isotonic regression (the rate never falls)."""

    days: tuple[float, ...]
    rates: tuple[float, ...]
    name: str = "recency_only"

    @classmethod
    def fit(cls, counts: pd.DataFrame) -> RecencyOnly:
        """Fit on one row per recency_days with `rows` and `churned` (a few thousand rows at
        most)."""
        ordered = counts.sort_values("recency_days")
        rates = ordered["churned"] / ordered["rows"]
        fitted = IsotonicRegression(out_of_bounds="clip").fit(
            ordered["recency_days"], rates, sample_weight=ordered["rows"]
        )
        return cls(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The fitted rate of each row, plus 1e-9 per day: breaks the ties within a plateau."""
        days = frame["recency_days"].astype(float).to_numpy()
        return np.clip(np.interp(days, self.days, self.rates) + 1e-9 * days, 0.0, 1.0)


@dataclass(frozen=True)
class EveryoneStays:
    """Predicts 0 for every customer. Its accuracy is the reference for a model's accuracy."""

    name: str = "everyone_stays"

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """0 for each row."""
        return np.zeros(len(frame))
