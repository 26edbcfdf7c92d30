"""Next purchase: the day of a customer's next purchase, and how overdue it is.

The days between two purchases (a gap) have a gamma distribution. Its shape is the same for all
customers: 1 for purchases at random times, more for a regular rhythm. The rate differs by customer,
and has a gamma distribution (r, alpha). After x gaps in t_x days, gap / scale of the next gap has
a beta prime distribution with parameters (shape, b):

    n = x · evidence / (x + evidence)
    b = r + shape · n
    scale = (alpha + t_x) · b / (r + shape · x)

A customer with few gaps stays near the population. Habits change, so many gaps count as at most
`evidence` gaps. With probability `never`, no purchase follows. A purchase n days after the last one
has a gap in (n - 1, n].
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betainc, betaincinv, expit
from threadpoolctl import threadpool_limits

from contracts.wording import plural
from models.btyd.rows import Array, NotFittableError

NAME = "gamma_gap"
LEVEL = 0.8
# No date is given where no purchase within NEAR_DAYS is more likely than one.
NEAR_DAYS = 365.0
# The last day of the interval is null beyond 36 months, like likely_churn_date.
FAR_DAYS = 1095.0
DAYS = {
    "next_purchase_on": "next_purchase_days",
    "next_purchase_low": "next_purchase_low_days",
    "next_purchase_high": "next_purchase_high_days",
}
OVERDUE = ("days_overdue", "overdue_percentile")
# Bounds of log(shape), log(r), log(alpha / mean gap), log(evidence), logit(never).
BOUNDS = ((-3.0, 5.0), (-4.0, 7.0), (-7.0, 7.0), (-1.0, 7.0), (-14.0, 0.0))
START = (0.4, 0.4, 0.4, 3.0, -5.0)
SMALLEST = 1e-300


@dataclass(frozen=True)
class NextPurchase:
    """The fitted model. x, recency and T are arrays in days, as in models.btyd.rows."""

    shape: float
    r: float
    alpha: float
    evidence: float
    never: float

    def shorter_gaps(self, x: Array, recency: Array, days: Array) -> Array:
        """Share of a customer's gaps that are at most `days` long."""
        return 1 - self._longer_gaps(x, recency, days)

    def gap_quantile(self, x: Array, recency: Array, longer: Array) -> Array:
        """Days that the share `longer` of a customer's gaps exceeds; inf for a share of 0."""
        b, scale = self._gaps(x, recency)
        with np.errstate(divide="ignore"):
            return scale * (1 / betaincinv(b, self.shape, longer) - 1)

    def still_silent(self, x: Array, recency: Array, days: Array) -> Array:
        """Probability of no purchase in the first `days` days after the last one."""
        return self.never + (1 - self.never) * self._longer_gaps(x, recency, days)

    def p_no_purchase(self, x: Array, recency: Array, T: Array, *, days: Array | float) -> Array:
        """Probability of no purchase in the next `days` days, given the silence until now."""
        now = self.still_silent(x, recency, T - recency)
        later = self.still_silent(x, recency, T - recency + days)
        # A silence that the model holds impossible has no purchase after it.
        return np.where(now > SMALLEST, later / np.maximum(now, SMALLEST), 1.0)

    def days_until(self, x: Array, recency: Array, T: Array, *, level: Array | float) -> Array:
        """Days from now within which the next purchase has probability `level`; inf: never."""
        silent = T - recency
        target = (1 - level) * self.still_silent(x, recency, silent)
        longer = np.clip((target - self.never) / (1 - self.never), 0.0, 1.0)
        return np.maximum(self.gap_quantile(x, recency, longer) - silent, 0.0)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per row of the frame (frequency, recency_days, T_days), with its index.

        next_purchase_days: median of the day of the next purchase, 0 being as_of. Its low and high
        columns hold LEVEL of the probability. All three are NaN where no purchase within NEAR_DAYS
        has a probability above 0.5; high also beyond FAR_DAYS. days_overdue: days since the last
        purchase beyond the median gap, at least 0. overdue_percentile: share of gaps shorter than
        the days since the last purchase, in percent. Both are NaN with a single purchase day.
        """
        x, recency, T = _numbers(frame)
        low = self._days(x, recency, T, level=(1 - LEVEL) / 2, whole=np.round)
        passed = 1 - self.p_no_purchase(x, recency, T, days=low)
        until = np.minimum(passed + LEVEL, 1.0)
        # Whole days: where the low end keeps more or less than a tenth below it, the high end
        # makes up for it.
        last = self._days(x, recency, T, level=until, whole=np.round) - 1
        middle = self._days(x, recency, T, level=0.5, whole=np.ceil) - 1
        high = np.maximum(last, low)
        is_near = self.p_no_purchase(x, recency, T, days=NEAR_DAYS) <= 0.5
        dates = {
            "next_purchase_days": np.clip(middle, low, high),
            "next_purchase_low_days": low,
            "next_purchase_high_days": np.where(high <= FAR_DAYS, high, np.nan),
        }
        usual = np.ceil(np.round(self.gap_quantile(x, recency, np.full(len(x), 0.5)), 6))
        usual = np.maximum(usual, 1.0)
        share = self.shorter_gaps(x, recency, T - recency)
        overdue = {
            "days_overdue": np.maximum(T - recency + 1 - usual, 0.0),
            "overdue_percentile": np.round(100 * share, 4),
        }
        columns = {n: np.where(is_near, v, np.nan) for n, v in dates.items()}
        columns |= {n: np.where(x > 0, v, np.nan) for n, v in overdue.items()}
        return pd.DataFrame(columns, index=frame.index)

    def to_json(self) -> str:
        """The parameters as JSON text."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model of `to_json`."""
        return cls(**json.loads(text))

    def _days(
        self,
        x: Array,
        recency: Array,
        T: Array,
        level: Array | float,
        whole: Callable[[Array], Array],
    ) -> Array:
        # Six decimals first: the last digits must not decide about a day.
        return whole(np.round(self.days_until(x, recency, T, level=level), 6))

    def _longer_gaps(self, x: Array, recency: Array, days: Array) -> Array:
        b, scale = self._gaps(x, recency)
        return betainc(b, self.shape, scale / (scale + np.maximum(days, 0.0)))

    def _gaps(self, x: Array, recency: Array) -> tuple[Array, Array]:
        counted = x / (1 + x / self.evidence)
        b = self.r + self.shape * counted
        return b, (self.alpha + recency) * b / (self.r + self.shape * x)


def fit(rows: pd.DataFrame, followed_days: int, fewest: int) -> NextPurchase:
    """Fit to what happened after a past date.

    rows: one row per customer, with frequency, recency_days and T_days at that date, and next_days,
    the days until the next purchase (NaN: none within followed_days). fewest: rows that a fit
    needs, half of them with a next purchase. Raises NotFittableError.
    """
    x, recency, T = _numbers(rows)
    came = rows["next_days"].notna().to_numpy()
    _check(x, came, followed_days, fewest=fewest)
    until = np.where(came, rows["next_days"].astype(float).fillna(0.0), float(followed_days))
    silent, usual = T - recency, max(float(recency.sum() / x.sum()), 1.0)

    def loss(at: Array) -> float:
        model = _at(at, usual)
        late = model.still_silent(x, recency, silent + until)
        later = np.where(came, model.still_silent(x, recency, silent + until + 1), 0.0)
        now = model.still_silent(x, recency, silent)
        chance = np.log(np.maximum(late - later, SMALLEST)) - np.log(np.maximum(now, SMALLEST))
        return float(-chance.mean())

    with threadpool_limits(1):
        reached = minimize(
            loss, np.array(START), method="L-BFGS-B", bounds=BOUNDS, options={"ftol": 1e-8}
        )
    return _at(reached.x, usual)


def measures(
    predicted: pd.DataFrame, next_days: pd.Series, followed_days: int
) -> dict[str, float | None]:
    """Coverage of the interval and median error of the median, in days; None without a row.

    Judged are the customers whose interval ends within followed_days. A customer without a purchase
    in these days counts as above the interval, with the error at the end of the days. customers:
    their number.
    """
    high = predicted["next_purchase_high_days"]
    judged = (high < followed_days).to_numpy()
    days = next_days.astype(float).fillna(float(followed_days)).to_numpy()[judged]
    kept = predicted[judged]
    inside = (days >= kept["next_purchase_low_days"]) & (days <= kept["next_purchase_high_days"])
    error = np.abs(days - kept["next_purchase_days"])
    has_rows = len(kept) > 0
    return {
        "coverage_80": float(inside.mean()) if has_rows else None,
        "median_error_days": float(error.median()) if has_rows else None,
        "customers": float(len(kept)),
    }


def _at(at: Array, usual: float) -> NextPurchase:
    shape, r, alpha, evidence = (float(v) for v in np.exp(at[:4]))
    return NextPurchase(shape, r, alpha * usual, evidence, float(expit(at[4])))


def _numbers(frame: pd.DataFrame) -> list[Array]:
    names = ("frequency", "recency_days", "T_days")
    return [frame[name].astype(float).to_numpy() for name in names]


def _check(x: Array, came: Array, followed_days: int, *, fewest: int) -> None:
    if len(x) < fewest or came.sum() < fewest / 2 or not x.any():
        raise NotFittableError(
            f"{plural(len(x), 'customer')}, {int(x.astype(bool).sum()):,} of them with a repeat "
            f"purchase; {int(came.sum()):,} bought in the {plural(followed_days, 'day')} that the "
            "model is fitted to. "
            f"It needs lifetime.fewest_customers = {plural(fewest, 'customer')}, half of them "
            "buying in these days, and a repeat purchase."
        )
