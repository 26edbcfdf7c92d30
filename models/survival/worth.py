"""CLV by approach 2: expected days as a customer times the spend rate per day.

Months, margin and discount are those of approach 1 (models.btyd.worth): a month has 365 / 12 days,
and money in the n-th month from now is multiplied by 1 / (1 + discount)^n. Money is revenue times
margin, in the currency of the data. Where lost customers come back, the days after the loss count
with the return rate, and lost customers are valued by it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from models.btyd.terms import MONTH_DAYS, THREE_YEARS, YEAR, Terms
from models.new_customers import days_known
from models.portable_text import complete_parts
from models.return_rate import silent_days
from models.survival.curves import HORIZON_DAYS, RemainingLife
from models.survival.days_lived import Lived, lived
from models.survival.portable import LifetimeModel
from models.survival.rows import Array
from models.survival.spend_rate import SpendRate
from models.value_interval import Intervals, Moments, Spread, p_none, quantiles

SPEND_RATE, RETURN_RATE = "survival_spend_rate", "return_rate"
NO_AMOUNTS = "no_amounts"
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
    staying, returning: intervals of the revenue of customers and of lost customers; None: there
    were no past forecasts to fit them on.
    """

    life: LifetimeModel
    value: SpendRate | None
    purchases: SpendRate
    terms: Terms
    staying: Intervals | None = None
    returning: Intervals | None = None

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

    def is_lost(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Whether the customer is lost and has a return rate. False for ended contracts.

        The frame has entry_days, T_days and recency_days, and is_terminated or not.
        """
        if self.value is None or self.value.lost is None:
            return pd.Series(False, index=frame.index)
        is_over = frame["entry_days"].isna()
        if "is_terminated" in frame:
            is_over &= ~frame["is_terminated"].astype(bool)
        return is_over & (silent_days(frame) >= self.value.lost.lost_from)

    def predict_lost(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns MONEY of lost customers, one row per row of the frame; see `is_lost`."""
        assert self.value is not None
        rate = self.value.of_lost(frame) * self.terms.margin
        discounts = day_discounts(self.terms.monthly_discount)
        money = {name: rate * discounts[: int(days)].sum() for name, days in PERIODS.items()}
        year = money["clv_12m"]
        purchases = self.purchases.of_lost(frame) * YEAR
        low, high = self._bounds(
            self.returning, year, purchases, known=days_known(frame), of_value=0.0, of_purchases=0.0
        )
        money |= {"clv_12m_low": low, "clv_12m_high": high, "value_at_stake": year}
        return pd.DataFrame(money, index=frame.index)

    def forecast(self, frame: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Expected purchases and revenue within `horizon` days, without margin or discount.

        One row per row of the frame. 0 for a customer who has left and has no return rate. value
        is NaN where no amounts are known.
        """
        forecast = pd.DataFrame(0.0, index=frame.index, columns=["purchases", "value"])
        if self.value is None:
            forecast["value"] = np.nan
        for rows in self._kinds(frame):
            stay = self.lived(rows, horizon)
            for name, rate in (("purchases", self.purchases), ("value", self.value)):
                if rate is not None:
                    mean, _ = self.expected(rate, rows, horizon, stay=stay)
                    forecast.loc[rows.index, name] = mean
        return forecast

    def interval(self, frame: pd.DataFrame, horizon: int, *, level: float) -> pd.DataFrame:
        """low and high of the revenue within `horizon` days; NaN where there is no interval.

        One row per row of the frame, without margin or discount.
        """
        bounds = pd.DataFrame(np.nan, index=frame.index, columns=["low", "high"])
        for rows in self._kinds(frame):
            is_lost = rows["entry_days"].isna().all()
            intervals = self.returning if is_lost else self.staying
            if intervals is None or self.value is None:
                continue
            none, mean, of_model, known = self.moments(rows, horizon, intervals.purchases)
            value = intervals.value
            variance = value.variance(mean, horizon, known, of_model=of_model)
            low, high = quantiles(none, mean, variance, level=value.level(level))
            bounds.loc[rows.index, "low"], bounds.loc[rows.index, "high"] = low, high
        return bounds

    def _kinds(self, frame: pd.DataFrame) -> list[pd.DataFrame]:
        """The rows of customers, and the rows of lost customers with a return rate, if any."""
        kinds = (frame[frame["entry_days"].notna()], frame[self.is_lost(frame)])
        return [rows for rows in kinds if len(rows)]

    def moments(self, frame: pd.DataFrame, horizon: int, purchases: Spread) -> Moments:
        """Moments of the revenue within `horizon` days of customers, or of lost customers.

        All rows of the frame are of the same kind: entry_days is known, or unknown. purchases: the
        spread of their number of purchases, which gives the probability of none.
        """
        assert self.value is not None
        stay = self.lived(frame, horizon)
        count, of_count = self.expected(self.purchases, frame, horizon, stay=stay)
        none = p_none(count, of_count + purchases.variance(count, horizon))
        mean, of_model = self.expected(self.value, frame, horizon, stay=stay)
        return Moments(none, mean, of_model, days_known(frame))

    def lived(self, frame: pd.DataFrame, horizon: int) -> Lived | None:
        """Days as a customer within the horizon; None for lost customers. The frame is as in
        `moments`."""
        is_lost = frame["entry_days"].isna().all()
        return None if is_lost else lived(self.life, frame, horizon)

    def expected(
        self, rate: SpendRate, frame: pd.DataFrame, horizon: int, *, stay: Lived | None
    ) -> tuple[Array, Array]:
        """Expected revenue or purchases, and the variance that the days as a customer add.

        stay: of `lived`. After a loss the days count with the return rate.
        """
        if stay is None:
            return rate.of_lost(frame) * horizon, np.zeros(len(frame))
        here, back = rate.of(frame), rate.after_loss(frame)
        return here * stay.days + back * (horizon - stay.days), (here - back) ** 2 * stay.variance

    def _day_weights(self) -> Array:
        """Weights of the days ahead, of shape (days, periods + 4).

        The first columns are the discounts of the days of each period. Then follow the discounts of
        the year after the end of the horizon, and the weights for the mean square of a year's
        discounted days: E[D^2] = sum d(u) (2 D(u) + d(u)) S(u). The last two columns are the days
        of the year and the weights of their mean square, without discount.
        """
        discount = day_discounts(self.terms.monthly_discount)
        day = np.arange(HORIZON_DAYS + 1)
        year = np.where(day < YEAR, discount, 0.0)
        after = np.where(day >= self.terms.told_after_days, year, 0.0)
        plain = (day < YEAR).astype(float)
        periods = [np.where(day < days, discount, 0.0) for days in PERIODS.values()]
        return np.column_stack([*periods, after, _squares(year), plain, _squares(plain)])

    def _money(self, frame: pd.DataFrame, life: RemainingLife) -> dict[str, Array]:
        if self.value is None:
            return dict.fromkeys(MONEY, np.full(len(frame), np.nan))
        rate, back = (
            each * self.terms.margin
            for each in (self.value.of(frame), self.value.after_loss(frame))
        )
        discounts = day_discounts(self.terms.monthly_discount)
        money = {}
        for k, (name, days) in enumerate(PERIODS.items()):
            later = np.maximum(discounts[: int(days)].sum() - life.sums[:, k], 0.0)
            money[name] = life.sums[:, k] * rate + later * back
        after, squares, plain, plain_squares = life.sums[:, len(PERIODS) :].T
        h, year = self.terms.told_after_days, life.sums[:, list(PERIODS).index("clv_12m")]
        alive = np.maximum(1 - life.churn[h], 1e-12)
        kept = discounts[: min(h, int(YEAR))].sum() + after / alive
        lost = np.maximum(discounts[: int(YEAR)].sum() - kept, 0.0)
        money["value_at_stake"] = rate * kept + back * lost
        count = self.purchases.of(frame), self.purchases.after_loss(frame)
        low, high = self._bounds(
            self.staying,
            money["clv_12m"],
            count[0] * plain + count[1] * np.maximum(YEAR - plain, 0.0),
            known=days_known(frame),
            of_value=(rate - back) ** 2 * np.maximum(squares - year**2, 0.0),
            of_purchases=(count[0] - count[1]) ** 2 * np.maximum(plain_squares - plain**2, 0.0),
        )
        money["clv_12m_low"], money["clv_12m_high"] = low, high
        return money

    def _bounds(
        self,
        intervals: Intervals | None,
        mean: Array,
        count: Array,
        *,
        known: Array,
        of_value: Array | float,
        of_purchases: Array | float,
    ) -> tuple[Array, Array]:
        """clv_12m_low and clv_12m_high around a year's money and number of purchases.

        known: days since the first purchase. of_value, of_purchases: the variances from the days
        as a customer.
        """
        if intervals is None:
            return mean, mean
        value = intervals.value
        none = p_none(count, of_purchases + intervals.purchases.variance(count, YEAR))
        # The spread is of revenue. Money is a share of it.
        margin = self.terms.margin
        variance = margin**2 * value.variance(
            mean / margin, YEAR, known, of_model=of_value / margin**2
        )
        level = value.level(self.terms.interval)
        low, high = quantiles(none, mean, variance, level=level)
        return np.minimum(low, mean), np.maximum(high, mean)

    def to_json(self) -> str:
        """The model as JSON text."""
        parts = {
            "life": self.life.to_json(),
            "value": None if self.value is None else self.value.to_dict(),
            "purchases": self.purchases.to_dict(),
            "terms": asdict(self.terms),
            "staying": None if self.staying is None else asdict(self.staying),
            "returning": None if self.returning is None else asdict(self.returning),
        }
        return json.dumps(parts, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The model of `to_json`. PortableModelError for any other text."""
        with complete_parts():
            parts: dict[str, Any] = json.loads(text)
            return cls(
                LifetimeModel.from_json(parts["life"]),
                SpendRate.from_dict(parts["value"]) if parts["value"] else None,
                SpendRate.from_dict(parts["purchases"]),
                Terms(**parts["terms"]),
                Intervals.from_dict(parts.get("staying")),
                Intervals.from_dict(parts.get("returning")),
            )


def _squares(days: Array) -> Array:
    """Weights w with E[D^2] = sum w(u) S(u), where D sums the weights `days` of the days lived."""
    squares: Array = days * (2 * (np.cumsum(days) - days) + days)
    return squares


def day_discounts(monthly: float) -> Array:
    """Discount factor of each day ahead, from day 0 to 36 months.

    >>> day_discounts(0.01)[[0, 30, 31]].round(4).tolist()
    [0.9901, 0.9901, 0.9803]
    """
    month = np.floor(np.arange(HORIZON_DAYS + 1) / MONTH_DAYS) + 1
    return (1 + monthly) ** -month
