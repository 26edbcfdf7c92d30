"""Baselines that every model must beat: recency only, RFM logistic regression, "everyone stays".

Each baseline is fitted on counts or by Spark. No customer rows are collected to the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from models.spark_vectors import with_vector

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RFM_COLUMNS = ("recency_days", "purchases_365d", "revenue_365d")


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
class RfmLogistic:
    """Logistic regression on log(1 + x) of recency, frequency and monetary value (RFM_COLUMNS)."""

    coefficients: tuple[float, ...]
    intercept: float
    name: str = "rfm_logistic"

    @classmethod
    def fit(cls, logs: DataFrame) -> RfmLogistic:
        """Fit in Spark on `churned` and log(1 + x) of RFM_COLUMNS, without nulls."""
        from pyspark.ml.classification import LogisticRegression

        vectors = with_vector(logs, RFM_COLUMNS, "x")
        fitted = LogisticRegression(featuresCol="x", labelCol="churned", maxIter=50).fit(vectors)
        return cls(tuple(float(c) for c in fitted.coefficients), float(fitted.intercept))

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The churn probability of each row; negative values count as 0."""
        logs = np.log1p(frame[list(RFM_COLUMNS)].astype(float).clip(lower=0).to_numpy())
        return expit(logs @ np.array(self.coefficients) + self.intercept)


@dataclass(frozen=True)
class EveryoneStays:
    """Predicts 0 for every customer. Its accuracy is the reference for a model's accuracy."""

    name: str = "everyone_stays"

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """0 for each row."""
        return np.zeros(len(frame))
