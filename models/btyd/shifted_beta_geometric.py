"""Shifted beta-geometric: retention of contracts over renewals.

Fader & Hardie 2007, "How to Project Customer Retention". Each customer leaves at each renewal with
the same chance, which has a beta(alpha, beta) distribution over customers:
P(leaves at renewal t) = B(alpha + 1, beta + t - 1) / B(alpha, beta), S(t) = B(alpha, beta + t) /
B(alpha, beta).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betaln, digamma

from contracts.wording import plural
from models.btyd.fitting import Fit, maximise
from models.btyd.rows import Array, LifetimeDataError, NotFittableError

NAMES = ("alpha", "beta")
FORMAT = "holdfast-renewals-1"
# Months ahead, with one renewal per month.
AHEAD = (1, 3, 12, 36)
STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 5.0))


@dataclass(frozen=True)
class Renewals:
    """Numbers of contracts by renewal, t from 0.

    left[t]: contracts that ended at renewal t + 1. still[t]: contracts that were last seen active
    after t renewals.
    """

    left: Array
    still: Array

    @classmethod
    def of(cls, left: ArrayLike, still: ArrayLike) -> Renewals:
        """Check the counts.

        Raises LifetimeDataError where a count is negative or not finite. Raises NotFittableError
        where no contract ended or none was observed beyond the first renewal.
        """
        ended, alive = np.asarray(left, dtype=float), np.asarray(still, dtype=float)
        if (ended < 0).any() or (alive < 0).any() or not np.isfinite([*ended, *alive]).all():
            raise LifetimeDataError(
                "renewals: counts of contracts must be finite and not below 0. Count the "
                "contracts that ended at each renewal, and the contracts that are still active."
            )
        if ended.sum() == 0 or alive[1:].sum() + ended[1:].sum() == 0:
            raise NotFittableError(
                f"renewals: of {plural(ended.sum() + alive.sum(), 'contract')} {ended.sum():,.0f} "
                f"ended, and {alive[1:].sum() + ended[1:].sum():,.0f} were observed beyond the "
                "first renewal. Both must be above 0 to fit the model."
            )
        return cls(ended, alive)


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """The fitted model. Time is counted in renewals."""

    alpha: float
    beta: float

    def survival(self, renewals: ArrayLike, after: ArrayLike = 0.0) -> Array:
        """Share of the contracts with `after` renewals that pass `renewals` further renewals."""
        t0 = np.asarray(after, dtype=float)
        t = t0 + np.asarray(renewals, dtype=float)
        return np.exp(betaln(self.alpha, self.beta + t) - betaln(self.alpha, self.beta + t0))

    def retention(self, renewal: ArrayLike) -> Array:
        """Share that renews at the n-th renewal: (beta + n - 1) / (alpha + beta + n - 1).

        Of the contracts that reach the n-th renewal.
        """
        n = np.asarray(renewal, dtype=float)
        return (self.beta + n - 1) / (self.alpha + self.beta + n - 1)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per row of the frame, with its index.

        renewals: number of monthly renewals passed. survival_<n>m: probability to pass n more.
        """
        passed = frame["renewals"].astype(float).to_numpy()
        chances = {f"survival_{months}m": self.survival(months, passed) for months in AHEAD}
        return pd.DataFrame(chances, index=frame.index)

    def to_json(self) -> str:
        """The model as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model of `to_json`."""
        parts: dict[str, Any] = json.loads(text)
        return cls(parts["alpha"], parts["beta"])


def fit(renewals: Renewals) -> Fit:
    """Fit alpha and beta by maximum likelihood."""

    def likelihood(log_parameters: Array) -> tuple[float, Array]:
        alpha, beta = theta = np.exp(log_parameters)
        t = np.arange(len(renewals.left))
        n = np.arange(len(renewals.still))
        whole = renewals.left.sum() + renewals.still.sum()
        value = renewals.left @ betaln(alpha + 1, beta + t)
        value += renewals.still @ betaln(alpha, beta + n) - whole * betaln(alpha, beta)
        both_left, both_still = digamma(alpha + 1 + beta + t), digamma(alpha + beta + n)
        front = whole * digamma(alpha + beta)
        by_alpha = renewals.left @ (digamma(alpha + 1) - both_left)
        by_alpha += renewals.still @ (digamma(alpha) - both_still) - whole * digamma(alpha) + front
        by_beta = renewals.left @ (digamma(beta + t) - both_left)
        by_beta += renewals.still @ (digamma(beta + n) - both_still) - whole * digamma(beta) + front
        return float(value), np.array([by_alpha, by_beta]) * theta

    customers = float(renewals.left.sum() + renewals.still.sum())
    return maximise(likelihood, customers, NAMES, starts=STARTS)
