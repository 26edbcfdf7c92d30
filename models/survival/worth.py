"""CLV by approach 2: expected days as a customer times the spend rate per day.

Months, margin and discount are those of approach 1 (models.btyd.worth): a month has 365 / 12 days,
and money in the n-th month from now is multiplied by 1 / (1 + discount)^n. Money is revenue times
margin, in the currency of the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from models.btyd.worth import MONTH_DAYS, THREE_YEARS, YEAR, Terms
from models.survival.curves import HORIZON_DAYS, RemainingLife
from models.survival.portable import LifetimeModel
from models.survival.rows import Array, Whole
from models.survival.spend_rate import SpendRate, What

SPEND_RATE, NO_AMOUNTS = "survival_spend_rate", "no_amounts"
# Days ahead that each amount covers.
PERIODS = {"clv_30d": 30.0, "clv_90d": 90.0, "clv_12m": YEAR, "clv_36m": THREE_YEARS}
MONEY = (*PERIODS, "clv_12m_low", "clv_12m_high", "value_at_stake")
LIFE = (
    "remaining_lifetime_days",
    "likely_churn_days",
    "likely_churn_from_days",
    "likely_churn_to_days",
)
# Probabilities of leaving within n days, and of still being a customer after n months.
LEAVES = {"p_leaves_30d": 30, "p_leaves_90d": 90}
STAYS = {"survival_1m": 1, "survival_3m": 3, "survival_12m": 12, "survival_36m": 36}


@dataclass(frozen=True, eq=False)
class SurvivalWorth:
    """A survival model with the spend rates of its customers.

    value: revenue per day; None where no amounts are known. purchases: purchase days per day.
    """

    life: LifetimeModel
    value: SpendRate | None
    purchases: SpendRate
    terms: Terms

    @property
    def kind(self) -> str:
        return self.life.model.kind

    @property
    def clv_basis(self) -> str:
        return SPEND_RATE if self.value else NO_AMOUNTS

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per row of the frame, with the columns LIFE, LEAVES, STAYS and MONEY.

        The frame has entry_days, the features of the model, and the columns of `past_rates`. Days
        are NaN beyond 36 months. Money is NaN where no amounts are known.
        """
        horizons = sorted({self.terms.told_after_days, *LEAVES.values()})
        life = self.life.remaining_life(frame, horizons, self._day_weights())
        columns = {
            "remaining_lifetime_days": life.expected_days,
            "likely_churn_days": life.median_days,
            "likely_churn_from_days": life.low_days,
            "likely_churn_to_days": life.high_days,
            **{name: life.churn[days] for name, days in LEAVES.items()},
            **{name: life.by_month[:, month - 1] for name, month in STAYS.items()},
            **self._money(frame, life),
        }
        return pd.DataFrame(columns, index=frame.index)

    def forecast(self, frame: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Expected purchases and revenue within `horizon` days, without margin or discount.

        One row per row of the frame; value is NaN where no amounts are known.
        """
        days = lived(self.life, frame, horizon)
        value = self.value.of(frame) if self.value else np.full(len(frame), np.nan)
        columns = {"purchases": self.purchases.of(frame) * days, "value": value * days}
        return pd.DataFrame(columns, index=frame.index)

    def _day_weights(self) -> Array:
        """Weights of the days ahead, of shape (days, periods + 2).

        The first columns are the discounts of the days of each period. Then follow the discounts of
        the year after the end of the horizon, and the weights for the mean square of a year's
        discounted days: E[D^2] = sum d(u) (2 D(u) + d(u)) S(u).
        """
        discount = day_discounts(self.terms.monthly_discount)
        day = np.arange(HORIZON_DAYS + 1)
        year = np.where(day < YEAR, discount, 0.0)
        after = np.where(day >= self.terms.told_after_days, year, 0.0)
        squares = year * (2 * (np.cumsum(year) - year) + year)
        periods = [np.where(day < days, discount, 0.0) for days in PERIODS.values()]
        return np.column_stack([*periods, after, squares])

    def _money(self, frame: pd.DataFrame, life: RemainingLife) -> dict[str, Array]:
        if self.value is None:
            return dict.fromkeys(MONEY, np.full(len(frame), np.nan))
        rate = self.value.of(frame) * self.terms.margin
        money = {name: life.sums[:, k] * rate for k, name in enumerate(PERIODS)}
        days, after, squares = life.sums[:, 2], life.sums[:, 4], life.sums[:, 5]
        h = self.terms.told_after_days
        certain = day_discounts(self.terms.monthly_discount)[: min(h, int(YEAR))].sum()
        alive = np.maximum(1 - life.churn[h], 1e-12)
        money["value_at_stake"] = rate * (certain + after / alive)
        year = money["clv_12m"]
        low, high = self._interval(year, rate**2 * np.maximum(squares - days**2, 0.0))
        money["clv_12m_low"], money["clv_12m_high"] = np.minimum(low, year), np.maximum(high, year)
        return money

    def _interval(self, mean: Array, of_life: Array) -> tuple[Array, Array]:
        """Quantiles of a gamma distribution of a year's money.

        Its variance is the sum of the variances from the days as a customer and from the spend.
        """
        assert self.value is not None
        lasting, passing = self.value.spread
        variance = of_life + lasting * mean**2 + passing * self.terms.margin * mean
        shape = np.maximum(mean, 1e-12) ** 2 / np.maximum(variance, 1e-300)
        shape = np.clip(shape, 1e-3, 1e8)
        tail = (1 - self.terms.interval) / 2
        low, high = (gammaincinv(shape, level) * mean / shape for level in (tail, 1 - tail))
        return low, high

    def to_json(self) -> str:
        """The model as JSON text."""
        parts = {
            "life": self.life.to_json(),
            "value": None if self.value is None else self.value.to_dict(),
            "purchases": self.purchases.to_dict(),
            "terms": asdict(self.terms),
        }
        return json.dumps(parts, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model of `to_json`."""
        parts: dict[str, Any] = json.loads(text)
        return cls(
            LifetimeModel.from_json(parts["life"]),
            SpendRate.from_dict(parts["value"]) if parts["value"] else None,
            SpendRate.from_dict(parts["purchases"]),
            Terms(**parts["terms"]),
        )


def fit_worth(
    life: LifetimeModel,
    past: Mapping[int, pd.DataFrame],
    windows: Sequence[int],
    *,
    terms: Terms,
) -> SurvivalWorth:
    """Fit spend rates on the shortest horizon of `past`, and their variance on the longest.

    past: per horizon h in days, the rows of the landmarks for which h days have passed, with the
    outcomes next_value_<h> and next_days_<h>.
    """
    shortest, longest = min(past), max(past)
    rows, later = past[shortest], past[longest]
    days, more = lived(life, rows, shortest), lived(life, later, longest)

    def rate(what: What) -> SpendRate:
        shortest_rate = SpendRate.fit(
            what, windows, rows, days=days, came=rows[f"next_{what}_{shortest}"]
        )
        return shortest_rate.with_spread(later, more, later[f"next_{what}_{longest}"])

    has_amounts = bool((rows[f"next_value_{shortest}"] > 0).any())
    return SurvivalWorth(life, rate("value") if has_amounts else None, rate("days"), terms)


def lived(life: LifetimeModel, frame: pd.DataFrame, horizon: int) -> Array:
    """Expected days as a customer within `horizon` days, one entry per row of the frame."""
    days: Whole = np.arange(horizon)
    return life.conditional_survival(frame, days).sum(axis=1)


def day_discounts(monthly: float) -> Array:
    """Discount factor of each day ahead, from day 0 to 36 months.

    >>> day_discounts(0.01)[[0, 30, 31]].round(4).tolist()
    [0.9901, 0.9901, 0.9803]
    """
    month = np.floor(np.arange(HORIZON_DAYS + 1) / MONTH_DAYS) + 1
    return (1 + monthly) ** -month
